import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dispatcher.errors import StoreError, StoreFullError, StoreUnavailableError, StoreUnsafeError
from dispatcher.store.inbox import Hook
from dispatcher.web import deposits as deposits_module
from dispatcher.web import packing as packing_module
from dispatcher.web.deposits import Condition, Deposits
from dispatcher.web.spool import Spool
from tests.support.polling import eventually


@dataclass
class FakeStreams:
    """Streams in memory that are away with `error` while there is one.

    Attributes:
        takes: how many entries more they take.
    """

    error: Exception | None = None
    confirms_late: bool = False
    takes: int = 1000
    entries: list[tuple[str, list[bytes]]] = field(default_factory=list)
    refused: asyncio.Event = field(default_factory=asyncio.Event)
    confirming: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.confirming.set()

    async def examine(self) -> None:
        if self.error:
            raise self.error

    async def append(self, _: Hook, account: str, bodies: Sequence[bytes]) -> None:
        await self.confirming.wait()
        if self.error:
            raise self.error
        if not self.takes:
            self.refused.set()
            raise StoreFullError
        self.takes -= 1
        self.entries.append((account, list(bodies)))

    async def answers(self) -> bool:
        return self.error is None

    async def close(self) -> None:
        """Nothing to close."""

    @property
    def bodies(self) -> list[bytes]:
        return [body for _, bodies in self.entries for body in bodies]


@dataclass
class Place:
    """Deposits with their surroundings."""

    streams: FakeStreams
    folder: Path
    max_bytes: int = 1_000_000
    kept: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        spool = Spool(self.folder, max_bytes=self.max_bytes)
        self.deposits = Deposits(self.streams, spool, kept=lambda _, account: self.note(account))

    def note(self, account: str) -> None:
        self.kept.append(account)

    async def put(self, *bodies: bytes, account: str = "shop") -> list[bool]:
        return [await self.deposits.put(Hook.DLR, account, body) for body in bodies]

    async def drained(self) -> None:
        """Let the event loop run until nothing is on disk any more."""
        await asyncio.to_thread(lambda: eventually(lambda: not list(self.folder.glob("*.spool"))))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(deposits_module, "_RETRY_EVERY", 0.01)
    return Place(FakeStreams(), tmp_path)


def run(place: Place, scenario: Coroutine[Any, Any, None]) -> None:
    async def whole() -> None:
        await place.deposits.open()
        try:
            await scenario
        finally:
            await place.deposits.close()

    asyncio.run(whole())


def test_bodies_go_to_redis_and_the_workers_are_told(place: Place) -> None:
    async def scenario() -> None:
        assert await place.put(b"body") == [True]
        assert await place.deposits.condition() is Condition.READY

    run(place, scenario())

    assert place.streams.entries == [("shop", [b"body"])]
    assert place.kept == ["shop"]
    assert not list(place.folder.iterdir())


@pytest.mark.parametrize("error", [StoreUnavailableError(), StoreFullError(), StoreError()])
def test_bodies_go_to_disk_while_redis_refuses_and_to_redis_in_order_later(
    place: Place, error: StoreError
) -> None:
    async def scenario() -> None:
        place.streams.error = error
        assert await place.put(b"1", b"2", b"3") == [True, True, True]
        assert await place.deposits.condition() is Condition.SPOOLING
        assert place.streams.bodies == []
        place.streams.error = None
        await place.drained()
        assert await place.put(b"4") == [True]

    run(place, scenario())

    assert place.streams.bodies == [b"1", b"2", b"3", b"4"]


def test_what_is_drained_is_packed_anew_and_told_to_workers(place: Place) -> None:
    async def scenario() -> None:
        place.streams.error = StoreUnavailableError()
        await place.put(b"1", b"2")
        await place.put(b"3", account="clinic")
        place.streams.error = None
        await place.drained()

    run(place, scenario())

    assert place.streams.entries == [("shop", [b"1", b"2"]), ("clinic", [b"3"])]
    assert place.kept == ["shop", "clinic"]


def test_a_file_stays_until_all_of_it_is_confirmed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing_module, "MOST_BODIES", 1)

    async def scenario() -> None:
        place.streams.error = StoreUnavailableError()
        await place.put(b"1", b"2")
        place.streams.error, place.streams.takes = None, 1
        await place.streams.refused.wait()
        assert place.streams.bodies == [b"1"]
        assert len(list(place.folder.glob("*.spool"))) == 1
        place.streams.takes = 1000
        await place.drained()

    run(place, scenario())

    assert place.streams.bodies == [b"1", b"1", b"2"]


