"""Reads what the API's webhooks for replies post, and says what a reply is."""

import enum
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec

from dispatcher.domain.numbers import NumberProblem, normaliser
from dispatcher.domain.receipts import vendor_moment
from dispatcher.domain.stop_words import Intent, StopWords
from dispatcher.errors import DispatcherError

_ID_BYTES = 10
# The longest international number has 15 digits (E.164); shorter than 7 is a short code.
_LEAST_DIGITS, _MOST_DIGITS = 7, 15


class Verdict(enum.Enum):
    """What a person found in a reply of which a program could not be sure."""

    STOP = "stop"
    """Never write to this number again."""

    HARMLESS = "harmless"
    """It was about something else."""


class _Body(msgspec.Struct):
    """A reply on the wire (document, "Webhook : Réception des réponses de vos SMS"; live: STOP)."""

    sender: str | int = msgspec.field(name="from")
    message: str | int | float | bool | None = None
    # A STOP is not to be missed for what stands beside it.
    date: Any = None
    last_message_id: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PostedReply:
    """A reply as it was posted.

    Attributes:
        number: E.164 digits as an integer; 0 when the sender is no phone number.
        sender: as posted.
        text: what was written.
        at: when the API says it was.
        intent: what it is taken for.
        gsmsmsid: the id of the last message this number was sent, "" if not told (live).
    """

    number: int = field(repr=False)
    sender: str = field(repr=False)
    text: str = field(repr=False)
    at: datetime
    intent: Intent
    gsmsmsid: str = field(default="", repr=False)

    def identity(self, key: bytes) -> str:
        """Name the reply alike however often and by whichever webhook it is posted.

        The key keeps the name from telling the number and the text.
        """
        words = f"{self.number}|{self.sender if not self.number else ''}|{self.at}|{self.text}"
        return blake2b(words.encode(errors="replace"), key=key, digest_size=_ID_BYTES).hexdigest()


@dataclass(frozen=True, slots=True)
class Reached:
    """Whom a reply is from.

    Attributes:
        campaign: the last that reached them.
        place: theirs among its recipients, from 0, in the order of the results.
    """

    campaign: str
    place: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """A reply as it is kept.

    Attributes:
        id: its name, without meaning.
        number: E.164 digits; None when the sender is no phone number.
        sender: as it was posted.
        text: what was written.
        at: when the API says it was.
        intent: what it was taken for.
        campaign: the last campaign that reached the number before; None if there is none.
        place: of who wrote it among that one's recipients, from 0, in the order of the results.
        needs_review: a person has to say what it means.
        verdict: what they said.
        by: who did.
        judged_at: when they did.
    """

    id: str
    number: str | None = field(repr=False)
    sender: str = field(repr=False)
    text: str = field(repr=False)
    at: datetime
    intent: Intent
    campaign: str | None = None
    place: int | None = None
    needs_review: bool = False
    verdict: Verdict | None = None
    by: str | None = None
    judged_at: datetime | None = None


class BrokenReplyError(DispatcherError):
    """Not a reply at all."""


class ReplyReader:
    """Reads bodies; safe to share between threads."""

    def __init__(self, default_region: str, stop_words: Iterable[str] = ()) -> None:
        """Take the country of national numbers, and STOP words beside the built-in ones.

        Raises:
            SettingsError: there is no such country.
        """
        self._normalise = normaliser(default_region)
        self._stop_words = StopWords(stop_words)

    def read(self, body: bytes, *, is_stop: bool, received_at: datetime) -> PostedReply:
        """Read a reply; `is_stop` says that the API took it for a STOP itself (live).

        Raises:
            BrokenReplyError: it is not a reply.
        """
        found = _read_body(body)
        text = "" if found.message is None else str(found.message)
        last_id = found.last_message_id if isinstance(found.last_message_id, str | int) else None
        return PostedReply(
            number=self._number(str(found.sender)),
            sender=str(found.sender),
            text=text,
            at=vendor_moment(found.date if isinstance(found.date, str) else None, received_at),
            intent=Intent.STOP if is_stop else self._stop_words.read(text),
            gsmsmsid=str(last_id or ""),
        )

    def _number(self, sender: str) -> int:
        """Read a number, said to be international and often national (contract, section 8)."""
        number = self._normalise(sender)
        if not isinstance(number, NumberProblem):
            return number
        # What no plan knows may still have answered; the API's own form is plain digits.
        digits = sender.strip().removeprefix("+").removeprefix("00")
        is_number = digits.isascii() and digits.isdigit() and not digits.startswith("0")
        return int(digits) if is_number and _LEAST_DIGITS <= len(digits) <= _MOST_DIGITS else 0


_decoder = msgspec.json.Decoder(_Body, strict=False)


def _read_body(body: bytes) -> _Body:
    """Read a body; one that is not quite JSON, as far as it can be."""
    with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _decoder.decode(body)
    try:
        words = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        words = body.decode("cp1252", errors="replace")
    try:
        # It takes half a surrogate pair, as of a smiley that was cut off, and control characters.
        return msgspec.convert(json.loads(words, strict=False), _Body, strict=False)
    except (ValueError, RecursionError) as error:
        raise BrokenReplyError from error
