from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.access import server_with_users
from tests.support.bench import Bench


@pytest.fixture(scope="module")
def fast_bench(redis_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A bench on a server that need not survive: thousands of calls would wait for the disk."""
    folder = tmp_path_factory.mktemp("fast")
    with server_with_users(folder, binary=redis_binary, options={"appendonly": "no"}) as server:
        bench = Bench(server.url)
        yield bench
        bench.close()
