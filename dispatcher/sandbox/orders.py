"""What a send asks for: read from a request, checked, and priced."""

import re
from dataclasses import dataclass, replace
from datetime import datetime

from dispatcher.sandbox.accounts import Account
from dispatcher.sandbox.bodies import Body, Gsm, GsmBlock, ListReference, MessagePart
from dispatcher.sandbox.calls import Call
from dispatcher.sandbox.clock import PARIS, paris_time
from dispatcher.sandbox.ledger import Counts
from dispatcher.sandbox.sifting import Sifted, sift
from dispatcher.sandbox.statuses import RefusedError, Status
from dispatcher.sandbox.text import (
    is_personalised,
    longest_merged,
    merged,
    segments,
    with_short_links,
)

_SENDER = re.compile(r"[A-Za-z0-9 ]{0,11}")
_ISO_8601 = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?) ?(Z|[+-]?\d\d:?\d\d)?"
)
_LONGEST_TEXT = 100_000
_ADVERTISING = {"advertising", "marketing"}
_PUSHTYPES = {"alert", *_ADVERTISING}


@dataclass(frozen=True, kw_only=True, slots=True)
class Wording:
    """The message of a send, checked.

    Attributes:
        delay: when to send, seconds since 1970; None for now.
        links: URLs to be shortened.
    """

    text: str
    pushtype: str
    sender: str
    delay: float | None
    links: list[str]

    def sent_text(self, stop_mention: str) -> str:
        """Give the text as it goes out, before fields are merged."""
        text = with_short_links(self.text, self.links)
        return text + stop_mention if self.pushtype in _ADVERTISING and self.sender else text


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A send, ready to be quoted or accepted.

    Attributes:
        gsmsmsids: of each destination; None when none was given.
        texts: of each destination when the text is personalised.
        segments: of every message, or of each when the texts differ.
        lists: ids of the lists it goes to.
    """

    wording: Wording
    sent_text: str
    destinations: list[str]
    counts: Counts
    segments: int | list[int]
    gsmsmsids: list[str | int | None] | None = None
    texts: list[str] | None = None
    lists: list[str]

    @property
    def cost(self) -> int:
        """Credits: the segments of all messages."""
        if isinstance(self.segments, list):
            return sum(self.segments)
        return self.segments * len(self.destinations)


def read_order(call: Call, stop_mention: str) -> Order:
    """Read what POST /send and its simulation are given.

    Raises:
        RefusedError: -4, -5 or -7.
    """
    recipients = call.body.sms.recipients if call.body.sms else None
    wording = read_wording(call.body)
    named = recipients.all if isinstance(recipients, GsmBlock) else []
    return _order(wording, named, call.account, stop_mention)


def read_query_order(call: Call, stop_mention: str) -> Order:
    """Read what GET /send and its simulation are given: one recipient, in the query."""
    query = call.query
    part = MessagePart(
        text=query.get("text"),
        pushtype=query.get("pushtype"),
        delay=query.get("delay"),
        sender=query.get("sender"),
    )
    named = [Gsm(value=query["to"], gsmsmsid=query.get("gsmsmsid"))] if query.get("to") else []
    return _order(_checked(part), named, call.account, stop_mention)


def read_lists_order(call: Call, stop_mention: str) -> Order:
    """Read what POST /send/lists and its simulation are given.

    Raises:
        RefusedError: -4, -5 or -7; -5 also for an unknown list.
    """
    wording = read_wording(call.body)
    ids = _list_ids(call.body)
    lists = call.account.lists
    if not ids or not lists.keys() >= set(ids):
        raise RefusedError(Status.BAD_RECIPIENTS, "Liste inconnue")
    contacts = [contact for id_ in ids for contact in lists[id_].contacts]
    sifted = sift([Gsm(contact.destination) for contact in contacts], call.account.blacklist)
    order = replace(_unaddressed(wording, sifted, stop_mention), lists=ids)
    if not is_personalised(order.sent_text):
        return order
    longest = max((len(info) for contact in contacts for info in contact.infos), default=0)
    if longest_merged(order.sent_text, longest) > _LONGEST_TEXT:
        raise RefusedError(Status.BAD_DATA, "Un texte personnalisé serait trop long")
    texts = [merged(order.sent_text, contacts[index].infos) for index in sifted.kept]
    return replace(order, texts=texts, segments=[segments(text) for text in texts])


def read_wording(body: Body) -> Wording:
    """Check the message of a send; unknown keys and empty options are forgiven.

    Raises:
        RefusedError: -4 or -7.
    """
    part = body.sms.message if body.sms else None
    if not isinstance(part, MessagePart):
        raise RefusedError(Status.BAD_DATA, "Le message est absent")
    return _checked(part)


def _checked(part: MessagePart) -> Wording:
    text = "" if part.text is None else str(part.text)
    if not text.strip():
        raise RefusedError(Status.BAD_DATA, "Le texte est absent")
    pushtype = (part.pushtype or "").strip() or "alert"
    if pushtype not in _PUSHTYPES:
        raise RefusedError(Status.BAD_DATA, "pushtype est alert ou advertising")
    sender = "" if part.sender is None else str(part.sender).strip()
    if not _SENDER.fullmatch(sender):
        raise RefusedError(Status.BAD_DATA, "sender a plus de 11 caractères alphanumériques")
    delay = read_delay(part.delay)
    return Wording(text=text, pushtype=pushtype, sender=sender, delay=delay, links=part.urls)


def read_delay(given: str | None) -> float | None:
    """Read a `delay`: ISO 8601 with an offset, or Paris wall-clock time without one.

    A plus that a query string turned into a blank is forgiven.

    Raises:
        RefusedError: -4.
    """
    written = (given or "").strip()
    if not written:
        return None
    parts = _ISO_8601.fullmatch(written)
    if parts is None:
        raise RefusedError(Status.BAD_DELAY, "Le format attendu est ISO 8601")
    day, time, offset = parts.groups()
    if offset and offset[0].isdigit():
        offset = f"+{offset}"
    try:
        moment = datetime.fromisoformat(f"{day}T{time}{offset or ''}")
        seconds = (moment if offset else moment.replace(tzinfo=PARIS)).timestamp()
        paris_time(seconds)
    except (ValueError, OverflowError) as error:
        raise RefusedError(Status.BAD_DELAY, "Cette date n'existe pas") from error
    return seconds


def _order(wording: Wording, named: list[Gsm], account: Account, stop_mention: str) -> Order:
    if not named:
        raise RefusedError(Status.BAD_RECIPIENTS, "La liste des destinataires est vide")
    sifted = sift(named, account.blacklist)
    order = _unaddressed(wording, sifted, stop_mention)
    ids = [named[index].gsmsmsid for index in sifted.kept]
    return order if ids.count(None) == len(ids) else replace(order, gsmsmsids=ids)


def _unaddressed(wording: Wording, sifted: Sifted, stop_mention: str) -> Order:
    """Price a send of one text to all, without ids."""
    sent_text = wording.sent_text(stop_mention)
    return Order(
        wording=wording,
        sent_text=sent_text,
        destinations=sifted.destinations,
        counts=sifted.counts,
        segments=segments(sent_text),
        lists=[],
    )


def _list_ids(body: Body) -> list[str]:
    """Give the ids of the lists a send names."""
    named = body.sms.lists if body.sms else None
    references = [named] if isinstance(named, ListReference) else named
    if not isinstance(references, list):
        return []
    return [id_ for reference in references for id_ in reference.ids]
