"""Batches whose answer was lost, the evidence about them, and what keeps more from coming."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from dispatcher.domain.lifecycle import BatchState
from dispatcher.domain.packing import unpack
from dispatcher.domain.unknowns import (
    Decision,
    Finding,
    OnUnknown,
    Seen,
    Source,
    UnknownBatch,
    UnknownTally,
)
from dispatcher.store.claims import SendClaim
from dispatcher.store.connection import translated
from dispatcher.store.contact_lists import read_progress
from dispatcher.store.keys import Key
from dispatcher.store.records import moment
from dispatcher.store.replies import blob, text, text_fields
from dispatcher.store.scripts import Script, Scripts
from dispatcher.store.submissions import read_lists, read_message

_AT_ONCE = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Precautions:
    """What an account's settings say of lost answers.

    Attributes:
        dedicated: nobody else spends from the account.
        most: lost answers that open the circuit breaker; 0 for never.
        span_ms: in which they have to fall.
        cool_down_ms: after which the API is tried again.
    """

    dedicated: bool
    most: int
    span_ms: int
    cool_down_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Books:
    """An account's books at one moment.

    Attributes:
        name: the same while nothing happens that may change the balance.
        inflight: POSTs that are being made.
        withdrawing: batches that are being taken back.
        withdrawn_at: ms at which one was last asked back; 0 for never.
        spent: credits debited so far, by what we know.
        guessed: those of them that the API did not tell itself, nor receipts proved.
        guesses: how often that was so, ever.
        debits_until: ms until which the API may debit sends that it answered: those for later at
            their time, those under moderation within a day; 0 for none ever.
        now: ms.
        entries: what earlier readings left.
    """

    name: str
    inflight: int
    withdrawing: int
    withdrawn_at: int
    spent: int
    guessed: int
    guesses: int
    debits_until: int
    now: int
    entries: Mapping[str, str]


class Unknowns:
    """The batches of one account whose answer was lost."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._client = scripts.client
        self._keys = scripts.keys

    def now(self) -> datetime:
        """Tell the time by the clock that batches are dated by."""
        return moment(int(self._scripts.run(Script.READ_CLOCK)))

    def tally(self) -> UnknownTally:
        """Give their number, age and price, and whether the balance can tell of them."""
        name = self._keys.of(Key.UNKNOWN)
        with translated():
            found: Any = self._client.zrange(name, 0, 0, withscores=True)
            count = int(self._client.zcard(name))
            fields = ["unknown_credits", "breaker_at"]
            credits_, opened = self._client.hmget(self._keys.of(Key.ACCOUNT), fields)
            fields = ["explained", "foreign_at"]
            balanced, spender = self._client.hmget(self._keys.of(Key.AUDIT), fields)
        return UnknownTally(
            count=count,
            oldest=moment(int(found[0][1])) if found else None,
            credits=int(credits_ or 0),
            breaker_since=moment(text(opened)) if opened else None,
            is_balanced=int(balanced or 0) > 0,
            spender_at=moment(text(spender)) if spender else None,
        )

    def newest(self, count: int = _AT_ONCE) -> list[UnknownBatch]:
        """Give the newest of them, oldest first."""
        with translated():
            found: Any = self._client.zrange(
                self._keys.of(Key.UNKNOWN), -count, -1, withscores=True
            )
        batches = (self._read(text(name), int(since)) for name, since in found)
        return [batch for batch in batches if batch is not None]

    def read(self, campaign: str, n: int) -> UnknownBatch | None:
        """Give one of them; None when its outcome is known."""
        name = f"{campaign}/{n}"
        with translated():
            since = self._client.zscore(self._keys.of(Key.UNKNOWN), name)
        return None if since is None else self._read(name, int(since))

    def in_flight(self) -> list[str]:
        """Give `campaign/batch` of those whose answer may still come."""
        with translated():
            found: Any = self._client.zrange(self._keys.of(Key.INFLIGHT), 0, -1)
        return [text(name) for name in found]

    def unanswered_lists(self) -> set[str]:
        """Give `campaign/batch` of those sent to lists whose ticket is not known."""
        with translated():
            found: Any = self._client.smembers(self._keys.of(Key.UNANSWERED))
        return {text(name) for name in found}

    def claimed_at(self, campaign: str, n: int) -> datetime | None:
        """Give when a batch was last claimed."""
        with translated():
            raw = self._client.hget(self._keys.of(Key.BATCH, campaign, n), "claimed_at")
        return None if raw is None else moment(text(raw))

    def content(self, campaign: str, n: int) -> SendClaim:
        """Read again what was posted for a batch, and to whom."""
        first = int(self._scripts.run(Script.FIRST_SEQUENCE, campaign, n))
        with translated():
            raw = self._client.hmget(
                self._keys.of(Key.CAMPAIGN, campaign), ["message", "lists", "first"]
            )
            packed = self._client.hget(self._keys.of(Key.RECIPIENTS, campaign), str(n))
            progress = self._client.hget(self._keys.of(Key.LISTS, campaign), str(n))
            batch = unpack(blob(packed))
            place = first - int(raw[2] or 0)
            fates = self._client.getrange(
                self._keys.of(Key.FATES, campaign), place, place + len(batch.numbers) - 1
            )
        return SendClaim(
            campaign=campaign,
            n=n,
            attempt=0,
            message=read_message(blob(raw[0])),
            batch=batch,
            lists=read_lists(blob(raw[1]) or b"[]"),
            fates=blob(fates),
            first=first,
            progress=read_progress(blob(progress)),
            delay=None,
            window_policy=None,
        )

    def tickets_since(self, since: datetime) -> dict[str, datetime]:
        """Give the tickets of our own batches claimed since, each with when; eight days back."""
        with translated():
            found: Any = self._client.zrangebyscore(
                self._keys.of(Key.ANSWERED),
                int(since.timestamp() * 1000),
                "+inf",
                withscores=True,
            )
        return {text(ticket): moment(int(at)) for ticket, at in found}

    def unticketed(self) -> dict[str, datetime]:
        """Give `campaign/batch` of those settled without a ticket, each with its claim."""
        with translated():
            found: Any = self._client.zrange(self._keys.of(Key.UNTICKETED), 0, -1, withscores=True)
        return {text(name): moment(int(at)) for name, at in found}

    def is_kept(self, campaign: str, n: int) -> bool:
        """Tell whether a batch's text and recipients are not erased yet."""
        with translated():
            message = self._client.hget(self._keys.of(Key.CAMPAIGN, campaign), "message")
            packed = self._client.hexists(self._keys.of(Key.RECIPIENTS, campaign), str(n))
        return bool(message) and bool(packed)

    def early_tickets(self, count: int = 500) -> list[str]:
        """Give the newest tickets that receipts are kept of and nobody knows."""
        with translated():
            found: Any = self._client.zrange(self._keys.of(Key.EARLY_TICKETS), -count, -1)
        return [text(ticket) for ticket in found]

    def early_bodies(self, ticket: str) -> list[bytes]:
        """Read the receipts of such a ticket, as they were posted."""
        with translated():
            kept: Any = self._client.lrange(self._keys.of(Key.EARLY, ticket), 0, -1)
        return [
            body for packed in kept for body in msgspec.msgpack.decode(packed, type=list[bytes])
        ]

    def review(self, precautions: Precautions) -> bool:
        """Do what time alone does; tell whether evidence is to be looked for."""
        return bool(
            self._scripts.run(
                Script.REVIEW_UNKNOWNS,
                int(precautions.dedicated),
                precautions.most,
                precautions.span_ms,
                precautions.cool_down_ms,
            )
        )

    def take_turn(self, *, lease_ms: int) -> bool:
        """Ask to be the one who looks for evidence."""
        return bool(self._scripts.run(Script.TAKE_RECONCILING, lease_ms, 1))

    def end_turn(self, *, pause_ms: int) -> None:
        """Let the next look come after a pause; a further lost answer brings it at once."""
        self._scripts.run(Script.TAKE_RECONCILING, pause_ms, 0)

    def settle(self, findings: Sequence[Finding], *, books: str = "") -> list[str]:
        """Take what evidence or a person says; give one word for each.

        Args:
            findings: what is said.
            books: the books it was found in; nothing is taken when they have changed.

        Returns:
            `settled`, `noted`, `over` or `claimed` for each; none when the books have changed.
        """
        rows = [
            (
                each.campaign,
                each.n,
                each.attempt,
                each.verdict.value,
                each.source.value,
                each.says,
                each.ticket,
                "" if each.cost is None else str(each.cost),
            )
            for each in findings
        ]
        packed = msgspec.msgpack.encode(rows)
        return [text(word) for word in self._scripts.run(Script.SETTLE_UNKNOWN, books, packed)]

    def arm_probe(self, *, cool_down_ms: int) -> bool:
        """Let one batch through an open circuit breaker."""
        return bool(self._scripts.run(Script.ARM_PROBE, cool_down_ms))

    def open_books(self, *, quiet_ms: int = 0) -> Books:
        """Begin to read the balance; `quiet_ms` keeps sends back meanwhile."""
        name, inflight, withdrawing, withdrawn_at, spent, guessed, guesses, debits, now, raw = (
            self._scripts.run(Script.OPEN_BOOKS, quiet_ms)
        )
        flat = raw.items() if isinstance(raw, dict) else zip(raw[::2], raw[1::2], strict=True)
        return Books(
            name=text(name),
            inflight=inflight,
            withdrawing=withdrawing,
            withdrawn_at=int(withdrawn_at),
            spent=int(spent),
            guessed=int(guessed),
            guesses=int(guesses),
            debits_until=int(debits),
            now=int(now),
            entries={text(field): text(value) for field, value in flat},
        )

    def close_books(
        self,
        books: str,
        entries: Mapping[str, str | int],
        *,
        strike: Sequence[str] = (),
        keep_quiet: bool = False,
    ) -> bool:
        """Enter a reading, unless the books have changed; tell whether it was entered.

        Args:
            books: name of the books that were opened; "" to enter it whatever happened.
            entries: what to enter.
            strike: which entries to strike out.
            keep_quiet: go on keeping sends back.
        """
        flat = [part for field, value in entries.items() for part in (field, str(value))]
        return bool(
            self._scripts.run(
                Script.CLOSE_BOOKS,
                books,
                msgspec.msgpack.encode(flat),
                msgspec.msgpack.encode(list(strike)),
                int(keep_quiet),
            )
        )

    def _read(self, name: str, since: int) -> UnknownBatch | None:
        campaign, _, n = name.rpartition("/")
        with translated():
            raw = self._client.hgetall(self._keys.of(Key.BATCH, campaign, n))
            policy = self._client.hget(self._keys.of(Key.CAMPAIGN, campaign), "on_unknown")
        fields = text_fields(raw)
        if fields.get("state") != BatchState.UNKNOWN.value:
            return None
        return _unknown(campaign, int(n), fields, since=since, policy=text(policy or "hold"))


def _unknown(
    campaign: str, n: int, fields: Mapping[str, str], *, since: int, policy: str
) -> UnknownBatch:
    due = int(fields.get("due_at", 0))
    return UnknownBatch(
        campaign=campaign,
        n=n,
        attempt=int(fields["attempt"]),
        claimed_at=moment(fields["claimed_at"]),
        since=moment(since),
        due_at=moment(due) if due else None,
        recipients=int(fields.get("left", 0)),
        quote=int(fields.get("quote", 0)),
        policy=OnUnknown(policy),
        why=fields.get("why", ""),
        is_cut="is_cut" in fields,
        is_traceless="traceless" in fields,
        is_proven_unsent=fields.get("verdict") == Decision.NOT_SENT.value,
        absent_since=moment(fields["absent_at"]) if "absent_at" in fields else None,
        evidence={
            source: _seen(fields[f"seen:{source.value}"])
            for source in Source
            if f"seen:{source.value}" in fields
        },
    )


def _seen(stored: str) -> Seen:
    at, _, says = stored.partition(" ")
    return Seen(at=moment(at), says=says)
