import base64
import os

import pytest

from dispatcher.domain.feed import EventKind
from dispatcher.errors import SettingsError
from dispatcher.settings import Settings

URL = "https://shop.example/hooks?token=very-secret"
ONE = "whsec_" + base64.b64encode(b"1" * 24).decode()
TWO = "whsec_" + base64.b64encode(b"2" * 32).decode()


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("DISPATCHER_"):
            monkeypatch.delenv(name)


def read(monkeypatch: pytest.MonkeyPatch, producer: str = "SHOP", **variables: str) -> Settings:
    for name, value in {"URL": URL, "SECRETS": ONE, **variables}.items():
        monkeypatch.setenv(f"DISPATCHER_CALLBACKS__{producer}__{name}", value)
    return Settings.from_env()


@pytest.mark.parametrize(
    "given", [f"{ONE} {TWO}", f"{ONE},{TWO}", f" {ONE} ,{TWO} ", f'["{ONE}", "{TWO}"]']
)
def test_several_secrets_stand_beside_each_other(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    found = read(monkeypatch, SECRETS=given).callbacks["shop"]

    assert [secret.get_secret_value() for secret in found.secrets] == [ONE, TWO]
    assert found.url.get_secret_value() == URL
    assert found.events == ()
    assert not found.allow_private


def test_kinds_of_events_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, EVENTS="hold receipts").callbacks["shop"]

    assert found.events == (EventKind.HOLD, EventKind.RECEIPTS)


def test_plain_http_goes_with_private_addresses_only(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"CALLBACKS__SHOP: url: give an https address"):
        read(monkeypatch, URL="http://shop.internal/hooks")

    found = read(monkeypatch, URL="http://shop.internal/hooks", ALLOW_PRIVATE="true")

    assert found.callbacks["shop"].allow_private


@pytest.mark.parametrize(
    "variables",
    [
        {"URL": "https://user:word@shop.example/"},
        {"URL": "https:///path"},
        {"URL": "ftp://shop.example/"},
        {"URL": "https://shop.example:999999/"},
        {"SECRETS": ""},
        {"SECRETS": "not-a-secret-of-the-specification"},
        {"SECRETS": f"{ONE} whsec_c2hvcnQ="},
        {"EVENTS": "everything"},
        {"TIMEOUT": "61"},
        {"ATTEMPTS": "0"},
        {"UNKNOWN": "1"},
        {"URL": "https://shop.example/a b"},
        {"URL": "https://shop.example/\r\nX-Other: 1"},
        {"URL": "https://boutique-d\xe9t\xe9.example/"},
    ],
)
def test_what_cannot_work_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    with pytest.raises(SettingsError, match="CALLBACKS__SHOP") as caught:
        read(monkeypatch, **variables)

    for value in (*variables.values(), URL, ONE):
        assert len(value) < 5 or value not in str(caught.value)


def test_only_what_a_producer_can_be_called_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"CALLBACKS__SHOP\.FR"):
        read(monkeypatch, "SHOP.FR")


def test_neither_addresses_nor_secrets_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch)

    assert "very-secret" not in repr(settings)
    assert ONE not in repr(settings)
    assert "very-secret" not in settings.callbacks["shop"].endpoint


def test_an_endpoint_is_another_when_its_address_is(monkeypatch: pytest.MonkeyPatch) -> None:
    first = read(monkeypatch).callbacks["shop"].endpoint

    assert read(monkeypatch).callbacks["shop"].endpoint == first
    assert read(monkeypatch, URL=URL + "2").callbacks["shop"].endpoint != first
