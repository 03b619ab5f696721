"""The broker loses messages: the state in Redis says what is next, and a tick finds it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from dispatcher import Campaign, Dispatcher
from dispatcher.domain.lifecycle import CampaignState
from tests.faults.rig import Inbox
from tests.support.people import fictional
from tests.support.stack import Stack

QUEUED = 50


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with Stack(tmp_path, sandbox_options=("--receipt-delay", "0.1")) as running:
        running.start_web()
        yield running


def test_a_campaign_without_any_message_is_found(stack: Stack) -> None:
    stack.start_worker()
    stack.start_beat()
    unheard = Dispatcher(stack.dispatcher._store, Inbox(stack.settings), stack.settings)

    campaign = unheard.submit(_campaign(0))

    assert stack.dispatcher.wait(campaign, 120).state is CampaignState.FINISHED


def test_nothing_is_lost_with_the_whole_broker(stack: Stack) -> None:
    campaigns = [stack.dispatcher.submit(_campaign(place)) for place in range(QUEUED)]

    with redis.Redis(port=stack.redis.port, db=1) as broker:
        broker.flushdb()
    stack.start_worker()
    stack.start_beat()

    ends = [stack.dispatcher.wait(campaign, 120).state for campaign in campaigns]
    assert ends == [CampaignState.FINISHED] * QUEUED
    assert len(stack.sandbox.ledger()) == QUEUED


def _campaign(place: int) -> Campaign:
    return Campaign(recipients=[str(fictional(1, start=place)[0])], text="Bonjour")
