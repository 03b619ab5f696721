"""How long the short links of a message will be, which its price depends on."""

import time
from threading import Lock

from dispatcher.domain.message import PushType
from dispatcher.errors import ApiError
from dispatcher.settings import Settings
from dispatcher.smsfactor.opening import open_client

_LIFETIME = 3600.0
_ASSUMED_FOR = 60.0

ASSUMED_LENGTH = 18
"""As long as the document's own example: good enough for an estimate while the API is away."""


class LinkLengths:
    """Asks the API for its tags (document, GET /link/short/:pushtype/tag) and remembers them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[tuple[str, PushType], tuple[int, float]] = {}
        self._lock = Lock()

    def of(self, account: str, pushtype: PushType) -> int:
        """Give the characters of one short link; an assumption when the API does not tell."""
        with self._lock:
            length, good_until = self._known.get((account, pushtype), (0, 0.0))
            if time.monotonic() > good_until:
                length, lifetime = self._ask(account, pushtype)
                self._known[account, pushtype] = length, time.monotonic() + lifetime
            return length

    def _ask(self, account: str, pushtype: PushType) -> tuple[int, float]:
        with open_client(self._settings, account) as api:
            try:
                return len(api.link_tag(pushtype)), _LIFETIME
            except ApiError:
                return ASSUMED_LENGTH, _ASSUMED_FOR
