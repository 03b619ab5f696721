import asyncio
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from pydantic import SecretStr

from dispatcher.account_settings import AccountSettings
from dispatcher.store.inbox import Hook
from dispatcher.web.deposits import Condition, Deposits
from dispatcher.web.keyring import Keyring
from dispatcher.web.receiver import MAX_BODY, Receiver

SECRET = "a-secret-of-unit-tests"
ACCOUNT = AccountSettings(token=SecretStr("sandbox-token"), webhook_secret=SecretStr(SECRET))
PATH = f"/webhooks/{SECRET}/dlr"

Event = MutableMapping[str, Any]


@dataclass
class FakeDeposits:
    """Deposits in memory."""

    takes: bool = True
    place: Condition = Condition.READY
    bodies: list[tuple[Hook, str, bytes]] = field(default_factory=list)

    async def put(self, hook: Hook, account: str, body: bytes) -> bool:
        self.bodies.append((hook, account, body))
        return self.takes

    async def condition(self) -> Condition:
        return self.place


@dataclass
class Exchange:
    """One request to a receiver, and the answer."""

    path: str = PATH
    method: str = "POST"
    chunks: tuple[bytes, ...] = (b"body",)
    headers: tuple[tuple[bytes, bytes], ...] = ()
    leaves: bool = False
    deposits: FakeDeposits = field(default_factory=FakeDeposits)
    asked: int = 0
    sent: list[Event] = field(default_factory=list)

    def run(self) -> "Exchange":
        keyring = Keyring({"shop": ACCOUNT})
        receiver = Receiver(cast("Deposits", self.deposits), keyring)
        scope = {
            "type": "http",
            "path": self.path,
            "method": self.method,
            "headers": list(self.headers),
        }
        asyncio.run(receiver(scope, self._receive, self._send))
        return self

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def text(self) -> bytes:
        return b"".join(event.get("body", b"") for event in self.sent)

    @property
    def answered_headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def kept(self) -> list[bytes]:
        return [body for _, _, body in self.deposits.bodies]

    async def _receive(self) -> Event:
        position, self.asked = self.asked, self.asked + 1
        if position >= len(self.chunks) - 1 and self.leaves:
            return {"type": "http.disconnect"}
        more = position < len(self.chunks) - 1 or self.leaves
        return {"type": "http.request", "body": self.chunks[position], "more_body": more}

    async def _send(self, event: Event) -> None:
        self.sent.append(event)


def test_a_body_is_kept_for_the_account_of_the_secret_and_answered() -> None:
    exchange = Exchange(chunks=(b"a ", b"body")).run()

    assert exchange.status == 200
    assert exchange.text == b""
    assert exchange.deposits.bodies == [(Hook.DLR, "shop", b"a body")]


@pytest.mark.parametrize("body", [b"", b"\x00\xff", b"{", b"x" * MAX_BODY])
def test_whatever_is_not_too_large_is_kept(body: bytes) -> None:
    exchange = Exchange(chunks=(body,)).run()

    assert exchange.status == 200
    assert exchange.kept == [body]


def test_what_could_not_be_kept_is_to_be_repeated() -> None:
    exchange = Exchange(deposits=FakeDeposits(takes=False)).run()

    assert exchange.status == 503
    assert exchange.answered_headers[b"retry-after"] == b"10"


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/another-secret-of-tests/dlr",
        "/webhooks//dlr",
        f"/webhooks/{SECRET}",
        f"/webhooks/{SECRET}/unheard-of",
        f"/webhooks/{SECRET}/dlr/more",
        f"/hooks/{SECRET}/dlr",
        "/",
        "",
        "/healthz/deep",
    ],
)
def test_every_other_path_is_not_found_without_detail(path: str) -> None:
    exchange = Exchange(path=path).run()

    assert (exchange.status, exchange.text) == (404, b"")
    assert exchange.kept == []
    assert exchange.asked == 0


@pytest.mark.parametrize("path", [f"//webhooks///{SECRET}//dlr", f"{PATH}/"])
def test_slashes_too_many_are_forgiven(path: str) -> None:
    assert Exchange(path=path).run().status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
@pytest.mark.parametrize("secret", [SECRET, "another-secret-of-tests"])
def test_only_post_is_allowed_whether_or_not_the_secret_is_right(method: str, secret: str) -> None:
    exchange = Exchange(path=f"/webhooks/{secret}/dlr", method=method).run()

    assert exchange.status == 405
    assert exchange.answered_headers[b"allow"] == b"POST"
    assert exchange.kept == []


def test_a_declared_size_beyond_the_limit_is_refused_at_once() -> None:
    exchange = Exchange(headers=((b"content-length", b"65537"),)).run()

    assert exchange.status == 413
    assert exchange.kept == []


def test_an_endless_body_is_refused_when_it_passes_the_limit() -> None:
    exchange = Exchange(chunks=(b"x" * 65_536,) * 1000).run()

    assert exchange.status == 413
    assert exchange.kept == []
    # It reads on for a while after the answer, or closing would take that from the client.
    assert 10 < exchange.asked < 25


def test_nothing_is_kept_of_a_client_that_goes_away() -> None:
    exchange = Exchange(chunks=(b"half", b""), leaves=True).run()

    assert exchange.sent == []
    assert exchange.kept == []


@pytest.mark.parametrize(
    ("place", "status", "text"),
    [
        (Condition.READY, 200, b"ready\n"),
        (Condition.SPOOLING, 200, b"spooling\n"),
        (Condition.UNABLE, 503, b"unable\n"),
    ],
)
def test_readiness_says_where_a_body_would_go(place: Condition, status: int, text: bytes) -> None:
    deposits = FakeDeposits(place=place)

    exchange = Exchange(path="/readyz", method="GET", deposits=deposits).run()

    assert (exchange.status, exchange.text) == (status, text)


def test_a_process_that_answers_is_alive() -> None:
    exchange = Exchange(path="/healthz", method="GET").run()

    assert (exchange.status, exchange.text) == (200, b"alive\n")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_only_for_reading(path: str) -> None:
    exchange = Exchange(path=path, method="POST").run()

    assert exchange.status == 405
    assert exchange.answered_headers[b"allow"] == b"GET"
