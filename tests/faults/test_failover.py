"""The primary of the store and of the broker killed under load, behind real Sentinels."""

from collections import Counter
from pathlib import Path

import pytest

from dispatcher.domain.campaign import Campaign
from dispatcher.domain.lifecycle import CampaignState
from tests.support.people import generated
from tests.support.polling import eventually
from tests.support.sentinels import Watched, await_link, running_watched
from tests.support.shell import run
from tests.support.stack import Stack

RECIPIENTS = 400
BATCH_SIZE = 5
# Sends pause after a failover for the lease of a send and five seconds. It has to outlast the
# failover itself, or what was claimed before is `unknown` after.
ENV = {
    "DISPATCHER_REDIS_REPLICAS": "1",
    "DISPATCHER_BATCH_SIZE": str(BATCH_SIZE),
    "DISPATCHER_CONNECT_TIMEOUT": "0.5",
    "DISPATCHER_HTTP_DEADLINE": "1",
    "DISPATCHER_QUOTE_LEASE": "6",
    "DISPATCHER_SEND_LEASE": "12",
    "DISPATCHER_VISIBILITY_TIMEOUT": "30",
}


def posted(stack: Stack) -> Counter[str]:
    """Count how often each number was sent to."""
    return Counter(
        message["destination"] for entry in stack.sandbox.ledger() for message in entry["messages"]
    )


def fail_over(watched: Watched) -> None:
    """Kill the primary, await that another is named, and bring the dead one back as its replica."""
    watched.first.kill()
    eventually(lambda: watched.primary() == watched.second.port, within=30)
    watched.first.start()
    await_link(watched.first)


@pytest.mark.timeout(180)
def test_a_failover_under_load_loses_nobody_and_sends_to_nobody_twice(tmp_path: Path) -> None:
    with (
        running_watched(tmp_path / "watched") as watched,
        Stack(
            tmp_path,
            redis=watched.first,
            address=watched.url,
            env=ENV,
            sandbox_options=("--latency", "0.05", "--receipt-delay", "0"),
        ) as stack,
    ):
        stack.start_worker(2)
        stack.start_beat()
        stack.start_web()
        numbers = list(generated(RECIPIENTS))
        campaign = stack.dispatcher.submit(Campaign(text="Bonjour", recipients=numbers))
        eventually(lambda: len(posted(stack)) >= RECIPIENTS / 4, within=30)

        fail_over(watched)
        before = len(posted(stack))
        eventually(lambda: len(posted(stack)) == RECIPIENTS, within=60)

        status = stack.dispatcher.wait(campaign, timeout=30)
        assert status.state is CampaignState.FINISHED
        assert before < RECIPIENTS
        assert Counter(posted(stack).values()) == {1: RECIPIENTS}
        assert status.batch_states == {"accepted": RECIPIENTS // BATCH_SIZE}
        assert watched.denials() == []
        assert "All is well enough to send." in run(stack, "doctor").output
