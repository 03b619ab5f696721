"""Keeps bodies of webhooks that nobody could read, and counts them."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from dispatcher.errors import StoreFullError
from dispatcher.store.connection import translated
from dispatcher.store.keys import Key
from dispatcher.store.replies import text_fields
from dispatcher.store.scripts import Scripts

_NEWEST = 10_000


class Quarantine:
    """The unreadable bodies of one account.

    Attributes:
        name: the Redis key that holds the newest of them.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._client = scripts.client
        self.name = scripts.keys.of(Key.QUARANTINE)
        self._counts = scripts.keys.of(Key.MALFORMED)

    def add(self, hook: str, bodies: Sequence[bytes]) -> None:
        """Keep bodies of a hook, unless Redis is full."""
        # A full server frees memory by having receipts merged, which this must not stop.
        with suppress(StoreFullError), translated(), self._client.pipeline() as pipe:
            for body in bodies:
                fields: dict[Any, Any] = {b"body": body, b"hook": hook}
                pipe.xadd(self.name, fields, maxlen=_NEWEST, approximate=True)
            pipe.hincrby(self._counts, hook, len(bodies))
            pipe.execute()

    def counts(self) -> dict[str, int]:
        """Tell how many bodies of each hook could not be read, ever."""
        with translated():
            found = text_fields(self._client.hgetall(self._counts))
        return {hook: int(count) for hook, count in found.items()}
