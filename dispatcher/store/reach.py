"""Finds the last campaign that reached somebody before they answered."""

import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dispatcher.domain.fates import FOLLOWS_BATCH, code_of
from dispatcher.domain.lifecycle import TERMINAL, BatchState, CampaignState
from dispatcher.domain.replies import PostedReply, Reached
from dispatcher.domain.sequence import read_gsmsmsid
from dispatcher.store.connection import translated
from dispatcher.store.finder import Finder, Place
from dispatcher.store.keys import Key
from dispatcher.store.ledger import Ledger
from dispatcher.store.replies import blob, text
from dispatcher.store.results import Results
from dispatcher.store.scripts import Scripts

# The API's clock and ours differ, and its dates are whole seconds.
_CLOCK_TOLERANCE_MS = int(timedelta(minutes=2).total_seconds() * 1000)
_PAGE = 200
# Of these, people may have the message.
_MAY_HAVE_IT = frozenset(
    {
        BatchState.SENDING.value,
        BatchState.UNKNOWN.value,
        BatchState.ACCEPTED.value,
        BatchState.WITHDRAWING.value,
        BatchState.DOUBTFUL.value,
        BatchState.SCHEDULED.value,
    }
)
# What is in these states sends nothing any more.
_SENDS_NO_MORE = {state.value for state in (*TERMINAL, CampaignState.SENT)}


@dataclass(slots=True)
class _Answer:
    """A reply's number and time, and the latest send before it that was found so far."""

    number: int
    at_ms: int
    reached: Reached | None = None
    sent_ms: int = 0


class Reach:
    """Who was sent what, and when, on one account."""

    def __init__(self, scripts: Scripts, finder: Finder, ledger: Ledger, results: Results) -> None:
        self._client = scripts.client
        self._keys = scripts.keys
        self._finder = finder
        self._ledger = ledger
        self._results = results

    def last_before(self, replies: Iterable[PostedReply]) -> list[Reached | None]:
        """Give whom of which campaign each of some replies is from, in their order.

        An id of ours that the API sends along proves it (live dialect). Otherwise it is the
        campaign that was last given to the API, for that number, before the reply was written.
        """
        posted = list(replies)
        proven = [self._proven(reply) for reply in posted]
        answers = [
            _Answer(reply.number, int(reply.at.timestamp() * 1000) + _CLOCK_TOLERANCE_MS)
            for reply in posted
        ]
        open_ones = [
            answer
            for answer, reached in zip(answers, proven, strict=True)
            if reached is None and answer.number
        ]
        if open_ones:
            self._search(open_ones)
        return [reached or answer.reached for reached, answer in zip(proven, answers, strict=True)]

    def _proven(self, reply: PostedReply) -> Reached | None:
        if not reply.gsmsmsid or not reply.number:
            return None
        sequence = read_gsmsmsid(self._ledger.receipt_key(), reply.gsmsmsid, reply.number)
        if sequence is None:
            return None
        with translated():
            found: Any = self._client.zrevrangebyscore(
                self._keys.of(Key.RANGES), sequence, "-inf", start=0, num=1, withscores=True
            )
        return Reached(text(found[0][0]), sequence - int(found[0][1])) if found else None

    def _search(self, answers: Collection[_Answer]) -> None:
        numbers = {answer.number for answer in answers}
        for campaign, quiet_since in self._newest_first():
            if all(answer.sent_ms > quiet_since for answer in answers):
                continue
            for place in self._finder.within(campaign, numbers):
                self._weigh(place, answers)

    def _weigh(self, place: Place, answers: Collection[_Answer]) -> None:
        position = self._results.first(place.campaign, place.n) + place.place
        sent_ms = self._sent_ms(place, position)
        if sent_ms is None:
            return
        for answer in answers:
            if answer.number == place.number and answer.sent_ms < sent_ms <= answer.at_ms:
                answer.reached, answer.sent_ms = Reached(place.campaign, position), sent_ms

    def _sent_ms(self, place: Place, position: int) -> int | None:
        """Tell when somebody's message was given to the API, or was due; None if it was not."""
        name = self._keys.of(Key.BATCH, place.campaign, place.n)
        with translated():
            fate = blob(
                self._client.getrange(self._keys.of(Key.FATES, place.campaign), position, position)
            )
            state, claimed_at, due_at = self._client.hmget(name, ["state", "claimed_at", "due_at"])
        is_told = fate[:1] and code_of(fate[0]) is not None
        follows = fate[:1] == bytes([FOLLOWS_BATCH]) and blob(state).decode() in _MAY_HAVE_IT
        if not is_told and not follows:
            return None
        return max(int(claimed_at or 0), int(due_at or 0)) or None

    def _newest_first(self) -> Iterator[tuple[str, float]]:
        """Give every campaign, newest first, and since when (ms) it has sent nothing."""
        first = 0
        while True:
            with translated():
                names: Any = self._client.zrevrange(
                    self._keys.of(Key.CAMPAIGNS), first, first + _PAGE - 1
                )
                with self._client.pipeline(transaction=False) as pipe:
                    for name in names:
                        pipe.hmget(self._keys.of(Key.CAMPAIGN, text(name)), "state", "changed_at")
                    records = pipe.execute()
            for name, (state, changed) in zip(names, records, strict=True):
                is_quiet = blob(state).decode() in _SENDS_NO_MORE
                yield text(name), int(changed) if is_quiet else math.inf
            if len(names) < _PAGE:
                return
            first += _PAGE
