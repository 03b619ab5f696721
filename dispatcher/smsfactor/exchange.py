import enum
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from dispatcher.errors import CalledOffError, SettingsError


class Phase(enum.Enum):
    """How far one exchange has got; each is announced at the moment it is true."""

    CONNECTED = "connected"
    """The connection stands, TLS included; not a byte of the request has left."""

    WRITTEN = "written"
    """The whole request was handed to the network."""

    ANSWERED = "answered"
    """The whole reply was read; it is not yet understood."""


Observer = Callable[[Phase], None]
"""Told of each phase; at `CONNECTED` it may take its time, and call all off by raising."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deadlines:
    """How long one exchange may take, in seconds.

    Attributes:
        connect: until the connection stands, TLS included.
        total: from the first step to the last byte of the reply, however slowly it trickles.
        listing: the same for routes whose reply holds many contacts or campaigns.
    """

    connect: float = 5.0
    total: float = 30.0
    listing: float = 120.0

    def __post_init__(self) -> None:
        """Refuse times that no exchange could keep."""
        if min(self.connect, self.total, self.listing) <= 0:
            raise SettingsError("deadlines: every time must be more than 0 seconds")


class Exchange:
    """One request and its reply: how far it has got, and how long it may still take.

    Attributes:
        reply_bytes: the largest body that is read.
        phase: the last milestone reached; None while there is no connection.
        reused: the request went out on a connection kept alive from an earlier one.
        received: the reply's body, as far as it was read.
    """

    def __init__(
        self, *, connect: float, total: float, reply_bytes: int, observe: Observer | None = None
    ) -> None:
        self.reply_bytes = reply_bytes
        self.phase: Phase | None = None
        self.reused = False
        self.received = bytearray()
        self._observe = observe
        self._connect = connect
        self._ends = time.monotonic() + total
        self._connected_by = time.monotonic() + connect

    def restart(self) -> None:
        """Begin again on another connection, within what is left of the same time."""
        self.phase = None
        self.reused = False
        self.received.clear()
        self._connected_by = time.monotonic() + self._connect

    def reach(self, phase: Phase) -> None:
        """Record a milestone, then tell the observer.

        Raises:
            CalledOffError: it raised something once connected.
        """
        self.phase = phase
        if self._observe is None:
            return
        if phase is Phase.CONNECTED:
            self._ask_leave(self._observe)
        else:
            self._observe(phase)

    def _ask_leave(self, observe: Observer) -> None:
        """Have the observer let the request go out; its time is not the exchange's."""
        since = time.monotonic()
        try:
            observe(Phase.CONNECTED)
        except CalledOffError:
            raise
        except Exception as error:
            raise CalledOffError(f"{type(error).__name__} before the first byte") from error
        self._ends += time.monotonic() - since

    def remaining(self) -> float:
        """Give the seconds left for the whole exchange.

        Raises:
            TimeoutError: none are.
        """
        return _until(self._ends)

    def remaining_to_connect(self) -> float:
        """Give the seconds left to connect.

        Raises:
            TimeoutError: none are.
        """
        return _until(min(self._connected_by, self._ends))


def _until(moment: float) -> float:
    left = moment - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left


CURRENT: ContextVar[Exchange] = ContextVar("exchange")
"""The exchange this thread is busy with: urllib3 builds and calls our sockets without it."""
