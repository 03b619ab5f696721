"""What Celery is told about the broker and about where results are kept."""

from typing import Any

from dispatcher.addresses import Address, Kind
from dispatcher.settings import Settings

_CONNECT_TIMEOUT = 3
_TIMEOUT = 10
_ASKING_TIMEOUT = 1


def broker_options(settings: Settings) -> dict[str, Any]:
    """Give the part of Celery's configuration that depends on what is there."""
    broker, results = settings.broker_address, settings.result_address
    options: dict[str, Any] = {
        "broker_url": _url(broker),
        "result_backend": _url(results),
        "result_backend_transport_options": _of_sentinels(results),
        "redis_socket_timeout": _TIMEOUT,
        "redis_socket_connect_timeout": _CONNECT_TIMEOUT,
    }
    if results.tls is not None:
        options["redis_backend_use_ssl"] = results.tls.of_redis
    if broker.kind is Kind.AMQP:
        return {**options, **_of_rabbitmq(broker)}
    if broker.tls is not None:
        options["broker_use_ssl"] = broker.tls.of_redis
    transport = {**_of_redis(settings.visibility_timeout), **_of_sentinels(broker)}
    return {**options, "broker_transport_options": transport}


def _url(address: Address) -> str:
    """Write an address as Celery reads it; TLS and the primary's name are told beside it."""
    if address.kind is Kind.SENTINEL:
        return ";".join(address.urls("sentinel"))
    return address.urls("redis" if address.is_redis else "amqp")[0]


def _of_redis(visibility_timeout: float) -> dict[str, Any]:
    return {
        # Without these, a half-open connection blocks a publisher for ever.
        "socket_timeout": _TIMEOUT,
        "socket_connect_timeout": _CONNECT_TIMEOUT,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "visibility_timeout": visibility_timeout,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
        "client_name": "dispatcher-broker",
    }


def _of_sentinels(address: Address) -> dict[str, Any]:
    if address.kind is not Kind.SENTINEL:
        return {}
    asking: dict[str, Any] = {
        "socket_timeout": _ASKING_TIMEOUT,
        "socket_connect_timeout": _ASKING_TIMEOUT,
        # Not even once: the next Sentinel is asked instead of one that is dead.
        "retry": None,
        **address.sentinel_sign_in,
    }
    if address.tls is not None:
        asking |= {"ssl": True, **address.tls.of_redis}
    return {"master_name": address.service, "sentinel_kwargs": asking}


def _of_rabbitmq(address: Address) -> dict[str, Any]:
    options: dict[str, Any] = {
        # A hint counts as taken once the broker says so, not once it is written to a socket.
        "broker_transport_options": {"confirm_publish": True},
        "broker_connection_timeout": _CONNECT_TIMEOUT,
        "broker_heartbeat": _TIMEOUT,
    }
    if address.tls is not None:
        name = {"server_hostname": address.hosts[0][0]} if address.tls.verifies else {}
        options["broker_use_ssl"] = {**address.tls.of_amqp, **name}
    return options
