"""Adds the demo's campaign up, from every side: counters, results, the sandbox's own ledger."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dispatcher.cli.demo_services import LedgerEntry
from dispatcher.domain.campaign import CampaignStatus, RecipientResult
from dispatcher.domain.fates import RecipientState
from dispatcher.domain.lifecycle import CampaignState

SENT_TO = (RecipientState.SENT, RecipientState.DELIVERED, RecipientState.UNDELIVERED)
"""States of recipients that the API took."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """A campaign's recipients, counted from its results.

    Attributes:
        states: how many ended in each state.
        reasons: how many ended in a state for a reason.
        sent_to: numbers that the API took, each as often as the results name it.
    """

    states: Counter[RecipientState]
    reasons: Counter[tuple[RecipientState, str]]
    sent_to: Counter[str]

    @property
    def sent(self) -> int:
        """How many recipients the API took."""
        return self.sent_to.total()


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """All that is known about the demo's campaign at its end; money is in credits."""

    status: CampaignStatus
    tally: Tally
    ledger: Sequence[LedgerEntry]
    rows: int
    balance_before: int
    balance_after: int
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """One thing that has to be true, and whether it is."""

    words: str
    holds: bool


def tally_of(results: Iterable[RecipientResult]) -> Tally:
    """Count results."""
    tally = Tally(states=Counter(), reasons=Counter(), sent_to=Counter())
    for result in results:
        tally.states[result.state] += 1
        if result.reason:
            tally.reasons[result.state, result.reason] += 1
        if result.state in SENT_TO:
            tally.sent_to[result.number] += 1
    return tally


def claims_of(outcome: Outcome) -> list[Claim]:
    """Say what has to be true of the campaign at its end, and whether it is."""
    status, tally = outcome.status, outcome.tally
    posted = Counter(message.destination for entry in outcome.ledger for message in entry.messages)
    debited = sum(entry.cost for entry in outcome.ledger)
    spent = outcome.balance_before - outcome.balance_after
    facts = {
        "the campaign is finished": status.state is CampaignState.FINISHED,
        "rows in = the sum of all states": status.rows == outcome.rows and status.is_conserved,
        "results row by row = counters": tally.states == Counter(status.recipient_states),
        "each recipient kept was sent to, and nobody else": posted.keys() == tally.sent_to.keys(),
        "each of them exactly once": set(posted.values()) == {1} == set(tally.sent_to.values()),
        "cost = debited by the API = difference of balances": status.cost == debited == spent,
        "nothing contradicts anything": status.alarms == 0,
    }
    return [Claim(words=words, holds=holds) for words, holds in facts.items()]
