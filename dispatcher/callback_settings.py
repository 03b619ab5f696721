"""What is set about the callbacks to a producer; a part of `dispatcher.settings`."""

from hashlib import blake2b
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    model_validator,
)
from pydantic_settings import NoDecode

from dispatcher.domain.feed import EventKind
from dispatcher.domain.signing import is_signing_secret

ProducerName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,32}$")]


def _split(given: object) -> object:
    """Take words as well as a JSON list, which is awkward in an environment."""
    if not isinstance(given, str):
        return given
    return "".join(" " if character in ',[]"' else character for character in given).split()


def _is_endpoint(url: str, *, plain: bool) -> bool:
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError:
        return False
    schemes = ("https", "http") if plain else ("https",)
    is_complete = bool(parts.hostname) and has_port and url.isascii() and url.isprintable()
    return parts.scheme in schemes and is_complete and " " not in url and parts.username is None


class CallbackSettings(BaseModel):
    """Where a producer's events are posted to.

    Attributes:
        url: an https address; plain http only together with `allow_private`.
        secrets: of Standard Webhooks, `whsec_…` and base64, blanks or commas between several;
            callbacks are signed with each, so that they can be changed one after the other.
        events: kinds that are wanted, see `EventKind`; none for all.
        allow_private: also post to addresses of this machine and of private networks.
        timeout: seconds for one callback, from dialling to the answer's headers.
        attempts: how often an event is tried before it becomes a dead letter; the pauses double
            from 5 seconds to 24 hours, so that 18 take four days.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: SecretStr
    secrets: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]
    events: Annotated[tuple[EventKind, ...], NoDecode, BeforeValidator(_split)] = ()
    allow_private: bool = False
    timeout: float = Field(default=15, gt=0, le=60)
    attempts: int = Field(default=18, ge=1, le=100)

    @model_validator(mode="after")
    def _can_be_called(self) -> Self:
        if not _is_endpoint(self.url.get_secret_value(), plain=self.allow_private):
            raise ValueError(
                "url: give an https address without a user name; http only with ALLOW_PRIVATE"
            )
        are_sound = [is_signing_secret(secret.get_secret_value()) for secret in self.secrets]
        if not are_sound or not all(are_sound):
            raise ValueError("secrets: give whsec_ and the base64 of 24 to 64 random bytes")
        return self

    @property
    def endpoint(self) -> str:
        """A short name of the address, which does not give it away."""
        return blake2b(self.url.get_secret_value().encode(), digest_size=8).hexdigest()
