"""Looks at the Redis server itself, for people who look after it."""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from dispatcher.settings import Settings
from dispatcher.store.connection import connect, translated
from dispatcher.store.durability import Finding, examine


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerReport:
    """A Redis server as it is now.

    Attributes:
        version: its name and version.
        findings: what would make it lose campaigns.
        clock_ahead: seconds its clock is ahead of ours.
        used_memory: bytes.
        max_memory: bytes; 0 means no limit.
        replicas: how many are connected.
    """

    version: str
    findings: Sequence[Finding]
    clock_ahead: float
    used_memory: int
    max_memory: int
    replicas: int


def inspect_server(settings: Settings) -> ServerReport:
    """Ask the server that holds campaigns about itself.

    Raises:
        StoreUnavailableError: it does not answer.
        StoreError: it refuses to tell.
    """
    with closing(connect(settings.store_address)) as client:
        findings = examine(client)
        with translated():
            asked_at = time.time()
            told: Any = client.time()
            answered_at = time.time()
            about: Any = client.info()
    seconds, microseconds = told
    return ServerReport(
        version=_version(about),
        findings=findings,
        clock_ahead=seconds + microseconds / 1e6 - (asked_at + answered_at) / 2,
        used_memory=int(about["used_memory"]),
        max_memory=int(about.get("maxmemory", 0)),
        replicas=int(about.get("connected_slaves", 0)),
    )


def _version(about: Mapping[str, object]) -> str:
    if "valkey_version" in about:
        return f"Valkey {about['valkey_version']}"
    return f"Redis {about['redis_version']}"
