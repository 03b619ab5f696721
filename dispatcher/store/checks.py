"""Counts recipients anew, to compare them with the counters of their campaigns."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from dispatcher.domain.conservation import Recount, Sent
from dispatcher.domain.fates import RecipientState, code_of
from dispatcher.domain.lifecycle import BatchState
from dispatcher.errors import UnknownCampaignError
from dispatcher.store.connection import translated
from dispatcher.store.keys import Key
from dispatcher.store.records import explain_fate
from dispatcher.store.replies import text, text_fields
from dispatcher.store.scripts import Script, Scripts

_BATCHES_AT_ONCE = 64
_ATTEMPTS = 3
# Written by checks themselves.
_OF_CHECKS = ("findings", "checked_at", "api_checked", "alarms", "gap")


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckClaim:
    """A campaign to check.

    Attributes:
        campaign: its id.
        asked: how many of its batches the API was asked for the figures of.
        is_done: whether it is over and no receipt is awaited any more.
    """

    campaign: str
    asked: int
    is_done: bool


class Checks:
    """Checks of one account's campaigns."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._client = scripts.client
        self._keys = scripts.keys

    def claim(self) -> CheckClaim | None:
        """Take the campaign whose check is due longest; None when none is, or one just was."""
        reply = self._scripts.run(Script.CLAIM_CHECK)
        if not reply:
            return None
        campaign, asked, is_done = reply
        return CheckClaim(campaign=text(campaign), asked=int(asked), is_done=bool(is_done))

    def recount(self, campaign: str) -> Recount:
        """Count a campaign's recipients, some batches at a time.

        When it moves meanwhile it is counted again, and when it never stands still, what holds at
        any moment is all that is told.

        Raises:
            UnknownCampaignError: there is none of that id.
        """
        for _ in range(_ATTEMPTS):
            before = self._look(campaign)
            if "erased_at" in before[0]:
                return Recount(books=before[0], counted=None)
            counted, wrong = self._count(campaign, int(before[0]["batches"]))
            if self._look(campaign) == before:
                return Recount(books=before[0], counted=counted, wrong=wrong)
        return Recount(books=before[0], counted=None, wrong=wrong)

    def sent(self, campaign: str, n: int) -> Sent | None:
        """Give what a batch comes to; None when the API is not known to have sent it."""
        with translated():
            raw = self._client.hmget(
                self._keys.of(Key.BATCH, campaign, n), ["state", "ticket", "size", "cost"]
            )
        state, ticket, size, cost = (text(part) if part else "" for part in raw)
        if state != BatchState.ACCEPTED.value or not ticket:
            return None
        counts, _ = self._recount(campaign, n, n)
        people, states = counts[f"b:{state}"], Counter[RecipientState]()
        for fate, count in _by_fate(counts):
            if code_of(fate) is not None:
                people += count
                states[explain_fate(fate)[0]] += count
        return Sent(
            n=n, ticket=ticket, size=int(size), people=people, states=states, cost=int(cost or 0)
        )

    def record(
        self,
        campaign: str,
        findings: Sequence[str],
        *,
        asked: int,
        has_more: bool,
        took_ms: int,
    ) -> None:
        """Record what a check found; what the last one did not find raises an alarm.

        Args:
            campaign: its id.
            findings: what does not add up.
            asked: how many of its batches the API was asked for the figures of.
            has_more: whether to go on with the others at once.
            took_ms: how long it took; the next waits for a multiple of that.
        """
        self._scripts.run(
            Script.RECORD_CHECK,
            campaign,
            msgspec.json.encode(list(findings)),
            asked,
            int(has_more),
            took_ms,
        )

    def _count(self, campaign: str, batches: int) -> tuple[Counter[str], tuple[str, ...]]:
        counted, wrong = Counter[str](), []
        for first in range(0, batches, _BATCHES_AT_ONCE):
            last = min(first + _BATCHES_AT_ONCE, batches) - 1
            counts, gap = self._recount(campaign, first, last)
            counted += counts
            wrong += [gap] if gap else []
        return counted, tuple(wrong)

    def _recount(self, campaign: str, first: int, last: int) -> tuple[Counter[str], str]:
        gap, *flat = self._scripts.run(Script.RECOUNT, campaign, first, last)
        names = map(bytes.decode, flat[::2])
        return Counter(dict(zip(names, flat[1::2], strict=True))), gap.decode()

    def _look(self, campaign: str) -> tuple[dict[str, str], object]:
        """Give a campaign's record, and its newest event: both stay as long as nothing moves."""
        with translated(), self._client.pipeline(transaction=True) as pipe:
            pipe.hgetall(self._keys.of(Key.CAMPAIGN, campaign))
            pipe.xrevrange(self._keys.of(Key.EVENTS, campaign), count=1)
            raw, newest = pipe.execute()
        if not raw:
            raise UnknownCampaignError(
                f"no campaign {campaign} on account {self._keys.account_name}"
            )
        fields: Mapping[str, str] = text_fields(raw)
        return {name: fields[name] for name in fields if name not in _OF_CHECKS}, newest


def _by_fate(counts: Mapping[str, int]) -> list[tuple[int, int]]:
    return [(int(name[2:]), count) for name, count in counts.items() if name.startswith("f:")]
