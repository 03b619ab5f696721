from collections.abc import Iterator

import pytest

from dispatcher.smsfactor import Credentials, Dialect, SmsFactor, Wire
from tests.support.sandbox import Sandbox, running_sandbox

USERNAME = Credentials(username="sandbox@example.com", password="sandbox")
TOKEN = Credentials(token="sandbox-token")


@pytest.fixture(scope="session")
def v1_server() -> Iterator[Sandbox]:
    with running_sandbox("--credits", "1000", "--receipt-delay", "0") as running:
        yield running


@pytest.fixture(scope="session")
def live_server() -> Iterator[Sandbox]:
    options = ("--credits", "1000", "--receipt-delay", "0", "--dialect", "live")
    with running_sandbox(*options) as running:
        yield running


@pytest.fixture(params=Dialect, ids=lambda dialect: dialect.value)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return Dialect(request.param)


@pytest.fixture
def sandbox(dialect: Dialect, v1_server: Sandbox, live_server: Sandbox) -> Sandbox:
    """A sandbox of either dialect, fresh, with 1,000 credits."""
    server = live_server if dialect is Dialect.LIVE else v1_server
    server.control("POST", "reset")
    return server


@pytest.fixture(params=Wire, ids=lambda wire: wire.name.lower())
def api(request: pytest.FixtureRequest, sandbox: Sandbox, dialect: Dialect) -> Iterator[SmsFactor]:
    """A client of that sandbox, in either wire format."""
    credentials = TOKEN if dialect is Dialect.LIVE else USERNAME
    wire = Wire(request.param)
    with SmsFactor(credentials, base_url=sandbox.url, wire=wire, dialect=dialect) as client:
        yield client
