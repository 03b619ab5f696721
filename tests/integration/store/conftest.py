from collections.abc import Iterator

import pytest

from tests.support.bench import Bench


@pytest.fixture
def bench(redis_url: str) -> Iterator[Bench]:
    bench = Bench(redis_url)
    yield bench
    bench.close()
