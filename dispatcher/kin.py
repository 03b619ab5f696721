"""Who got a message already, or may get it, by another campaign of the same family.

A family is a campaign with those that send to some of it again, and to some of these.
"""

from collections.abc import Callable, Container, Iterable, Iterator
from threading import Lock

from pyroaring import BitMap64

from dispatcher.domain.campaign import CampaignStatus
from dispatcher.domain.fates import RecipientState
from dispatcher.domain.selection import NOT_REACHED, RESENDABLE, only
from dispatcher.errors import UnknownCampaignError
from dispatcher.store.account import AccountStore
from dispatcher.store.submissions import Kinship

_KEPT = 16

_Which = Callable[[RecipientState, str | None], bool]


def reached_by_others(
    store: AccountStore, source: CampaignStatus, others: Iterable[CampaignStatus]
) -> BitMap64:
    """Give the numbers that others of a family than the source reached, or may reach.

    Of those that the source comes from, a receipt may have come late that somebody got it.

    Raises:
        ErasedError: the people of one of them are not kept any more.
    """
    found = BitMap64()
    ancestors = {status.id for status in ancestors_of(store, source)}
    for status in others:
        if status.id != source.id:
            free = RESENDABLE if status.id in ancestors else NOT_REACHED
            _add(found, store, status, _outside(free))
    return found


def ancestors_of(store: AccountStore, source: CampaignStatus) -> Iterator[CampaignStatus]:
    """Give the campaigns that one comes from, as far as they are kept."""
    status: CampaignStatus | None = source
    while status is not None and status.resend_of is not None:
        status = _known(store, status.resend_of)
        if status is not None:
            yield status


class Kin:
    """Tells whom a campaign that sends again is to leave out by now.

    Looking through a whole family takes a second for a million people, so what was found is kept
    until a counter of one of the family moves. Safe to use from many threads.
    """

    def __init__(self, store: AccountStore) -> None:
        self._store = store
        self._lock = Lock()
        self._kept: dict[str, tuple[object, BitMap64]] = {}

    def reached(self, campaign: str) -> BitMap64:
        """Give the numbers that got the message meanwhile, or may get it; empty for no resend.

        Whoever was erased is not among them, nor are people of a campaign that was.

        Raises:
            StoreUnavailableError: Redis did not answer.
        """
        kinship = self._store.campaigns.definition(campaign).kinship
        if kinship is None:
            return BitMap64()
        family = self._family(campaign, kinship)
        version = [_version(status) for status in family]
        with self._lock:
            kept, found = self._kept.pop(campaign, (None, BitMap64()))
            if kept != version:
                found = self._look(kinship, family)
            self._kept[campaign] = version, found
            while len(self._kept) > _KEPT:
                del self._kept[next(iter(self._kept))]
            return found

    def _family(self, campaign: str, kinship: Kinship) -> list[CampaignStatus]:
        names = (kinship.root, *self._store.campaigns.family(kinship.root))
        found = (_known(self._store, name) for name in names if name != campaign)
        return [status for status in found if status is not None and status.erased_at is None]

    def _look(self, kinship: Kinship, family: list[CampaignStatus]) -> BitMap64:
        source = next((status for status in family if status.id == kinship.source), None)
        if source is None:
            return BitMap64()
        chosen = only(kinship.only)
        found = reached_by_others(self._store, source, family)
        _add(found, self._store, source, lambda state, reason: not chosen.takes(state, reason))
        return found


def _version(status: CampaignStatus) -> tuple[object, ...]:
    states, reasons = dict(status.recipient_states), dict(status.reasons)
    return status.id, status.state, status.receipts, states, reasons, dict(status.batch_states)


def _known(store: AccountStore, campaign: str) -> CampaignStatus | None:
    try:
        return store.campaigns.status(campaign)
    except UnknownCampaignError:
        return None


def _add(found: BitMap64, store: AccountStore, status: CampaignStatus, which: _Which) -> None:
    for page in store.results.pages(status):
        found.update(page.batch.numbers[place] for place in page.places(which))


def _outside(states: Container[RecipientState]) -> _Which:
    return lambda state, _: state not in states
