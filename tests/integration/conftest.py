"""A bench, an account that loses answers, and a worker beside a sandbox of its module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bench import Bench
from tests.support.losses import Losses
from tests.support.sandbox import Receiver, Sandbox, running_receiver, running_sandbox
from tests.support.works import Hints, Works, settings_for
from workers.resources import Resources


@pytest.fixture
def bench(redis_url: str) -> Iterator[Bench]:
    bench = Bench(redis_url)
    yield bench
    bench.close()


@pytest.fixture
def dedicated(bench: Bench, tmp_path: Path) -> Losses:
    """Give an account that nobody else spends from, and whose books have balanced."""
    losses = Losses(bench, tmp_path, dedicated=True)
    losses.balance_books()
    return losses


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with running_receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def sandbox(receiver: Receiver) -> Iterator[Sandbox]:
    options = ("--port", "0", "--webhook", receiver.url, "--receipt-delay", "0")
    with running_sandbox(*options) as sandbox:
        yield sandbox


@pytest.fixture
def works(redis_url: str, sandbox: Sandbox, receiver: Receiver, tmp_path: Path) -> Iterator[Works]:
    sandbox.control("POST", "reset")
    sandbox.control("DELETE", "faults")
    receiver.events.clear()
    bench, hints = Bench(redis_url), Hints()
    resources = Resources(
        settings_for(redis_url, sandbox, tmp_path),
        hints,  # type: ignore[arg-type]  # a stand-in for the broker
        open_store=lambda _: bench.store,
    )
    yield Works(bench, sandbox, receiver, resources, hints)
    resources.close()
