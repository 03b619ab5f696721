"""A sandbox and a receiver shared by the tests of one module, each rig on a Redis of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import ConnectionPool

from dispatcher.settings import Settings
from dispatcher.store.account import Store
from tests.faults.forked_workers import Nursery, running_nursery
from tests.faults.replaying_redis import ReplayingRedis
from tests.faults.rig import CREDITS, Rig, make_settings, rigged, store_on_test_clock
from tests.support.sandbox import Receiver, Sandbox, running_receiver, running_sandbox


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with running_receiver() as found:
        yield found


@pytest.fixture(scope="module")
def sandbox(receiver: Receiver) -> Iterator[Sandbox]:
    options = ("--credits", str(CREDITS), "--webhook", receiver.url, "--receipt-delay", "0.02")
    with running_sandbox(*options) as found:
        yield found


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with running_nursery() as found:
        yield found


@pytest.fixture
def settings(redis_url: str, sandbox: Sandbox, tmp_path: Path) -> Settings:
    return make_settings(redis_url, sandbox.url, tmp_path)


@pytest.fixture
def rig(settings: Settings, sandbox: Sandbox, receiver: Receiver) -> Iterator[Rig]:
    with rigged(settings, sandbox, receiver, store_on_test_clock) as found:
        yield found


@pytest.fixture
def replaying(
    settings: Settings, sandbox: Sandbox, receiver: Receiver
) -> Iterator[tuple[Rig, ReplayingRedis]]:
    url = settings.redis_url.get_secret_value()
    client = ReplayingRedis(connection_pool=ConnectionPool.from_url(url))

    def open_store(found: Settings) -> Store:
        return store_on_test_clock(found, client=client)

    with rigged(settings, sandbox, receiver, open_store) as rig:
        client.learn(rig.account.store.batches._scripts._scripts)
        yield rig, client
