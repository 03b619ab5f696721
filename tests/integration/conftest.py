"""One worker without Celery, beside a sandbox and a webhook receiver shared by a module's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bench import Bench
from tests.support.sandbox import Receiver, Sandbox, running_receiver, running_sandbox
from tests.support.works import Hints, Works, settings_for
from workers.resources import Resources


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
