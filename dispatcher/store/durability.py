"""Makes sure that what must not be forgotten is on disk, and refuses servers that forget."""

from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

from dispatcher.errors import StoreUnsafeError
from dispatcher.store.connection import translated
from dispatcher.store.replies import text_fields

_BARRIER_TIMEOUT_MS = 2000
_KEEPS_EVERYTHING = "noeviction"


@dataclass(frozen=True, kw_only=True, slots=True)
class Barrier:
    """What must be confirmed before the effect of a script may be relied on.

    Attributes:
        local: wait for the server's own disk (`WAITAOF`), needed unless it syncs always.
        replicas: how many replicas must have it (`WAIT`, or `WAITAOF` on their disks).
    """

    local: bool = False
    replicas: int = 0

    @property
    def command(self) -> tuple[str | int, ...]:
        """The command to send behind the script; empty when nothing needs confirming."""
        if self.local:
            return ("WAITAOF", 1, self.replicas, _BARRIER_TIMEOUT_MS)
        if self.replicas:
            return ("WAIT", self.replicas, _BARRIER_TIMEOUT_MS)
        return ()

    def is_met(self, confirmed: int | list[int]) -> bool:
        """Tell whether the server's confirmation is all that is required."""
        wanted = [1, self.replicas] if self.local else [self.replicas]
        reached = confirmed if isinstance(confirmed, list) else [confirmed]
        return all(got >= want for got, want in zip(reached, wanted, strict=True))


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is wrong with the Redis server, and how to mend it."""

    message: str
    fix: str


def examine(client: Redis) -> list[Finding]:
    """Say what would make this server lose campaigns; an empty list means it is fit."""
    with translated():
        config = _config(client)
    findings = []
    if config.get("maxmemory-policy") != _KEEPS_EVERYTHING:
        policy = config.get("maxmemory-policy")
        findings.append(
            Finding(
                message=f"maxmemory-policy is {policy}: Redis may evict campaigns",
                fix="set maxmemory-policy noeviction",
            )
        )
    if config.get("appendonly") != "yes":
        findings.append(
            Finding(
                message="appendonly is off: a restart forgets what was sent, and sends it again",
                fix="set appendonly yes and appendfsync always",
            )
        )
    elif config.get("appendfsync") != "always" and not _has_waitaof(client):
        findings.append(
            Finding(
                message=f"appendfsync is {config.get('appendfsync')} and the server has no WAITAOF",
                fix="set appendfsync always, or use Redis 7.2 or Valkey",
            )
        )
    return findings


def barrier_for(client: Redis, *, replicas: int, demo: bool) -> Barrier:
    """Choose how claims and submits are made durable on this server.

    Raises:
        StoreUnsafeError: the server evicts or does not persist, and `demo` is off.
    """
    findings = examine(client)
    if findings and not demo:
        raise StoreUnsafeError(
            "this Redis is not safe for campaigns: "
            + "; ".join(f"{finding.message} ({finding.fix})" for finding in findings)
            + ". For a try-out only, set DISPATCHER_DEMO=true"
        )
    if findings:
        return Barrier(replicas=replicas)
    with translated():
        always = _config(client).get("appendfsync") == "always"
    return Barrier(local=not always, replicas=replicas)


def _config(client: Redis) -> dict[str, str]:
    raw: Any = client.config_get("appendonly", "appendfsync", "maxmemory-policy")
    return text_fields(raw)


def _has_waitaof(client: Redis) -> bool:
    try:
        client.execute_command("WAITAOF", 0, 0, 1)  # type: ignore[no-untyped-call]  # redis-py's own
    except ResponseError:
        return False
    return True
