"""What the sandbox accepted, which is the truth about what was sent."""

from collections.abc import Iterable, Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import msgspec
from pyroaring import BitMap64

_TIMEOUT = 60.0


class Sent(msgspec.Struct):
    """A message the sandbox accepted."""

    destination: str


class Posted(msgspec.Struct):
    """An entry of the sandbox's ledger: a POST it accepted."""

    accepted_seconds: float
    cost: int
    messages: list[Sent]


class Summary(msgspec.Struct):
    """The sandbox's ledger in sum."""

    campaigns: int
    messages: int
    cost: int


class Oracle:
    """Asks a sandbox what it accepted."""

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc

    def reset(self) -> None:
        """Make it forget everything, so that each way of sending meets the same sandbox."""
        for _ in self._lines("POST", "/_sandbox/reset"):
            pass

    def summary(self) -> Summary:
        (line,) = self._lines("GET", "/_sandbox/ledger?summary")
        return msgspec.json.decode(line, type=Summary)

    def posted(self) -> Iterator[Posted]:
        """Read the ledger an entry at a time; a million messages are 100 MB."""
        decoder = msgspec.json.Decoder(Posted)
        for line in self._lines("GET", "/_sandbox/ledger"):
            yield decoder.decode(line)

    def _lines(self, method: str, path: str) -> Iterator[bytes]:
        connection = HTTPConnection(self._host, timeout=_TIMEOUT)
        try:
            connection.request(method, path)
            yield from connection.getresponse()
        finally:
            connection.close()


def problems_of(
    posted: Iterable[Posted], *, wanted: Iterable[str], posts: int, cost: int
) -> tuple[str, ...]:
    """Compare what was accepted with what had to be, and say what differs.

    Args:
        posted: the ledger.
        wanted: the numbers that must have been sent to, once each.
        posts: how many POSTs that takes.
        cost: what our own record says it cost.
    """
    seen, messages, entries, charged = BitMap64(), 0, 0, 0
    for entry in posted:
        entries += 1
        charged += entry.cost
        messages += len(entry.messages)
        seen.update(int(message.destination) for message in entry.messages)
    numbers = BitMap64(map(int, wanted))
    found = (
        (len(numbers - seen), "recipients were not sent to"),
        (len(seen - numbers), "strangers were sent to"),
        (messages - len(seen), "messages went to somebody a second time"),
        (abs(entries - posts), f"POSTs more or less than {posts}"),
        (abs(charged - cost), f"credits between what was charged and {cost} on record"),
    )
    return tuple(f"{count:,} {what}" for count, what in found if count)
