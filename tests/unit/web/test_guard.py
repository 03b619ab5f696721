from ipaddress import ip_network

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from dispatcher.account_settings import AccountSettings
from dispatcher.settings import Settings
from dispatcher.web.guard import Guard
from dispatcher.web.signatures import Signatures

NETWORKS = tuple(map(ip_network, ("192.0.2.0/24", "2001:db8::/48")))
SIGNATURE = "a-signature-of-unit-tests"
SIGNED = AccountSettings(token=SecretStr("sandbox-token"), webhook_signature=SecretStr(SIGNATURE))


def scope(peer: str | None, *forwarded: str, signature: str | None = None) -> dict[str, object]:
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    if signature is not None:
        headers.append((b"x-smsfactor-signature", signature.encode()))
    return {"client": None if peer is None else (peer, 40_000), "headers": headers}


@pytest.mark.parametrize("peer", ["192.0.2.1", "192.0.2.255", "2001:db8::1", "::ffff:192.0.2.7"])
def test_addresses_of_the_list_are_let_in(peer: str) -> None:
    assert Guard(networks=NETWORKS).admits(scope(peer))


@pytest.mark.parametrize("peer", ["192.0.3.1", "2001:db9::1", "127.0.0.1", "not an address", None])
def test_others_are_not(peer: str | None) -> None:
    assert not Guard(networks=NETWORKS).admits(scope(peer))


def test_without_a_list_anybody_is_let_in() -> None:
    assert Guard().admits(scope(None))


def test_without_proxies_what_the_sender_says_of_itself_counts_for_nothing() -> None:
    guard = Guard(networks=NETWORKS)

    assert not guard.admits(scope("198.51.100.1", "192.0.2.1"))
    assert guard.admits(scope("192.0.2.1", "198.51.100.1"))


@pytest.mark.parametrize(
    ("proxies", "forwarded", "let_in"),
    [
        (1, ("192.0.2.1",), True),
        (1, ("198.51.100.1",), False),
        (1, ("192.0.2.1, 198.51.100.1",), False),
        (1, ("192.0.2.1", "198.51.100.1"), False),
        (1, ("198.51.100.1, 192.0.2.1",), True),
        (2, ("192.0.2.1, 10.0.0.2",), True),
        (2, ("192.0.2.1, 198.51.100.1, 10.0.0.2",), False),
        (2, ("192.0.2.1",), False),
        (1, ("192.0.2.1:51234",), True),
        (1, ("[2001:db8::1]:51234",), True),
        (1, ("",), False),
        (1, (), False),
    ],
)
def test_behind_proxies_the_address_the_outermost_of_ours_saw_counts(
    proxies: int, forwarded: tuple[str, ...], *, let_in: bool
) -> None:
    guard = Guard(networks=NETWORKS, proxies=proxies)

    assert guard.admits(scope("10.0.0.1", *forwarded)) is let_in


def test_signatures_are_asked_for_where_one_is_set() -> None:
    guard = Guard(Signatures({"shop": SIGNED}))

    assert guard.believes("shop", scope(None, signature=SIGNATURE), b"body")
    assert not guard.believes("shop", scope(None, signature="wrong"), b"body")
    assert not guard.believes("shop", scope(None), b"body")
    assert guard.believes("clinic", scope(None), b"body")


def test_it_tells_whether_it_has_anything_to_check() -> None:
    assert Guard(networks=NETWORKS).checks("shop")
    assert Guard(Signatures({"shop": SIGNED})).checks("shop")
    assert not Guard(Signatures({"shop": SIGNED})).checks("clinic")


def test_refusals_are_counted_and_logged_once_a_minute_without_secrets() -> None:
    now = 0.0
    guard = Guard(Signatures({"shop": SIGNED}), networks=NETWORKS, clock=lambda: now)

    with capture_logs() as logs:
        for _ in range(1000):
            guard.admits(scope("198.51.100.1"))
            guard.believes("shop", scope(None, signature=SIGNATURE + "x"), b"body")
        now = 61.0
        guard.admits(scope("198.51.100.2"))

    assert sum(entry["count"] for entry in logs) == 2001
    assert len(logs) == 4
    assert SIGNATURE not in str(logs)


def test_it_is_made_of_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCHER_WEBHOOK_ALLOW", "192.0.2.0/24, 2001:db8::/48")
    monkeypatch.setenv("DISPATCHER_WEBHOOK_PROXIES", "1")
    monkeypatch.setenv("DISPATCHER_STOP_WORDS", "baja, nicht mehr")

    settings = Settings.from_env()

    assert settings.webhook_allow == NETWORKS
    assert settings.stop_words == ("baja", "nicht mehr")
    assert Guard.of(settings).admits(scope("10.0.0.1", "192.0.2.1"))
