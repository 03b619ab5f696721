"""Finds the account a webhook is for, by the secret in its path."""

import hmac
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256

from dispatcher.account_settings import AccountSettings
from dispatcher.errors import SettingsError

# What a URL carries unchanged: anything else arrives escaped, or not at all.
_URL_SAFE = re.compile(r"[A-Za-z0-9._~-]+")


class Keyring:
    """The webhook secrets of every account, two at a time while one is being replaced."""

    def __init__(self, accounts: Mapping[str, AccountSettings]) -> None:
        """Take the secrets out of the settings.

        Raises:
            SettingsError: none is set, two accounts have the same, or one does not fit a URL.
        """
        self._digests: list[tuple[bytes, str]] = []
        owners: dict[str, str] = {}
        for name, secret in _secrets(accounts):
            if not _URL_SAFE.fullmatch(secret):
                raise SettingsError(
                    f"a webhook secret of account {name!r} does not fit into a URL: use letters, "
                    "digits and . _ ~ -"
                )
            if owners.setdefault(secret, name) != name:
                raise SettingsError(
                    f"accounts {owners[secret]!r} and {name!r} have the same webhook secret: "
                    "give each its own"
                )
            self._digests.append((_digest(secret), name))
        if not self._digests:
            raise SettingsError(
                "no webhook secret is set: set DISPATCHER_ACCOUNTS__DEFAULT__WEBHOOK_SECRET"
            )

    def account_of(self, secret: str) -> str | None:
        """Give the account of a secret, None for a wrong one, in the same time for any."""
        digest = _digest(secret)
        found = None
        for known, account in self._digests:
            if hmac.compare_digest(digest, known):
                found = account
        return found


def _secrets(accounts: Mapping[str, AccountSettings]) -> Iterator[tuple[str, str]]:
    for name, account in accounts.items():
        for secret in (account.webhook_secret, account.old_webhook_secret):
            if secret is not None:
                yield name, secret.get_secret_value()


def _digest(secret: str) -> bytes:
    # Of one length, whatever was sent: a comparison tells nothing about the secret's.
    return sha256(secret.encode(errors="replace")).digest()
