"""The transitions of a campaign, as its scripts wrote them."""

from collections.abc import Iterator

from dispatcher.domain.campaign import Event
from dispatcher.store.connection import translated
from dispatcher.store.keys import Key
from dispatcher.store.records import moment
from dispatcher.store.replies import entries_of, text_fields
from dispatcher.store.scripts import Scripts

_CHUNK = 500
# Below the connection's read timeout, or a quiet campaign would look like a dead server.
_BLOCK_MS = 2000


class Events:
    """The event streams of one account's campaigns."""

    def __init__(self, scripts: Scripts) -> None:
        self._client = scripts.client
        self._keys = scripts.keys

    def read(self, campaign: str, *, after: str = "0", block: bool = False) -> list[Event]:
        """Read what happened after an event; with `block`, wait up to two seconds for more."""
        name = self._keys.of(Key.EVENTS, campaign)
        with translated():
            found = self._client.xread(
                {name: after}, count=_CHUNK, block=_BLOCK_MS if block else None
            )
        return [_event(entry, text_fields(fields)) for entry, fields in entries_of(found)]

    def all(self, campaign: str) -> Iterator[Event]:
        """Read everything that happened so far, oldest first."""
        after = "0"
        while events := self.read(campaign, after=after):
            yield from events
            after = events[-1].id


def _event(entry: bytes, fields: dict[str, str]) -> Event:
    return Event(
        id=entry.decode(),
        at=moment(fields["at"]),
        what=fields["what"],
        old=fields["from"],
        new=fields["to"],
        detail=fields["detail"],
    )
