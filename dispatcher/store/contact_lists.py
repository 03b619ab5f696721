"""Lists at the API that are made for batches, or given by the producer."""

import enum
from dataclasses import dataclass

import msgspec

from dispatcher.store.connection import translated
from dispatcher.store.keys import Key
from dispatcher.store.nudges import Nudge, read_nudge
from dispatcher.store.replies import blob, text
from dispatcher.store.scripts import Script, Scripts
from dispatcher.store.submissions import Filling, flat_fields


class ListPhase(enum.Enum):
    """How far the upload of a batch to a list has come."""

    CREATING = "creating"
    """The list may be there or not: it is looked for by its name first."""

    ADDING = "adding"
    """The list is there and some of the contacts are in it."""

    COMPLETE = "complete"
    """Every contact was sent at least once; deduplicate, verify, simulate."""

    GIVEN = "given"
    """The producer's own lists; never touched."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListProgress:
    """How far the upload of one batch has come.

    Attributes:
        phase: see `ListPhase`.
        id: the list's id at the API; None while it may not exist. For given lists, the digest
            of the contacts they held when they were read.
        added: how many contacts were sent, from the first of the batch on.
    """

    phase: ListPhase
    id: str | None = None
    added: int = 0

    def __str__(self) -> str:
        """Give the form that is kept."""
        return f"{self.phase.value}:{self.added}:{self.id or ''}"


def read_progress(stored: bytes) -> ListProgress | None:
    """Read what `str` of a progress wrote; None for nothing."""
    if not stored:
        return None
    phase, added, list_id = stored.decode().split(":", 2)
    return ListProgress(phase=ListPhase(phase), id=list_id or None, added=int(added))


class ContactLists:
    """What is known of the lists of one account's campaigns."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._client = scripts.client
        self._keys = scripts.keys

    def fill(self, campaign: str, filling: Filling, *, given: str | None) -> Nudge:
        """Give a campaign over lists the contacts they hold, uploaded before.

        Args:
            campaign: its id.
            filling: the contacts.
            given: their digest when the API is to merge the lists as they are.

        Raises:
            StoreFullError: Redis has no memory left; fill again later.
        """
        reply = self._scripts.run(
            Script.FILL,
            campaign,
            filling.upload,
            filling.batches,
            filling.recipients,
            filling.dropped_chunks,
            filling.starts,
            msgspec.msgpack.encode(flat_fields(filling)),
            "" if given is None else str(ListProgress(phase=ListPhase.GIVEN, id=given)),
        )
        return read_nudge(campaign, reply)

    def advance(
        self, campaign: str, n: int, before: ListProgress | None, after: ListProgress
    ) -> bool:
        """Record how far an upload has come; False when somebody else got further."""
        known = "" if before is None else str(before)
        return bool(self._scripts.run(Script.ADVANCE_LIST, campaign, n, known, str(after)))

    def claim_cleanup(self, *, lease_ms: int) -> tuple[str, str] | None:
        """Take an ended campaign whose lists are to be emptied: its id, and how they are named."""
        reply = self._scripts.run(Script.CLAIM_CLEANUP, lease_ms)
        return (text(reply[0]), text(reply[1])) if reply else None

    def end_cleanup(self, campaign: str, *, is_done: bool) -> None:
        """Record that a campaign's lists are empty, or let the next worker go on."""
        self._scripts.run(Script.END_CLEANUP, campaign, "done" if is_done else "again")

    def are_given(self, campaign: str) -> bool:
        """Tell whether the API merges the producer's own lists, whose values we do not keep."""
        with translated():
            stored = self._client.hget(self._keys.of(Key.LISTS, campaign), "0")
        progress = read_progress(blob(stored))
        return progress is not None and progress.phase is ListPhase.GIVEN

    def made_for(self, campaign: str) -> list[str]:
        """Give the ids of the lists made for a campaign, in order of its batches."""
        with translated():
            raw = self._client.hgetall(self._keys.of(Key.LISTS, campaign))
        found = {int(n): read_progress(blob(stored)) for n, stored in raw.items()}
        return [
            progress.id
            for _, progress in sorted(found.items())
            if progress and progress.id and progress.phase is not ListPhase.GIVEN
        ]

    def of_batch(self, campaign: str, n: int) -> str | None:
        """Give the id of the list made for a batch, None if there is none or it was emptied."""
        with translated():
            stored = self._client.hget(self._keys.of(Key.LISTS, campaign), str(n))
        progress = read_progress(blob(stored))
        return None if progress is None or progress.phase is ListPhase.GIVEN else progress.id
