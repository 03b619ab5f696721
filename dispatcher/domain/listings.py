"""Finds batches whose answer was lost in the API's own list of campaigns.

Two ways of comparing keep a wrong word out. To be taken for ours, a campaign has to be equal in
text and size, and alone. To rule a batch out, nothing unclaimed may be there that could be it under
the loosest reading, for nobody told how the API changes the texts it lists.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from dispatcher.domain.unknowns import Decision, Finding, Source, UnknownBatch

CLOSE = timedelta(seconds=60)
"""How far the API's clock may be from ours for a campaign to be taken for a batch."""

LOOSE = timedelta(minutes=10)
"""How far it may be from ours for a campaign to be kept in mind all the same."""

_REPLACED = re.compile(r"<-+short-+>|\[info\d\]")
# Of a text the API may have cut, transliterated or put links into, this much in a row remains.
_RUN = 12
_LEAST = 8
# Longer than the API may take to answer a send and to list it.
_UNTIL_LISTED = timedelta(minutes=2)

# What the API could hardly show escaped or transliterated, so that it would be found.
_PLAIN = re.compile(r"[A-Za-z0-9 \n.,:;!?()/+=%*-]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sought:
    """A batch as the API would list it.

    Attributes:
        batch: what is known of it; None while its answer may still come.
        text: as it was posted.
        total: how many recipients were named.
        begun: before its POST.
        ended: after its POST.
        needs_ticket: whether knowing only that it was sent would not do.
    """

    batch: UnknownBatch | None
    text: str = field(repr=False)
    total: int
    begun: datetime
    ended: datetime
    needs_ticket: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A campaign as the API lists it; None for what it does not say."""

    ticket: str
    text: str = field(repr=False)
    total: int | None
    created: datetime | None
    cost: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """All the API lists since some time, beside what we know of it.

    Attributes:
        campaigns: what it lists.
        claimed: when the batch of each ticket that is ours was claimed.
        is_complete: every campaign it counts was read.
        asked_at: when it was asked for.
    """

    campaigns: Sequence[Listed]
    claimed: Mapping[str, datetime]
    is_complete: bool
    asked_at: datetime

    def doubt(self, sought: Sought) -> str:
        """Say why what is not listed may be there all the same; "" when it may not.

        Absence only counts in a list that shows what it must: all our own sends of that time, at
        the time we know, and one that was made later.
        """
        if not self.is_complete:
            return "the listing could not be read as a whole"
        shown = {listed.ticket: listed for listed in self.campaigns}
        begun = sought.begun - LOOSE
        ours = {ticket: at for ticket, at in self.claimed.items() if at >= begun}
        settled = self.asked_at - _UNTIL_LISTED
        if not _PLAIN.fullmatch(sought.text):
            return "its text may be listed in other characters"
        if missing := sum(ticket not in shown for ticket, at in ours.items() if at < settled):
            return f"the listing lacks {missing} of our own sends of that time"
        dates = [(at, shown[ticket].created) for ticket, at in ours.items() if ticket in shown]
        if not all(any(abs(made - at) <= LOOSE for made in _moments(day)) for at, day in dates):
            return "the listing dates our own sends otherwise than we do"
        if not any(at >= sought.ended for at, _ in dates):
            return "the listing shows no later send of ours, by which to see that it works"
        return ""


def look_up(sought: Sequence[Sought], listing: Listing) -> list[Finding]:
    """Say of each batch what a listing shows: that it was sent, its absence, or nothing certain."""
    free = [listed for listed in listing.campaigns if listed.ticket not in listing.claimed]
    equals = [[listed for listed in free if _is_equal(each, listed)] for each in sought]
    return [
        _judge(place, sought, equals, free, listing)
        for place, each in enumerate(sought)
        if each.batch is not None
    ]


def _judge(
    place: int,
    sought: Sequence[Sought],
    equals: Sequence[Sequence[Listed]],
    free: Sequence[Listed],
    listing: Listing,
) -> Finding:
    this, mine = sought[place], {listed.ticket for listed in equals[place]}
    assert this.batch is not None  # noqa: S101 - those without are only rivals
    rivals = [
        other
        for other, found in enumerate(equals)
        if other != place and mine & {listed.ticket for listed in found}
    ]
    finding = this.batch.finding
    if len(mine) == 1 and not rivals:
        (listed,) = equals[place]
        says = f"it is there as {listed.ticket}, equal in text and size, and alone"
        return finding(Decision.SENT, Source.LISTING, says, ticket=listed.ticket, cost=listed.cost)
    if mine and _are_all_there(place, rivals, sought, equals):
        return finding(
            Decision.SENT,
            Source.LISTING,
            f"{len(mine)} equal batches are missed, and all are there",
        )
    if mine:
        return finding(
            Decision.OPEN,
            Source.LISTING,
            f"{len(mine)} equal campaigns for {len(rivals) + 1} batches without an answer",
        )
    if any(_could_be(this, listed) for listed in free):
        return finding(Decision.OPEN, Source.LISTING, "nothing equal, but some that may be it")
    if doubt := listing.doubt(this):
        return finding(Decision.OPEN, Source.LISTING, f"it is not there, but {doubt}")
    return finding(Decision.ABSENT, Source.LISTING, "it is not there, and nothing that may be it")


def _are_all_there(
    place: int,
    rivals: Sequence[int],
    sought: Sequence[Sought],
    equals: Sequence[Sequence[Listed]],
) -> bool:
    """Tell whether batches that nobody could tell apart were sent, every one of them."""
    alike = [place, *rivals]
    tickets = {listed.ticket for listed in equals[place]}
    return (
        len(tickets) == len(alike)
        and all({listed.ticket for listed in equals[one]} == tickets for one in alike)
        and all(sought[one].batch is not None and not sought[one].needs_ticket for one in alike)
    )


def _moments(created: datetime | None) -> set[datetime]:
    """Give what a date may mean: wall clock in the hour that comes twice means two moments."""
    if created is None:
        return set()
    return {created.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}


def _is_equal(sought: Sought, listed: Listed) -> bool:
    return (
        any(
            sought.begun - CLOSE <= made <= sought.ended + CLOSE
            for made in _moments(listed.created)
        )
        and listed.total == sought.total
        and listed.text.split() == sought.text.split()
    )


def _could_be(sought: Sought, listed: Listed) -> bool:
    """Tell whether a campaign may be a batch, however the API changed what it shows of it."""
    made = _moments(listed.created)
    if made and not any(sought.begun - LOOSE <= at <= sought.ended + LOOSE for at in made):
        return False
    theirs = _letters(listed.text)
    pieces = [_letters(piece) for piece in _REPLACED.split(sought.text)]
    longest = max(map(len, pieces))
    if longest < _LEAST or len(theirs) < _LEAST:
        return True
    run = min(_RUN, longest, len(theirs))
    return any(
        piece[start : start + run] in theirs
        for piece in pieces
        for start in range(len(piece) - run + 1)
    )


def _letters(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(filter(str.isalnum, plain))
