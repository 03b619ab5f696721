"""One recipient of a campaign, with all that is kept of it."""

from dataclasses import dataclass, field

from dispatcher.domain.campaign import RecipientResult
from dispatcher.domain.fates import Exclusion
from dispatcher.domain.packing import Batch
from dispatcher.domain.template import parse_template
from dispatcher.store.campaigns import Campaigns
from dispatcher.store.connection import translated
from dispatcher.store.contact_lists import ListPhase, read_progress
from dispatcher.store.finder import Finder, Place
from dispatcher.store.keys import Key
from dispatcher.store.replies import blob
from dispatcher.store.results import Results
from dispatcher.store.scripts import Scripts
from dispatcher.store.submissions import read_message


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody a campaign was submitted for.

    Attributes:
        n: number of the batch.
        position: in the campaign, from 0.
        sequence: number of the recipient on its account, which its receipts carry.
        size: how many are in the batch.
        is_listed: whether the batch goes by a list at the API.
        exclusion: why the API would not send to it; None when it would.
        text: what it is sent; None where the API merges the producer's own lists.
        result: what became of it.
    """

    n: int
    position: int
    sequence: int
    size: int
    is_listed: bool
    exclusion: Exclusion | None
    text: str | None = field(repr=False)
    result: RecipientResult


class People:
    """The recipients of one account's campaigns, one by one."""

    def __init__(
        self, scripts: Scripts, campaigns: Campaigns, finder: Finder, results: Results
    ) -> None:
        self._client = scripts.client
        self._keys = scripts.keys
        self._campaigns = campaigns
        self._finder = finder
        self._results = results

    def find(self, campaign: str, number: int) -> Person | None:
        """Find somebody by number; None when nobody has it.

        Raises:
            UnknownCampaignError: there is none of that id.
        """
        place = next(self._finder.within(campaign, {number}), None)
        return None if place is None else self._read(place)

    def _read(self, place: Place) -> Person:
        page = self._results.page(self._campaigns.status(place.campaign), place.n)
        with translated():
            message, first = self._client.hmget(
                self._keys.of(Key.CAMPAIGN, place.campaign), ["message", "first"]
            )
            stored = self._client.hget(self._keys.of(Key.LISTS, place.campaign), str(place.n))
        progress = read_progress(blob(stored))
        is_given = progress is not None and progress.phase is ListPhase.GIVEN
        position = page.first + place.place
        fate = page.fates[place.place]
        text = read_message(blob(message)).text
        return Person(
            n=place.n,
            position=position,
            sequence=int(first or 0) + position,
            size=len(page.batch.numbers),
            is_listed=progress is not None or page.batch.infos is not None,
            exclusion=Exclusion(fate) if fate in Exclusion.__members__.values() else None,
            text=_text_of(text, page.batch, place.place, is_given=is_given),
            result=page.result(place.place),
        )


def _text_of(text: str, batch: Batch, place: int, *, is_given: bool) -> str | None:
    template = parse_template(text)
    if template.is_plain:
        return template.render(())
    if is_given:
        return None
    return template.render(values_of(batch, place))


def values_of(batch: Batch, place: int) -> tuple[str, ...]:
    """Give what stands for the text's fields in somebody's message."""
    if batch.infos is not None:
        return tuple(column[place] for column in batch.infos)
    return batch.shared or ()
