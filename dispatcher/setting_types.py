"""How the values of variables are read; a part of `dispatcher.settings`."""

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
)
from pydantic_settings import NoDecode

from dispatcher.domain.durations import FORMS, read_duration

_LONGEST = timedelta(days=36_500)
_SHORTEST_PASSWORD = 12
_ISO_DURATION = TypeAdapter(timedelta)


def _lasting(least: timedelta) -> BeforeValidator:
    """Read a duration that is within limits, and say which if it is not."""

    def read(value: object) -> timedelta:
        found = read_duration(value.strip()) if isinstance(value, str) else None
        try:
            found = _ISO_DURATION.validate_python(value) if found is None else found
        except ValidationError:
            found = None
        if found is None or not least <= found <= _LONGEST:
            raise ValueError(
                f"write a duration such as {FORMS}, or ISO 8601 such as P30D or PT90M, of "
                f"{least.days:,} to {_LONGEST.days:,} days"
            )
        return found

    return BeforeValidator(read)


def _parts(value: object) -> object:
    """Divide what the environment gives as one text."""
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]


def _sign_in(value: SecretStr) -> SecretStr:
    user, _, password = value.get_secret_value().partition(":")
    if not user or len(password) < _SHORTEST_PASSWORD:
        raise ValueError(
            f"write USER:PASSWORD, the password of {_SHORTEST_PASSWORD} characters or more"
        )
    return value


def _network(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return ip_network(value)
    except ValueError:
        raise ValueError(
            "write networks divided by commas, such as 203.0.113.0/24, without bits of a host"
        ) from None


Divided = BeforeValidator(_parts)
Seconds = Annotated[float, Field(gt=0)]
Span = Annotated[timedelta, _lasting(timedelta(0))]
# Receipts are awaited for days, and must find whom they are about.
Kept = Annotated[timedelta, _lasting(timedelta(days=1))]
Words = Annotated[tuple[str, ...], NoDecode, Divided]
Networks = Annotated[
    tuple[Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)], ...], NoDecode, Divided
]
SignIn = Annotated[SecretStr, AfterValidator(_sign_in)]
