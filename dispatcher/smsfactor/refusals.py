"""What a reply says about its request: done, refused, or unknown."""

import re
from collections.abc import Mapping

from dispatcher.errors import (
    ApiRefusedError,
    CredentialsRefusedError,
    NotEnoughCreditsError,
    OutcomeUnknownError,
    RequestRefusedError,
)
from dispatcher.smsfactor.fields import Fields, integer, text
from dispatcher.smsfactor.transport import ApiReply
from dispatcher.smsfactor.wire import NO_TICKET, Reading, read_body, tickets_in

OK = 1
MODERATED = -8
"""Taken, and probably sent after a look at it: never to be repeated (contract section 3)."""

OTHER_ERROR = -99
"""The document's "other error", which proves nothing."""

REFUSALS: Mapping[int, type[ApiRefusedError]] = {
    -1: CredentialsRefusedError,
    -2: RequestRefusedError,
    -3: NotEnoughCreditsError,
    -4: RequestRefusedError,
    -5: RequestRefusedError,
    -6: RequestRefusedError,
    -7: RequestRefusedError,
}
"""The statuses that prove nothing was done (document, "Annexe liste des erreurs")."""

_SUCCESS = range(200, 300)
_DECIDED_BY_BODY = frozenset([*_SUCCESS, *range(400, 500)])
_TOO_MANY_REQUESTS = 429
# A key, or an element with its end tag.
_MENTIONS_OF_ONE = 2
_DETAILS_SHOWN = 200
_NUMBER = re.compile(r"\+?\d(?:[ .\-/]?\d){5,}")


class TooManyRequestsError(OutcomeUnknownError):
    """HTTP 429: some limit was hit; that nothing was done is likely, but not documented.

    Attributes:
        retry_after: the seconds the API asks to wait; None when it names none.
    """

    def __init__(self, message: str, *, retry_after: float | None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


def settle(reply: ApiReply, *, private: tuple[str, ...] = ()) -> Reading:
    """Read the reply to anything but a send, if it says that it was done.

    Args:
        reply: what came back.
        private: what no error may show, should the API quote it.

    Raises:
        ApiRefusedError: the API documents that nothing was done.
        OutcomeUnknownError: the reply says neither.
    """
    reading = read_body(reply.body)
    _raise_if_refused(reply, reading, private)
    if reply.fault is not None or reply.http_status not in _SUCCESS:
        raise _unknown(reply, reading, private)
    if _status(reading) == OK or (_status(reading) is None and _says_ok(reading)):
        return reading
    raise _unknown(reply, reading, private)


def settle_send(reply: ApiReply, *, private: tuple[str, ...] = ()) -> tuple[Fields, str | None]:
    """Read the reply to a send, if it shows that the campaign was taken; give its ticket too.

    A ticket is proof, in whatever state the reply is; two of them are not, for which is ours?
    Nor is one beside a documented refusal: that reply contradicts itself.
    Status -8 is an acceptance that may come without one.

    Args:
        reply: what came back.
        private: what no error may show, should the API quote it.

    Raises:
        ApiRefusedError: the API documents that nothing was done.
        OutcomeUnknownError: the reply proves neither.
    """
    reading = read_body(reply.body)
    tickets = tickets_in(reply.body, reading)
    contradicted = _status(reading) in REFUSALS and _is_decided_by_body(reply, reading)
    if len(tickets) == 1 and not contradicted:
        return reading.fields, next(iter(tickets))
    if not tickets:
        if not _hints_at_a_ticket(reply, reading):
            _raise_if_refused(reply, reading, private)
        if _status(reading) == MODERATED and _is_decided_by_body(reply, reading):
            return reading.fields, None
    raise _unknown(reply, reading, private)


def _hints_at_a_ticket(reply: ApiReply, reading: Reading) -> bool:
    """Tell whether a ticket may be there in a shape nobody knows: then no refusal is believed."""
    mentions = reply.body.lower().count(b"ticket")
    if "ticket" not in reading.fields:
        return mentions > 0
    value = reading.fields["ticket"]
    says_none = value in (None, "", False) or (
        isinstance(value, (str, int)) and text(value).lower() in NO_TICKET
    )
    return not says_none or mentions > _MENTIONS_OF_ONE


def _raise_if_refused(reply: ApiReply, reading: Reading, private: tuple[str, ...]) -> None:
    status = _status(reading)
    if status is None or status not in REFUSALS or not _is_decided_by_body(reply, reading):
        return
    message = _masked(reading.fields.get("message"), private)
    details = _masked(reading.fields.get("details"), private)
    raise REFUSALS[status](status, message, details)


def _is_decided_by_body(reply: ApiReply, reading: Reading) -> bool:
    """Only a whole, valid document is believed, and not one of a redirect or a failing server."""
    return reading.sound and reply.fault is None and reply.http_status in _DECIDED_BY_BODY


def _unknown(reply: ApiReply, reading: Reading, private: tuple[str, ...]) -> OutcomeUnknownError:
    facts = [f"HTTP {reply.http_status}", f"{len(reply.body)} bytes"]
    status = _status(reading)
    if reply.fault is not None:
        facts.append(f"broken off by {type(reply.fault).__name__}")
    facts.append("not a valid document" if not reading.sound else f"status {status}")
    said = (_masked(reading.fields.get(name), private) for name in ("message", "details"))
    facts += filter(None, said)
    message = f"the reply proves nothing: {', '.join(facts)}"
    error = OutcomeUnknownError(message)
    if reply.http_status == _TOO_MANY_REQUESTS:
        error = TooManyRequestsError(message, retry_after=reply.retry_after)
    error.__cause__ = reply.fault
    return error


def _masked(value: object, private: tuple[str, ...]) -> str:
    shown = text(value)
    for secret in filter(None, private):
        shown = shown.replace(secret, "***")
    return _NUMBER.sub("***", shown)[:_DETAILS_SHOWN]


def _status(reading: Reading) -> int | None:
    return integer(reading.fields.get("status"))


def _says_ok(reading: Reading) -> bool:
    """Take "OK" for a status: the document's sample of `GET /credits` has no other."""
    return text(reading.fields.get("message")) == "OK"
