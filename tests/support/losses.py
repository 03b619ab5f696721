"""Batches whose answer was lost, on a real store, beside a model of the API: it knows the truth."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from dispatcher.domain.fates import Receipt
from dispatcher.domain.lifecycle import BatchState
from dispatcher.domain.message import Message
from dispatcher.domain.unknowns import Decision, Finding, OnUnknown, Source, UnknownBatch
from dispatcher.errors import ApiUnreachableError
from dispatcher.preparing import Preparation
from dispatcher.settings import Settings
from dispatcher.smsfactor import CampaignPage, CampaignRecord
from dispatcher.store.batches import Outcome
from dispatcher.store.claims import SendClaim
from dispatcher.store.records import moment
from tests.support.bench import Bench
from tests.support.books import check_counters, check_indexes, check_money, check_transitions
from tests.support.works import Hints
from workers.journal import Journal
from workers.resources import Account
from workers.steps.reconcile import precautions_of, reconcile

RICH = 10_000_000


@dataclass
class Provider:
    """The API as it really is: its balance, its campaigns, and whether it answers."""

    bench: Bench
    balance: int = RICH
    listed: list[CampaignRecord] = field(default_factory=list)
    hides: int = 0
    is_up: bool = True
    asked: int = 0
    late: timedelta = timedelta()
    tickets: Any = field(default_factory=lambda: itertools.count(1001))

    def take(self, text: str, total: int, cost: int) -> str:
        """Accept a send; give its ticket."""
        ticket = str(next(self.tickets))
        self.balance -= cost
        created = moment(self.bench.now_ms) + self.late
        counters = {"total": total, "cost": cost}
        self.listed.append(
            CampaignRecord(
                id=ticket,
                sender="",
                text=text,
                created=created,
                date=created,
                status="Sent",
                counters=counters,
            )
        )
        return ticket

    def credits(self) -> int:
        self.asked += 1
        if not self.is_up:
            raise ApiUnreachableError("it is down")
        return self.balance

    def campaigns(self, *, start: int = 0, since: datetime) -> CampaignPage:
        self.asked += 1
        if not self.is_up:
            raise ApiUnreachableError("it is down")
        found = [each for each in reversed(self.listed) if (each.date or since) >= since]
        shown = found[: len(found) - self.hides]
        return CampaignPage(
            campaigns=shown[start : start + 1000], total=len(found), displayed=len(found)
        )


@dataclass(frozen=True, kw_only=True)
class Lost:
    """A batch whose answer was lost, and whether the API has it."""

    claim: SendClaim
    quote: int
    ticket: str | None

    @property
    def name(self) -> str:
        return f"{self.claim.campaign}/{self.claim.n}"


class Losses:
    """One account that loses answers."""

    def __init__(
        self,
        bench: Bench,
        folder: Path,
        **settings: Any,  # noqa: ANN401 - any setting
    ) -> None:
        self.bench = bench
        bench.reset()
        bench.account.ledger.approve_server(quiet_ms=0)
        dedicated = settings.pop("dedicated", False)
        found = Settings.model_validate(
            {
                "accounts": {"default": {"username": "u", "password": "p", "dedicated": dedicated}},
                "breaker_unknowns": 0,
                **settings,
            }
        )
        self.provider = Provider(bench)
        self.account = Account(
            name="default",
            store=bench.account,
            api=self.provider,  # type: ignore[arg-type]  # a stand-in for the client
            hints=Hints(),  # type: ignore[arg-type]  # a stand-in for the broker
            settings=found,
            journal=Journal(folder),
            preparation=Preparation(found),
        )
        self._names = itertools.count(1)
        self.review()

    def review(self) -> bool:
        return self.bench.account.unknowns.review(precautions_of(self.account.settings, "default"))

    def claim(
        self,
        quote: int,
        *,
        text: str | None = None,
        people: int = 2,
        policy: OnUnknown = OnUnknown.HOLD,
        **more: Any,  # noqa: ANN401 - any field of a submission
    ) -> tuple[SendClaim, int]:
        """Bring a batch to its POST, and begin that."""
        name = f"c{next(self._names)}"
        self.bench.submit(
            name,
            recipients=people,
            batch_size=people,
            message=Message(text=text or f"Message {name} a personne d autre"),
            on_unknown=policy,
            **more,
        )
        self.bench.quote(name, credits_left=self.provider.balance, cost=quote)
        claim = self.bench.claim(name)
        assert self.bench.begin(claim) is None
        return claim, quote

    def end(self, claimed: tuple[SendClaim, int], *, taken: bool) -> Lost:
        """Lose the answer of a POST, whether it was taken or not."""
        claim, quote = claimed
        text, people = claim.message.text, len(claim.batch.numbers)
        ticket = self.provider.take(text, people, quote) if taken else None
        self.bench.record(claim, Outcome.UNKNOWN, why="the answer was lost")
        return Lost(claim=claim, quote=quote, ticket=ticket)

    def lose(self, quote: int, *, taken: bool, **more: Any) -> Lost:  # noqa: ANN401 - as `claim`
        return self.end(self.claim(quote, **more), taken=taken)

    def answer(self, quote: int = 3, **more: Any) -> str:  # noqa: ANN401 - as `claim`
        """Send a batch whose answer comes; give its ticket."""
        claim, cost = self.claim(quote, **more)
        ticket = self.provider.take(claim.message.text, len(claim.batch.numbers), cost)
        self.bench.record(claim, Outcome.ACCEPTED, ticket=ticket, cost=cost)
        return ticket

    def look(self, *, after: float) -> None:
        """Let seconds pass, and look for evidence."""
        self.bench.advance(int(after * 1000))
        self.review()
        reconcile(self.account)

    def receive(self, lost: Lost, *codes: int) -> None:
        """Merge receipts of the first people of a batch that was taken."""
        assert lost.ticket is not None
        at = moment(self.bench.now_ms)
        receipts = [
            Receipt(sequence=lost.claim.first + place, code=code, ticket=lost.ticket, at=at)
            for place, code in enumerate(codes)
        ]
        assert self.bench.account.receipts.merge(receipts) == set()

    def balance_books(self) -> None:
        """Read the balance, send something, and see that the books balance."""
        self.look(after=601)
        self.answer()
        self.look(after=61)

    def unknown(self, lost: Lost) -> UnknownBatch | None:
        return self.bench.account.unknowns.read(lost.claim.campaign, lost.claim.n)

    def state(self, lost: Lost) -> BatchState:
        record = self.bench.account.batches.read(lost.claim.campaign, lost.claim.n)
        assert record is not None
        return record.state

    def ticket(self, lost: Lost) -> str | None:
        record = self.bench.account.batches.read(lost.claim.campaign, lost.claim.n)
        assert record is not None
        return record.ticket

    def says(self, lost: Lost) -> str:
        """Tell what evidence made of a batch: `sent`, `not sent` or `open`; fail if it is wrong."""
        state, found = self.state(lost), self.unknown(lost)
        if state in (BatchState.ACCEPTED, BatchState.SCHEDULED):
            assert lost.ticket is not None, f"{lost.name} was taken for sent"
            assert self.ticket(lost) in (None, lost.ticket)
            return "sent"
        if state in (BatchState.READY, BatchState.CANCELLED) or (found and found.is_proven_unsent):
            assert lost.ticket is None, f"{lost.name} was taken for not sent"
            return "not sent"
        assert state is BatchState.UNKNOWN
        return "open"

    def clear(self, losses: Sequence[Lost]) -> None:
        """Have a person settle what is left, so that the next case begins with nothing open."""
        for lost in losses:
            if found := self.unknown(lost):
                from_person = settled_by_hand(found, was_sent=lost.ticket is not None)
                assert self.bench.account.unknowns.settle([from_person]) == ["settled"]
            if self.state(lost) is BatchState.READY:
                self.bench.account.campaigns.cancel(lost.claim.campaign)


def settled_by_hand(found: UnknownBatch, *, was_sent: bool) -> Finding:
    verdict = Decision.SENT if was_sent else Decision.ABANDON
    return found.finding(verdict, Source.OPERATOR, "by a test")


def check(losses: Losses, *lost: Lost) -> None:
    """Check what has to be true of an account's books, and of campaigns that lost answers."""
    campaigns = [f"c{n}" for n in range(1, 40) if losses.bench.account.campaigns.exists(f"c{n}")]
    check_money(losses.bench, campaigns)
    check_indexes(losses.bench, campaigns)
    for each in lost:
        check_counters(losses.bench, each.claim.campaign)
        check_transitions(losses.bench, each.claim.campaign)


def evidence(losses: Losses, lost: Lost, source: Source) -> str:
    """Give what evidence said of a batch; nothing when it said nothing."""
    found = losses.unknown(lost)
    assert found is not None
    return found.evidence[source].says if source in found.evidence else ""
