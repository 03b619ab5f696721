"""A primary, its replica and three Sentinels on this machine, which take over from one another."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis

from dispatcher.cli.children import Child, Children
from dispatcher.embedded import HOST, EmbeddedRedis, find_server, free_port
from tests.support.access import as_user, denials, password, server_with_users
from tests.support.polling import eventually

SERVICE = "campaigns"
WATCHERS = 3
_SIGN_IN = "a password of Sentinels"


@dataclass(frozen=True, kw_only=True)
class Watched:
    """Servers that are watched.

    Attributes:
        first: the primary to begin with; `second` replicates it.
        sentinels: ports of the Sentinels.
    """

    first: EmbeddedRedis
    second: EmbeddedRedis
    sentinels: tuple[int, ...]

    def url(self, user: str, database: int = 0) -> str:
        """Give the address for a user; a member that is dead stands first in it."""
        places = ",".join(f"{HOST}:{port}" for port in (free_port(), *self.sentinels))
        plain = f"redis+sentinel://{places}/{SERVICE}/{database}"
        return f"{as_user(plain, user)}?sentinel_password={quote(_SIGN_IN)}"

    def primary(self) -> int:
        """Give the port of what the Sentinels take for the primary."""
        with redis.Redis(port=self.sentinels[0], password=_SIGN_IN) as sentinel:
            _, port = sentinel.sentinel_get_master_addr_by_name(SERVICE)
        return int(port)

    def denials(self) -> list[str]:
        """Say what was refused on both servers."""
        found = []
        for server in (self.first, self.second):
            with redis.Redis(port=server.port) as client:
                found += denials(client)
        return found


def replica_of(folder: Path, primary: EmbeddedRedis) -> EmbeddedRedis:
    """Prepare a server that replicates another as deploy/users.acl lets it."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "replica.conf"
    settings.write_text(f"replicaof {HOST} {primary.port}\n{_replication()}")
    return server_with_users(folder, options={"include": str(settings)})


def primary_with_replicas(folder: Path) -> EmbeddedRedis:
    """Prepare a server that may become a replica later."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "replication.conf"
    settings.write_text(_replication())
    return server_with_users(folder, options={"include": str(settings)})


def is_linked(replica: EmbeddedRedis) -> bool:
    """Tell whether a replica has all of its primary's data and gets what is new."""
    with redis.Redis(port=replica.port) as client:
        about: Any = client.info("replication")
    return bool(about.get("master_link_status") == "up")


def await_link(replica: EmbeddedRedis) -> None:
    eventually(lambda: is_linked(replica), within=30)


@contextmanager
def running_watched(folder: Path) -> Iterator[Watched]:
    """Run all of them until each Sentinel knows the replica and the other two."""
    first = primary_with_replicas(folder / "first")
    second = replica_of(folder / "second", first)
    with ExitStack() as running:
        running.enter_context(first)
        running.enter_context(second)
        await_link(second)
        children = running.enter_context(Children(folder))
        ports = tuple(
            _start_sentinel(children, folder / f"sentinel{n}", first.port) for n in range(WATCHERS)
        )
        for port in ports:
            eventually(lambda port=port: _knows_all(port), within=30)  # type: ignore[misc]  # of this round
        yield Watched(first=first, second=second, sentinels=ports)


def _replication() -> str:
    return f'masteruser replica\nmasterauth "{password("replica")}"\nrepl-diskless-sync-delay 0\n'


def _start_sentinel(children: Children, folder: Path, primary: int) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    lines = (
        f"port {port}",
        f"bind {HOST}",
        f"dir {folder}",
        f'requirepass "{_SIGN_IN}"',
        f'sentinel sentinel-pass "{_SIGN_IN}"',
        f"sentinel monitor {SERVICE} {HOST} {primary} 2",
        f"sentinel auth-user {SERVICE} sentinel",
        f'sentinel auth-pass {SERVICE} "{password("sentinel")}"',
        f"sentinel down-after-milliseconds {SERVICE} 1000",
        f"sentinel failover-timeout {SERVICE} 3000",
    )
    file = folder / "sentinel.conf"
    file.write_text("\n".join(lines) + "\n")
    started: Child = children.start(
        folder.name, [str(find_server()), str(file), "--sentinel"], env={}
    )
    started.announcement("Sentinel ID is")
    return port


def _knows_all(port: int) -> bool:
    with redis.Redis(port=port, password=_SIGN_IN) as sentinel:
        found = sentinel.sentinel_master(SERVICE)
    return bool(found["num-slaves"] == 1 and found["num-other-sentinels"] == WATCHERS - 1)
