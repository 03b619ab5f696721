import base64
import hashlib
import hmac

import pytest
from pydantic import SecretStr

from dispatcher.account_settings import AccountSettings
from dispatcher.errors import SettingsError
from dispatcher.web.signatures import Signatures, find_check

NEW, OLD = "new-signature-of-tests", "old-signature-of-tests"
BODY = b'{"from": "33639980001"}'
ACCOUNTS = {
    "shop": AccountSettings(
        token=SecretStr("sandbox-token"),
        webhook_signature=SecretStr(NEW),
        old_webhook_signature=SecretStr(OLD),
    ),
    "clinic": AccountSettings(token=SecretStr("sandbox-token")),
}


def is_reversed(secret: bytes, _body: bytes, signature: bytes) -> bool:
    """A check of one's own."""
    return hmac.compare_digest(secret[::-1], signature)


def signed(secret: str, body: bytes = BODY) -> bytes:
    return hmac.digest(secret.encode(), body, hashlib.sha256)


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_both_secrets_of_an_account_are_right(secret: str) -> None:
    plain = Signatures(ACCOUNTS, way="plain")
    keyed = Signatures(ACCOUNTS, way="hmac-sha256")

    assert plain.is_right("shop", BODY, secret.encode())
    assert keyed.is_right("shop", BODY, signed(secret).hex().encode())
    assert keyed.is_right("shop", BODY, b"sha256=" + signed(secret).hex().upper().encode())
    assert keyed.is_right("shop", BODY, base64.b64encode(signed(secret)))


@pytest.mark.parametrize("signature", [None, b"", b"x", NEW[:-1].encode(), b"\xff\x00"])
@pytest.mark.parametrize("way", ["plain", "hmac-sha256"])
def test_anything_else_is_wrong(way: str, signature: bytes | None) -> None:
    assert not Signatures(ACCOUNTS, way=way).is_right("shop", BODY, signature)


def test_a_signature_of_another_body_is_wrong() -> None:
    of_another = signed(NEW, b"another body").hex().encode()

    assert not Signatures(ACCOUNTS, way="hmac-sha256").is_right("shop", BODY, of_another)


def test_an_account_without_a_signature_takes_unsigned_bodies() -> None:
    signatures = Signatures(ACCOUNTS, way="plain")

    assert signatures.are_wanted("shop")
    assert not signatures.are_wanted("clinic")
    assert signatures.is_right("clinic", BODY, None)


def test_a_check_of_ones_own_may_be_named() -> None:
    signatures = Signatures(ACCOUNTS, way=f"{__name__}:is_reversed")

    assert signatures.is_right("shop", BODY, NEW[::-1].encode())
    assert not signatures.is_right("shop", BODY, NEW.encode())


@pytest.mark.parametrize("way", ["", "md5", "no.such.module:check", f"{__name__}:nothing", ":x"])
def test_a_way_that_does_not_exist_is_refused_at_once(way: str) -> None:
    with pytest.raises(SettingsError, match="DISPATCHER_WEBHOOK_SIGNATURES"):
        find_check(way)
