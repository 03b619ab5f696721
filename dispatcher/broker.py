"""Looks at the broker, over a connection of its own that gives up soon."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kombu.connection import Connection
from kombu.exceptions import ChannelError, OperationalError

from dispatcher.queueing import QueueName, make_app
from dispatcher.settings import Settings

_TIMEOUT = 2
_OF_REDIS: Mapping[str, Any] = {
    "socket_timeout": _TIMEOUT,
    "socket_connect_timeout": _TIMEOUT,
    "client_name": "dispatcher-watch",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokerVitals:
    """What waits at the broker.

    Attributes:
        queues: messages that no worker took yet, by queue.
        unacked: messages that were taken and not acknowledged; None where the broker does not tell.
    """

    queues: Mapping[QueueName, int]
    unacked: int | None

    @property
    def hints(self) -> int:
        """All that waits or is being worked on."""
        return sum(self.queues.values()) + (self.unacked or 0)


class Broker:
    """Counts messages; for one thread at a time."""

    def __init__(self, settings: Settings, queues: Iterable[QueueName] = QueueName) -> None:
        """Prepare; nothing is dialled before the first look."""
        self._app = make_app(settings)
        self._queues = tuple(queues)
        self._hurry = _OF_REDIS if settings.broker_address.is_redis else {}
        self._connection: Connection | None = None

    def look(self) -> BrokerVitals | None:
        """Count what waits; None when the broker does not answer."""
        try:
            connection = self._connect()
            queues = {queue: _length(connection, queue) for queue in self._queues}
            return BrokerVitals(queues=queues, unacked=_unacked(connection))
        except Exception:  # noqa: BLE001 - each transport has errors of its own; all mean the same here
            self.close()
            return None

    def close(self) -> None:
        """Hang up; the next look dials again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.collect(socket_timeout=_TIMEOUT)  # type: ignore[no-untyped-call]  # kombu's own
            except (OperationalError, ChannelError, OSError):
                return

    def _connect(self) -> Connection:
        if self._connection is None:
            connection = self._app.connection_for_read()
            connection.transport_options = {**connection.transport_options, **self._hurry}
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=_TIMEOUT)
            self._connection = connection
        return self._connection


def _length(connection: Connection, queue: QueueName) -> int:
    # A refusal ends the channel, on brokers that are not Redis.
    with connection.channel() as channel:  # type: ignore[no-untyped-call]  # kombu's own
        try:
            return int(channel.queue_declare(queue.value, passive=True).message_count)
        except ChannelError:
            # Redis keeps no empty lists, so a queue that is not there is one that is drained.
            return 0


def _unacked(connection: Connection) -> int | None:
    channel: Any = connection.default_channel
    name = getattr(channel, "unacked_key", None)
    return None if name is None else int(channel.client.hlen(name))
