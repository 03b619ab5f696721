"""Forgets one person: erases them everywhere, and proves it by a look at every key."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from dispatcher.domain.erasure import Forgotten, Person
from dispatcher.domain.lifecycle import BatchState
from dispatcher.domain.numbers import Normaliser, NumberProblem
from dispatcher.errors import ApiError, InputError, Problem, RequestRefusedError
from dispatcher.settings import Settings
from dispatcher.smsfactor import SmsFactor
from dispatcher.smsfactor.opening import open_client
from dispatcher.store.account import AccountStore, Store
from dispatcher.store.finder import Place

# What passes by itself, such as receipts that are about to be merged, takes no longer if workers
# run, and a POST that is under way not much.
_PAUSE = 0.5
_UNSENT = frozenset({BatchState.READY, BatchState.EMPTY})

Tell = Callable[[str, int], None]


@dataclass
class _Sum:
    """What was erased so far, on all accounts."""

    recipients: int = 0
    entries: int = 0
    contacts: int = 0
    waiting: int = 0
    unreached: set[str] = field(default_factory=set)


class Erasure:
    """Erases people on every configured account; every call may be made again."""

    def __init__(self, store: Store, settings: Settings, normalise: Normaliser) -> None:
        self._store = store
        self._settings = settings
        self._normalise = normalise

    def person(self, number: str) -> Person:
        """Read whose number it is.

        Raises:
            InputError: it is no phone number.
        """
        found = self._normalise(number)
        if isinstance(found, NumberProblem):
            raise InputError([Problem(field="number", message=found.message, fix=found.fix)])
        return Person(number=found)

    def forget(
        self, number: str, *, by: str = "", timeout: float = 30, tell: Tell = lambda _what, _n: None
    ) -> Forgotten:
        """Erase somebody from every campaign, schedule and received body, on every account.

        Whoever was not sent to yet is not; what was sent keeps its fate and its cost. Who is in a
        POST under way is erased once that is settled, at once or by a tick. Ends with a look at
        every key for the number, and has Redis rewrite its append-only file. Does not keep anybody
        from being sent to later.

        Args:
            number: whom, in any usual form.
            by: who asks for it, for the record.
            timeout: seconds to wait for what passes by itself.
            tell: told what is looked through, and how much of it so far.

        Raises:
            InputError: it is no phone number.
            StoreUnavailableError: Redis did not answer; forget again, it goes on where it stopped.
        """
        person = self.person(number)
        until = time.monotonic() + timeout
        total = _Sum()
        while True:
            total.waiting, total.unreached = 0, set()
            for name in self._settings.accounts:
                self._erase(name, person, total, tell)
            found = Forgotten(
                recipients=total.recipients,
                entries=total.entries,
                contacts=total.contacts,
                waiting=total.waiting,
                unreached=tuple(sorted(total.unreached)),
                proof=self._store.search().find(person, tell=lambda keys: tell("keys", keys)),
            )
            if found.is_complete or time.monotonic() >= until or not _passes(found):
                self._log(found, by)
                return replace(found, log=self._store.rewrite_log())
            time.sleep(_PAUSE)

    def log(self) -> list[dict[str, str]]:
        """Tell what was erased when and who asked for it, not whose, on the default account."""
        return list(self._store.account(self._settings.default_account).erasure.logged())

    def _erase(self, name: str, person: Person, total: _Sum, tell: Tell) -> None:
        account = self._store.account(name)
        account.erasure.remember(person, account.schedules.now())
        kept = self._remove_contacts(name, account, person, total)
        account.erasure.erase_next()
        count = account.erasure.erase(
            person,
            but=lambda campaign, n: (campaign, n) in kept,
            tell=lambda batches: tell("batches", batches),
        )
        total.recipients += count.recipients
        total.entries += count.entries
        total.waiting += count.waiting

    def _remove_contacts(
        self, name: str, account: AccountStore, person: Person, total: _Sum
    ) -> Collection[tuple[str, int]]:
        """Take somebody out of lists that were made for campaigns.

        Gives the batches whose list was not reached: found again by the number next time. Lists of
        what is still to be sent are tidied before, whatever is erased here.
        """
        kept = set()
        with open_client(self._settings, name) as api:
            for place in list(account.finder.everywhere([person.number])):
                list_id = account.lists.of_batch(place.campaign, place.n)
                if list_id is None:
                    continue
                try:
                    total.contacts += _take_out(api, list_id, person)
                except ApiError:
                    total.unreached.add(list_id)
                    if not _is_unsent(account, place):
                        kept.add((place.campaign, place.n))
        return kept

    def _log(self, found: Forgotten, by: str) -> None:
        for name in self._settings.accounts:
            self._store.account(name).erasure.log(
                {
                    "at": int(found.proof.at.timestamp() * 1000),
                    "by": by,
                    "recipients": found.recipients,
                    "entries": found.entries,
                    "contacts": found.contacts,
                    "waiting": found.waiting,
                    "keys": found.proof.keys,
                    "traces": len(found.proof.traces),
                }
            )


def _passes(found: Forgotten) -> bool:
    """Tell whether what is left may be gone in a moment."""
    return bool(found.waiting) or any(trace.passes for trace in found.proof.traces)


def _is_unsent(account: AccountStore, place: Place) -> bool:
    record = account.batches.read(place.campaign, place.n)
    return record is None or record.state in _UNSENT


def _take_out(api: SmsFactor, list_id: str, person: Person) -> int:
    try:
        held = api.contacts(list_id)
    except RequestRefusedError:
        # Deleted meanwhile, as the live dialect does with lists of campaigns that are over.
        return 0
    theirs = [
        contact for contact in held if contact.destination.removeprefix("+") == str(person.number)
    ]
    for contact in theirs:
        api.remove_contact(contact.id)
    return len(theirs)
