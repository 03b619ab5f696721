from collections.abc import Iterator

import pytest

from tests.support.sandbox import Receiver, Sandbox, running_receiver, running_sandbox


@pytest.fixture(scope="session")
def v1_process() -> Iterator[Sandbox]:
    with running_sandbox("--credits", "1000", "--receipt-delay", "0") as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def live_process() -> Iterator[Sandbox]:
    options = ("--credits", "1000", "--receipt-delay", "0", "--dialect", "live")
    with running_sandbox(*options) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(v1_process: Sandbox) -> Sandbox:
    """A sandbox of the document's dialect, fresh, with 1,000 credits."""
    v1_process.control("POST", "reset")
    return v1_process


@pytest.fixture
def live(live_process: Sandbox) -> Sandbox:
    """A sandbox of the live dialect, fresh, with 1,000 credits."""
    live_process.control("POST", "reset")
    return live_process


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running
