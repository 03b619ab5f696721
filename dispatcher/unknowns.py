"""What operators do about batches whose answer was lost: look, and decide."""

from collections.abc import Callable
from dataclasses import dataclass

from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.domain.unknowns import Decision, Source, UnknownBatch, UnknownTally
from dispatcher.errors import InputError, Problem, StateError, UnknownCampaignError
from dispatcher.queueing import Hints
from dispatcher.store.account import AccountStore, Store

_LONGEST = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolved:
    """What came of a decision.

    Attributes:
        batch: state of the batch.
        campaign: state of its campaign.
    """

    batch: BatchState
    campaign: CampaignState


class Unknowns:
    """Batches that may or may not have been sent, on any account."""

    def __init__(
        self, store: Store, hints: Hints, account_name: Callable[[str | None], str]
    ) -> None:
        self._store = store
        self._hints = hints
        self._account_name = account_name

    def list(self, *, account: str | None = None) -> list[UnknownBatch]:
        """Give them all, the oldest first, with what evidence said of each."""
        return self._open(account).unknowns.newest(1_000_000)

    def tally(self, *, account: str | None = None) -> UnknownTally:
        """Give their number, the age of the oldest, and the credits at stake."""
        return self._open(account).unknowns.tally()

    def resolve(
        self,
        batch: str,
        verdict: Decision,
        *,
        by: str,
        ticket: str = "",
        account: str | None = None,
    ) -> Resolved:
        """Decide what became of a batch; it is logged with who decided.

        A wrong `NOT_SENT` makes people get a message twice; a wrong `SENT` loses it.

        Args:
            batch: `CAMPAIGN/BATCH`, as listed.
            verdict: `SENT`; `NOT_SENT`, which sends it again unless its campaign was cancelled;
                or `ABANDON`, which leaves it unsent and uncounted.
            by: who decides.
            ticket: the API's id of it, when it was sent and that is known.
            account: its account; None for the default.

        Raises:
            InputError: one of these cannot be used.
            StateError: its outcome is known by now, or the ticket is another batch's.
            UnknownCampaignError: there is no such batch.
        """
        campaign, n = _parts(batch)
        _check(verdict, by, ticket)
        name = self._account_name(account)
        store = self._store.account(name)
        found = store.unknowns.read(campaign, n)
        if found is None:
            raise StateError(f"batch {batch} is {_state(store, campaign, n)}: nothing to decide")
        finding = found.finding(verdict, Source.OPERATOR, f"by {by}", ticket=ticket)
        (word,) = store.unknowns.settle([finding])
        if word == "claimed":
            raise StateError(f"ticket {ticket} is that of another batch")
        if word != "settled":
            raise StateError(f"batch {batch} is {_state(store, campaign, n)}: nothing to decide")
        status = store.campaigns.status(campaign)
        self._hints.move_on(name, campaign, status.state, waiting=1)
        record = store.batches.read(campaign, n)
        assert record is not None  # noqa: S101 - it was settled just now
        return Resolved(batch=record.state, campaign=status.state)

    def _open(self, account: str | None) -> AccountStore:
        return self._store.account(self._account_name(account))


def _state(store: AccountStore, campaign: str, n: int) -> str:
    """Name the state of a batch.

    Raises:
        UnknownCampaignError: there is no such batch.
    """
    status = store.campaigns.status(campaign)
    if n >= status.batches:
        raise UnknownCampaignError(f"campaign {campaign} has no batch {n}")
    record = store.batches.read(campaign, n)
    return record.state.value if record else BatchState.READY.value


def _parts(batch: str) -> tuple[str, int]:
    campaign, _, n = batch.rpartition("/")
    if not campaign or not n.isdecimal():
        raise InputError([_NO_BATCH])
    return campaign, int(n)


def _check(verdict: Decision, by: str, ticket: str) -> None:
    problems = []
    if verdict not in (Decision.SENT, Decision.NOT_SENT, Decision.ABANDON):
        problems.append(_NO_DECISION)
    if not by.strip() or len(by) > _LONGEST or not by.isprintable():
        problems.append(_NOBODY)
    if ticket and (verdict is not Decision.SENT or len(ticket) > _LONGEST):
        problems.append(_NO_TICKET)
    if problems:
        raise InputError(problems)


_NO_BATCH = Problem(
    field="batch", message="it is no batch", fix="give CAMPAIGN/BATCH, such as spring-sale/3"
)
_NO_DECISION = Problem(
    field="verdict", message="it decides nothing", fix="give SENT, NOT_SENT or ABANDON"
)
_NOBODY = Problem(field="by", message="nobody is named", fix="name who decides")
_NO_TICKET = Problem(
    field="ticket", message="it goes with nothing", fix="give one only for a batch that was sent"
)
