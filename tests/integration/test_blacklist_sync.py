"""The suppression list and the API's blacklist, each told of the other in both dialects."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from dispatcher.domain.suppressions import SuppressionSource
from dispatcher.errors import ApiError
from dispatcher.queueing import Task
from dispatcher.store.suppressions import SuppressionList
from tests.support.bench import Bench
from tests.support.sandbox import Receiver, Sandbox, running_sandbox
from tests.support.suppressed import suppress
from tests.support.works import Hints, Works, settings_for
from workers.resources import Resources
from workers.steps.blacklist import sync_next
from workers.steps.tick import tick

ADA, BOB, EVE = 33639980001, 33639980002, 33639980003
FROM_THE_START = 10
EVERY = timedelta(minutes=10)
V1, LIVE = "v1", "live"


@pytest.fixture(scope="module", params=[V1, LIVE])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with running_sandbox("--port", "0", "--dialect", request.param) as sandbox:
        yield sandbox


@pytest.fixture
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.node.callspec.params["sandbox"])


@pytest.fixture
def works(
    redis_url: str, sandbox: Sandbox, receiver: Receiver, tmp_path: Path, dialect: str
) -> Iterator[Works]:
    sandbox.control("POST", "reset")
    sandbox.control("DELETE", "faults")
    bench, hints = Bench(redis_url), Hints()
    changes = {"dialect": dialect, "blacklist_sync_every": EVERY}
    resources = Resources(
        settings_for(redis_url, sandbox, tmp_path).model_copy(update=changes),
        hints,  # type: ignore[arg-type]  # a stand-in for the broker
        open_store=lambda _: bench.store,
    )
    yield Works(bench, sandbox, receiver, resources, hints)
    resources.close()


def listed(works: Works) -> SuppressionList:
    return works.account.store.suppressions


def blacklisted(works: Works) -> set[int]:
    return {int(contact.destination) for contact in works.account.api.blacklist()}


def blacklist(works: Works, *numbers: int) -> None:
    works.sandbox.control("POST", "blacklist", {"destinations": list(map(str, numbers))})


def test_the_blacklist_comes_in_once(works: Works) -> None:
    blacklist(works, ADA)
    suppress(listed(works), ADA, source=SuppressionSource.REPLY)

    found = works.resources.dispatcher.suppressions.sync()

    assert (found.read, found.added, found.told, found.left) == (11, FROM_THE_START, 0, 0)
    sources = {entry.number: entry.source for entry in listed(works).entries()}
    assert sources.pop(ADA) is SuppressionSource.REPLY
    assert set(sources.values()) == {SuppressionSource.API_BLACKLIST}
    assert works.resources.dispatcher.suppressions.sync().added == 0


def test_ours_is_told_where_it_can_be(works: Works, dialect: str) -> None:
    suppress(listed(works), ADA, BOB)
    suppress(listed(works), EVE)
    listed(works).forget(EVE)

    found = works.resources.dispatcher.suppressions.sync()

    if dialect == LIVE:
        assert (found.told, found.left) == (2, 0)
        assert {ADA, BOB} < blacklisted(works)
        assert works.resources.dispatcher.suppressions.sync().told == 0
    else:
        assert (found.told, found.left) == (0, 2)
    assert EVE not in blacklisted(works)


def test_who_was_removed_here_comes_off_the_blacklist_or_is_left_alone(
    works: Works, dialect: str
) -> None:
    blacklist(works, ADA)
    suppressions = works.resources.dispatcher.suppressions
    suppressions.sync()
    suppressions.remove(f"+{ADA}", reason="subscribed again", by="bob")

    found = suppressions.sync()

    assert (found.added, found.freed) == (0, int(dialect == LIVE))
    assert listed(works).contains([ADA]) == set()
    assert (ADA in blacklisted(works)) is (dialect == V1)
    # A STOP of theirs from now on counts again, once the blacklist had let them go.
    blacklist(works, ADA)
    suppressions.sync()
    assert listed(works).contains([ADA]) == ({ADA} if dialect == LIVE else set())


def test_somebody_the_back_office_freed_counts_when_blacklisted_again(works: Works) -> None:
    suppress(listed(works), ADA)
    listed(works).remove(ADA, reason="subscribed again", by="bob")
    works.resources.dispatcher.suppressions.sync()

    blacklist(works, ADA)
    works.resources.dispatcher.suppressions.sync()

    assert listed(works).contains([ADA]) == {ADA}


def test_a_run_that_is_broken_off_is_gone_on_with(works: Works, dialect: str) -> None:
    suppress(listed(works), ADA, BOB)
    works.fail("POST /blacklist" if dialect == LIVE else "GET /blacklist", "status_before:-7")

    with pytest.raises(ApiError):
        works.resources.dispatcher.suppressions.sync()
    assert listed(works).count() == (FROM_THE_START if dialect == LIVE else 0) + 2

    found = works.resources.dispatcher.suppressions.sync()
    assert found.added + found.told == (2 if dialect == LIVE else FROM_THE_START)


def test_workers_compare_by_themselves_and_seldom(works: Works) -> None:
    blacklist(works, ADA)
    tick(works.account)
    assert works.hints.nudges == [(Task.SYNC_BLACKLIST, ("default",))]

    sync_next(works.account)
    assert listed(works).contains([ADA]) == {ADA}
    blacklist(works, BOB)
    works.bench.advance(int(EVERY.total_seconds()) * 1000 - 1)
    tick(works.account)
    sync_next(works.account)
    assert listed(works).contains([BOB]) == set()
    assert len(works.hints.nudges) == 1

    works.bench.advance(1)
    tick(works.account)
    sync_next(works.account)
    assert listed(works).contains([BOB]) == {BOB}
    assert len(works.hints.nudges) == 2


def test_a_comparison_that_fails_is_made_the_next_time(works: Works) -> None:
    blacklist(works, ADA)
    works.fail("GET /blacklist", "status_before:-7")

    sync_next(works.account)
    assert listed(works).count() == 0
    works.bench.advance(int(EVERY.total_seconds()) * 1000)
    sync_next(works.account)

    assert listed(works).contains([ADA]) == {ADA}