def test_a_file_that_cannot_be_read_keeps_nothing_else_from_redis(place: Place) -> None:
    (place.folder / "0-a-folder.spool").mkdir()

    async def scenario() -> None:
        place.streams.error = StoreUnavailableError()
        await place.put(b"1")
        place.streams.error = None
        await asyncio.to_thread(lambda: eventually(lambda: place.streams.bodies))
        assert await place.put(b"2") == [True]

    run(place, scenario())

    assert place.streams.bodies == [b"1", b"2"]


def test_a_redis_that_answers_but_takes_nothing_is_not_trusted(place: Place) -> None:
    async def scenario() -> None:
        place.streams.takes = 0
        assert await place.put(b"1") == [True]
        await place.streams.refused.wait()
        place.streams.refused.clear()
        await place.streams.refused.wait()
        assert await place.deposits.condition() is Condition.SPOOLING

    run(place, scenario())


def test_the_next_receiver_drains_what_the_last_one_left(place: Place) -> None:
    async def outage() -> None:
        place.streams.error = StoreUnavailableError()
        await place.put(b"left behind")

    run(place, outage())
    successor = Place(FakeStreams(), place.folder)
    run(successor, successor.drained())

    assert successor.streams.bodies == [b"left behind"]


def test_bodies_are_refused_only_when_neither_place_takes_them(tmp_path: Path) -> None:
    place = Place(FakeStreams(), tmp_path, max_bytes=0)

    async def scenario() -> None:
        assert await place.put(b"1") == [True]
        place.streams.error = StoreUnavailableError()
        assert await place.put(b"2") == [False]
        assert await place.deposits.condition() is Condition.UNABLE

    run(place, scenario())

    assert place.streams.bodies == [b"1"]


def test_a_receiver_starts_while_redis_is_away(place: Place) -> None:
    place.streams.error = StoreUnavailableError()

    async def scenario() -> None:
        assert await place.put(b"early") == [True]
        place.streams.error = None
        await place.drained()

    run(place, scenario())

    assert place.streams.bodies == [b"early"]


def test_a_receiver_does_not_start_on_a_redis_that_forgets(place: Place) -> None:
    place.streams.error = StoreUnsafeError("maxmemory-policy is allkeys-lru")

    with pytest.raises(StoreUnsafeError, match="allkeys-lru"):
        asyncio.run(place.deposits.open())


def test_nobody_waits_for_a_redis_that_confirms_late(place: Place) -> None:
    async def scenario() -> None:
        place.streams.confirms_late = True
        place.streams.confirming.clear()
        assert await place.put(b"1", b"2") == [True, True]
        assert place.streams.bodies == []
        assert len(list(place.folder.glob("*.spool"))) == 1
        place.streams.confirming.set()

    run(place, scenario())

    assert place.streams.bodies == [b"1", b"2"]
    assert not list(place.folder.iterdir())


@pytest.mark.parametrize("hook", [Hook.MO, Hook.STOP])
def test_a_stop_is_heeded_before_it_is_answered_however_late_redis_confirms(
    place: Place, hook: Hook
) -> None:
    async def scenario() -> None:
        place.streams.confirms_late = True
        place.streams.confirming.clear()
        answer = asyncio.create_task(place.deposits.put(hook, "shop", b"STOP"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(answer), timeout=0.3)
        place.streams.confirming.set()
        assert await answer

    run(place, scenario())

    assert place.streams.bodies == [b"STOP"]


def test_what_a_late_redis_never_confirms_is_drained(place: Place) -> None:
    async def scenario() -> None:
        place.streams.confirms_late = True
        place.streams.takes = 1
        assert await place.put(b"1", b"2") == [True, True]
        await place.streams.refused.wait()
        place.streams.takes = 1000
        await place.drained()

    run(place, scenario())

    assert set(place.streams.bodies) == {b"1", b"2"}


def test_a_late_redis_is_waited_for_when_the_disk_takes_nothing(place: Place) -> None:
    place = Place(FakeStreams(confirms_late=True), place.folder, max_bytes=1)

    async def scenario() -> None:
        assert await place.put(b"1") == [True]
        place.streams.takes = 0
        assert await place.put(b"2") == [False]

    run(place, scenario())

    assert place.streams.bodies == [b"1"]
