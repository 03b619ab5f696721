"""Checks the signature of a webhook (live dialect: the `X-SMSFactor-Signature` header).

The vendor does not document how it signs; public clients take the header for the plain secret
(contract, section 9). So the way is a setting: one named here, or `module:function` for one of
your own, which is a `SignatureCheck`.
"""

import base64
import hmac
import importlib
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import TypeAlias

from pydantic import SecretStr

from dispatcher.account_settings import AccountSettings
from dispatcher.errors import SettingsError

HEADER = b"x-smsfactor-signature"
"""Name of the header, as ASGI gives it."""

SignatureCheck: TypeAlias = Callable[[bytes, bytes, bytes], bool]
"""Tells whether a signature is right: (secret, body, signature). It takes the same time for any
wrong one, for which `hmac.compare_digest` is there."""


def is_plain(secret: bytes, _body: bytes, signature: bytes) -> bool:
    """Tell whether the header is the secret itself."""
    # Of one length, whatever was sent: a comparison tells nothing about the secret's.
    return hmac.compare_digest(sha256(secret).digest(), sha256(signature).digest())


def is_hmac_sha256(secret: bytes, body: bytes, signature: bytes) -> bool:
    """Tell whether the header is the body's HMAC-SHA-256, in hexadecimal digits or base64."""
    right = hmac.digest(secret, body, sha256)
    given = signature.strip().removeprefix(b"sha256=")
    as_hex = hmac.compare_digest(given.lower(), right.hex().encode())
    as_base64 = hmac.compare_digest(given, base64.b64encode(right))
    return as_hex or as_base64


CHECKS: Mapping[str, SignatureCheck] = {"plain": is_plain, "hmac-sha256": is_hmac_sha256}
"""The ways that have a name."""


class Signatures:
    """The secrets webhooks are signed with, by account; two at a time while one is replaced."""

    def __init__(self, accounts: Mapping[str, AccountSettings], *, way: str = "plain") -> None:
        """Take the secrets out of the settings.

        Raises:
            SettingsError: there is no such way.
        """
        self._check = find_check(way)
        self._secrets = {
            name: found
            for name, account in accounts.items()
            if (found := _secrets(account.webhook_signature, account.old_webhook_signature))
        }

    def are_wanted(self, account: str) -> bool:
        """Tell whether an account takes signed webhooks only."""
        return account in self._secrets

    def is_right(self, account: str, body: bytes, signature: bytes | None) -> bool:
        """Tell whether a body is signed as it must be."""
        secrets = self._secrets.get(account)
        if secrets is None:
            return True
        if signature is None:
            return False
        # All are tried: how long it takes does not tell which one was right.
        checked = [self._check(secret, body, signature) for secret in secrets]
        return any(checked)


def find_check(way: str) -> SignatureCheck:
    """Give the check of a name, or of `module:function`.

    Raises:
        SettingsError: there is no such way.
    """
    if way in CHECKS:
        return CHECKS[way]
    module, _, function = way.partition(":")
    try:
        check = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(
            f"DISPATCHER_WEBHOOK_SIGNATURES: there is no {way!r}: use {', '.join(CHECKS)} or "
            "module:function"
        ) from error
    return check  # type: ignore[no-any-return]  # whatever the setting names


def _secrets(*given: SecretStr | None) -> list[bytes]:
    return [secret.get_secret_value().encode() for secret in given if secret is not None]
