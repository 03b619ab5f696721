"""Batches of which the API left people out whom nobody has named yet."""

from dataclasses import dataclass

import msgspec

from dispatcher.domain.message import Message
from dispatcher.domain.packing import Batch, unpack
from dispatcher.store.batches import LeftOut
from dispatcher.store.contact_lists import ListProgress, read_progress
from dispatcher.store.scripts import Script, Scripts
from dispatcher.store.submissions import read_lists, read_message


@dataclass(frozen=True, kw_only=True, slots=True)
class UnnamedClaim:
    """A batch that was accepted, with people left out.

    Attributes:
        campaign: its campaign's id.
        n: number of the batch, from 0.
        tries: how often naming them was tried, this time included.
        message: what was sent.
        batch: its recipients.
        lists: the account's lists the campaign was submitted with.
        fates: a byte per recipient, as of now.
        progress: says which list it was uploaded to; None for a batch that was sent directly.
        left_out: how many, and why.
    """

    campaign: str
    n: int
    tries: int
    message: Message
    batch: Batch
    lists: tuple[str, ...]
    fates: bytes
    progress: ListProgress | None
    left_out: LeftOut


class Unnamed:
    """Such batches of one account; see `Batches.exclude` for how they are settled."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def claim(self) -> UnnamedClaim | None:
        """Take the next one that is due; it is due again after a pause, each twice as long."""
        reply = self._scripts.run(Script.CLAIM_UNNAMED)
        if not reply:
            return None
        campaign, n, tries, message, lists, packed, fates, progress, left_out = reply
        return UnnamedClaim(
            campaign=campaign.decode(),
            n=int(n),
            tries=int(tries),
            message=read_message(message),
            batch=unpack(packed),
            lists=read_lists(lists),
            fates=fates,
            progress=read_progress(progress),
            left_out=msgspec.json.decode(left_out, type=LeftOut),
        )

    def give_up(self, campaign: str, n: int, *, why: str) -> None:
        """Record, with an alarm, that nobody can tell who they are."""
        self._scripts.run(Script.GIVE_UP_NAMING, campaign, n, why)
