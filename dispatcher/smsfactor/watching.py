"""Tells somebody else of each call of the API: which route, how it ended, how long it took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from dispatcher.errors import ApiRefusedError, ApiUnreachableError, CalledOffError
from dispatcher.smsfactor.exchange import Observer, Phase
from dispatcher.smsfactor.refusals import TooManyRequestsError

OK = "ok"
TOO_MANY = "too many requests"
UNREACHABLE = "unreachable"
UNKNOWN = "unknown"

# Whatever else stands in a path is an id.
_WORDS = frozenset(
    {
        "account",
        "blacklist",
        "campaign",
        "campaigns",
        "contact",
        "credits",
        "deduplicate",
        "link",
        "list",
        "lists",
        "send",
        "short",
        "simulate",
        "tag",
        "webhook",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call that is over; nothing in it names a person, a list or a campaign.

    Attributes:
        method: of HTTP.
        route: the path with ids left out, such as `/send/:id`.
        outcome: `ok`, `refused -3` with the API's status, `too many requests`, `unreachable`, or
            `unknown` for whatever proves neither.
        began_at: seconds since 1970.
        seconds: how long it took, all attempts of a read together, without what its caller waited
            for once connected.
        retry_after: the seconds the API asked to wait, if it had too many requests and said so.
    """

    method: str
    route: str
    outcome: str
    began_at: float
    seconds: float
    retry_after: float | None = None


Watch = Callable[[Call], None]


def ignore(_: Call) -> None:
    """Tell nobody."""


def route_of(path: str) -> str:
    """Leave the ids and the query of a path out."""
    parts = path.partition("?")[0].split("/")
    return "/".join(part if part in _WORDS or not part else ":id" for part in parts)


class Timing:
    """How much of the time of a call was its caller's, who waited with the connection made."""

    def __init__(self) -> None:
        self.waited = 0.0

    def leaving_out(self, observe: Observer | None) -> Observer | None:
        """Give an observer whose time before the first byte is not the call's."""
        if observe is None:
            return None

        def tell(phase: Phase) -> None:
            since = time.perf_counter()
            observe(phase)
            if phase is Phase.CONNECTED:
                self.waited += time.perf_counter() - since

        return tell


@contextmanager
def watched(watch: Watch, method: str, path: str) -> Iterator[Timing]:
    """Tell `watch` of the call that is made within, unless it is called off."""
    began_at, began, timing = time.time(), time.perf_counter(), Timing()
    outcome, retry_after = OK, None
    try:
        yield timing
    except Exception as error:
        if isinstance(error, CalledOffError):
            watch = ignore
        outcome = _outcome_of(error)
        retry_after = error.retry_after if isinstance(error, TooManyRequestsError) else None
        raise
    finally:
        call = Call(
            method=method,
            route=route_of(path),
            outcome=outcome,
            began_at=began_at + timing.waited,
            seconds=time.perf_counter() - began - timing.waited,
            retry_after=retry_after,
        )
        # What becomes of a send must not depend on whether somebody could be told.
        with suppress(Exception):
            watch(call)


def _outcome_of(error: Exception) -> str:
    match error:
        case ApiRefusedError():
            return f"refused {error.status}"
        case ApiUnreachableError():
            return UNREACHABLE
        case TooManyRequestsError():
            return TOO_MANY
    return UNKNOWN
