"""Quotes a campaign without keeping anything of it, in constant memory."""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Self

from dispatcher.domain.campaign import Campaign, Recipient
from dispatcher.domain.damage import Damage, damage_of
from dispatcher.domain.given_lists import ContactNumbers, Held, go_as_they_are
from dispatcher.domain.message import Message
from dispatcher.domain.packing import Batch
from dispatcher.domain.quotes import CampaignQuote, Simulation
from dispatcher.domain.replacing import replacements
from dispatcher.domain.routes import AsTheyCome, Kept, Render, Sorter
from dispatcher.domain.template import INFO_FIELDS
from dispatcher.domain.wording import Wording
from dispatcher.errors import ApiError, InputError, Problem
from dispatcher.intake.heeding import NOBODY, Heed
from dispatcher.intake.intake import nobody_problem
from dispatcher.intake.sieve import NumberReader, Sieve
from dispatcher.preparing import Preparation
from dispatcher.smsfactor import Destination, SendReply, SmsFactor
from dispatcher.store.suppressions import SuppressionList

_CALLS_AT_ONCE = 8


class Observer:
    """Is told of every row while a quote is made; override what matters."""

    def bad(self, row: Recipient, problem: Problem) -> None:
        """Take a row that cannot be sent to, and why."""

    def kept(self, kept: Kept) -> None:
        """Take rows that are kept, as understood."""

    def simulated(self, people: int) -> None:
        """Take how many more recipients the API was asked about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Payer:
    """The account a campaign would be sent on.

    Attributes:
        name: its name.
        api: its API.
        suppressions: whom it does not send to; None for nobody.
    """

    name: str
    api: SmsFactor
    suppressions: SuppressionList | None = None


def quote(
    campaign: Campaign,
    preparation: Preparation,
    payer: Payer,
    *,
    observer: Observer,
    simulate: bool,
) -> CampaignQuote:
    """Read, render, count and simulate a campaign.

    Raises:
        InputError: the text's fields have no columns, or there are no rows at all.
        ApiError: the contacts of the account's lists cannot be read.
    """
    message = preparation.message_of(campaign)
    wording = preparation.wording_of(campaign, message)
    audience = _audience(campaign, preparation, wording, payer)
    census = preparation.census_of(message, payer.name, may_ask=simulate)
    tally = _Tally(observer)
    sieve = Sieve(wording, audience.numbers, tally)
    heed = Heed(payer.suppressions) if payer.suppressions else None
    routes: Counter[bool] = Counter()
    with _Simulator(payer.api, message, preparation.settings.batch_size, observer) as simulator:
        for sifted in sieve.sift(audience.rows):
            kept, cut = heed.split(sifted) if heed else (sifted, NOBODY)
            sieve.counts.suppressed += len(cut.numbers)
            if not kept.numbers:
                continue
            observer.kept(kept)
            texts = kept.texts or [wording.template.render(())] * len(kept.numbers)
            counts = census.add(texts)
            routes.update(map(audience.is_listed, audience.sorter.add(kept)))
            if simulate:
                simulator.add(kept.numbers, texts, counts)
        routes.update(map(audience.is_listed, audience.sorter.end()))
        simulation = simulator.end() if simulate else None
    if not sieve.counts.rows:
        raise InputError([nobody_problem(0)])
    return CampaignQuote(
        rows=sieve.counts.rows,
        recipients=sieve.counts.kept,
        duplicated=sieve.counts.duplicated,
        suppressed=sieve.counts.suppressed,
        bad_rows=dict(tally.reasons.most_common()),
        damages=dict(tally.damages.most_common()),
        direct_batches=routes[False],
        list_batches=routes[True],
        text=census.summary(),
        replacements=replacements(campaign.text),
        simulation=simulation,
    )


@dataclass(frozen=True, slots=True)
class _Audience:
    """Whom a campaign goes to, and how: `is_given` when lists of the account go as they are."""

    rows: Iterable[Recipient | str]
    numbers: NumberReader
    sorter: Sorter
    is_given: bool = False

    def is_listed(self, batch: Batch) -> bool:
        return self.is_given or batch.infos is not None


def _audience(
    campaign: Campaign, preparation: Preparation, wording: Wording, payer: Payer
) -> _Audience:
    sorter = preparation.sorter_of(campaign, wording, payer.name)
    if not campaign.lists:
        return _Audience(campaign.recipients, preparation.normalise, sorter)
    contacts = [
        Held(contact.destination, contact.infos)
        for list_id in campaign.lists
        for contact in payer.api.contacts(list_id)
    ]
    wording.bind(INFO_FIELDS)
    rows = (Recipient(each.destination, fields=each.fields) for each in contacts)
    numbers = ContactNumbers(preparation.normalise)
    may_go = campaign.render is not Render.HERE and not _has_suppressed(contacts, numbers, payer)
    if may_go and go_as_they_are(wording, contacts, numbers, replaces=campaign.replace_characters):
        return _Audience(rows, numbers, AsTheyCome(len(contacts)), is_given=True)
    return _Audience(rows, numbers, sorter)


def _has_suppressed(contacts: Sequence[Held], numbers: ContactNumbers, payer: Payer) -> bool:
    """Tell whether lists are sent to by copies, as somebody on them is suppressed."""
    if payer.suppressions is None:
        return False
    read = [number for each in contacts if isinstance(number := numbers(each.destination), int)]
    return bool(payer.suppressions.among(read).numbers)


class _Tally:
    """Counts what is told of rows."""

    def __init__(self, observer: Observer) -> None:
        self.reasons: Counter[str] = Counter()
        self.damages: Counter[Damage] = Counter()
        self._observer = observer

    def bad(self, row: Recipient, problem: Problem) -> None:
        self.reasons[f"{problem.field}: {problem.message}"] += 1
        self._observer.bad(row, problem)

    def duplicate(self, row: Recipient, number: int) -> None:
        """Duplicates are counted by the sieve."""

    def read(self, texts: Sequence[str], numbers: Sequence[int]) -> None:
        # Most files have all their numbers as the API writes them, with or without a plus.
        if "".join(texts).replace("+", "") != "".join(map(str, numbers)):
            self.damages.update(filter(None, map(damage_of, texts, numbers)))


@dataclass
class _Asked:
    """Recipients whose texts take equally many segments, one of which stands for all."""

    text: str
    segments: int
    to: list[Destination]


class _Simulator:
    """Simulates recipients by what their texts take, a few calls at a time.

    The API charges by segments, so one text stands for all that take as many: a million
    different texts are as many calls as one text for all.
    """

    def __init__(
        self, api: SmsFactor, message: Message, batch_size: int, observer: Observer
    ) -> None:
        self._api = api
        self._message = message
        self._size = batch_size
        self._observer = observer
        self._open: dict[int, _Asked] = {}
        self._calls: deque[tuple[_Asked, Future[SendReply]]] = deque()
        self._pool = ThreadPoolExecutor(_CALLS_AT_ONCE, thread_name_prefix="simulate")
        self._people = self._cost = self._drift = 0
        self._left_out: Counter[str] = Counter()
        self._credits: int | None = None
        self._error: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def add(self, numbers: Sequence[int], texts: Sequence[str], counts: Sequence[int]) -> None:
        """Take recipients with their texts and what each takes."""
        for count in dict.fromkeys(counts):
            alike = [number for number, each in zip(numbers, counts, strict=True) if each == count]
            asked = self._open.setdefault(count, _Asked(texts[counts.index(count)], count, []))
            asked.to += [Destination(str(number)) for number in alike]
            while len(asked.to) >= self._size:
                self._ask(replace(asked, to=asked.to[: self._size]))
                del asked.to[: self._size]

    def end(self) -> Simulation:
        """Ask about the rest, and tell what all answers come to."""
        for asked in self._open.values():
            if asked.to:
                self._ask(asked)
        while self._calls:
            self._settle()
        return Simulation(
            people=self._people,
            cost=self._cost,
            drift=self._drift,
            left_out=dict(self._left_out.most_common()),
            credits=self._credits,
            error=self._error,
        )

    def _ask(self, asked: _Asked) -> None:
        if self._error is not None:
            return
        message = replace(self._message, text=asked.text)
        self._calls.append((asked, self._pool.submit(self._api.simulate, message, asked.to)))
        if len(self._calls) >= _CALLS_AT_ONCE:
            self._settle()

    def _settle(self) -> None:
        asked, call = self._calls.popleft()
        try:
            reply = call.result()
        except ApiError as error:
            self._error = self._error or str(error)
            return
        sent = len(asked.to) if reply.sent is None else reply.sent
        cost = reply.cost or 0
        self._people += len(asked.to)
        self._cost += cost
        self._drift += cost - sent * asked.segments
        self._credits = reply.credits if reply.credits is not None else self._credits
        left_out = {
            "blacklisted": reply.blacklisted,
            "invalid": reply.invalid,
            "duplicated": reply.duplicated,
            **reply.other,
        }
        self._left_out.update({name: count for name, count in left_out.items() if count})
        self._observer.simulated(len(asked.to))
