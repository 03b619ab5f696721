"""Signatures of callbacks, as Standard Webhooks 1.0.0 describes them (symmetric, `v1`)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

_PREFIX = "whsec_"
_LEAST, _MOST = 24, 64


def is_signing_secret(secret: str) -> bool:
    """Tell whether a secret has the specification's form: `whsec_` and base64 of 24 to 64 bytes."""
    try:
        return secret.startswith(_PREFIX) and _LEAST <= len(_key_of(secret)) <= _MOST
    except (binascii.Error, ValueError):
        return False


def signed_headers(
    body: bytes, *, identity: str, seconds: int, secrets: Iterable[str]
) -> dict[str, str]:
    """Give the headers of a callback, with a signature for each secret.

    Args:
        body: what is posted, byte for byte.
        identity: names the event, the same at every attempt.
        seconds: since 1970, of this attempt.
        secrets: see `is_signing_secret`.
    """
    content = f"{identity}.{seconds}.".encode() + body
    signatures = (
        base64.b64encode(hmac.digest(_key_of(secret), content, hashlib.sha256)).decode()
        for secret in secrets
    )
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _key_of(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
