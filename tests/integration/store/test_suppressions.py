"""The suppression list itself: adding, removing, erasing, and the copies of it in processes."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from dispatcher.domain.suppressions import Suppression, SuppressionSource
from dispatcher.errors import StoreUnavailableError
from dispatcher.store.durability import Barrier
from dispatcher.store.keys import Key
from dispatcher.store.suppressions import SuppressionList, suppress_arguments, suppress_source
from tests.support.bench import ACCOUNT, FIRST_NUMBER, START_MS, Bench
from tests.support.suppressed import NOON, addition, suppress

S = SuppressionSource
ADA, BOB, EVE = FIRST_NUMBER, FIRST_NUMBER + 1, FIRST_NUMBER + 2
PEOPLE = (ADA, BOB, EVE)


def listed(bench: Bench) -> SuppressionList:
    return bench.account.suppressions


def of_another_process(bench: Bench) -> SuppressionList:
    return SuppressionList(bench.account.suppressions._scripts, Barrier())


def test_whoever_is_added_after_a_failover_that_forgot_some_is_not_overlooked(bench: Bench) -> None:
    bench.account.ledger.approve_server(quiet_ms=0)
    kept = [bench.keys.of(key) for key in (Key.SUPPRESSIONS, Key.SUPPRESSION_LOG)]
    suppress(listed(bench), ADA)
    copies: dict[str, Any] = {name: bench.client.dump(name) for name in kept}
    suppress(listed(bench), BOB)
    assert set(listed(bench).among(PEOPLE * 9).numbers) == {ADA, BOB}

    for name, copy in copies.items():
        bench.client.restore(name, 0, copy, replace=True)
    bench.client.hset(
        bench.keys.of(Key.ACCOUNT), mapping={"suppression_version": 1, "run_id": "another"}
    )
    suppress(listed(bench), EVE)
    bench.account.ledger.approve_server(quiet_ms=0)

    assert set(listed(bench).among(PEOPLE * 9).numbers) == {ADA, EVE}
    assert listed(bench).version() > 2


def test_whoever_is_added_is_on_the_list_with_who_when_and_why(bench: Bench) -> None:
    assert suppress(listed(bench), ADA, reason="asked by mail", source=S.IMPORT) == 1

    (entry,) = listed(bench).entries()
    assert entry == Suppression(
        number=ADA,
        digest=entry.digest,
        at=NOON,
        source=S.IMPORT,
        reason="asked by mail",
        by="somebody",
    )
    assert listed(bench).look_up([BOB, ADA]) == {BOB: None, ADA: entry}
    assert str(ADA) not in repr(entry)
    assert str(ADA) not in repr(addition(ADA))


def test_adding_again_changes_nothing(bench: Bench) -> None:
    suppress(listed(bench), ADA, reason="first")
    version = listed(bench).version()

    assert suppress(listed(bench), ADA, reason="second") == 0

    assert listed(bench).version() == version
    assert [entry.reason for entry in listed(bench).entries()] == ["first"]


def test_thousands_are_added_in_parts_and_read_back(bench: Bench) -> None:
    many = range(FIRST_NUMBER, FIRST_NUMBER + 1201)

    assert suppress(listed(bench), *many) == 1201

    assert listed(bench).count() == 1201
    assert listed(bench).version() == 3
    assert listed(bench).contains([*many, ADA - 1]) == set(many)
    assert {entry.number for entry in listed(bench).entries()} == set(many)


def test_a_receiver_adds_with_one_plain_eval_beside_its_other_commands(bench: Bench) -> None:
    key = listed(bench).key
    arguments = suppress_arguments(key, addition(ADA, source=S.REPLY))

    with bench.client.pipeline(transaction=True) as pipe:
        pipe.xadd("somewhere", {"a": "b"})
        pipe.eval(suppress_source(), 1, bench.keys.of(Key.ACCOUNT), *arguments)
        _, told = pipe.execute()

    assert told == [1, 1]
    assert listed(bench).contains([ADA, BOB]) == {ADA}


def test_whoever_is_removed_is_noted_with_who_and_why(bench: Bench) -> None:
    suppress(listed(bench), ADA)

    assert listed(bench).remove(ADA, reason="consent renewed", by="bob")
    assert not listed(bench).remove(ADA, reason="again", by="bob")

    assert listed(bench).contains([ADA]) == set()
    (lift,) = listed(bench).lifts([ADA, BOB]).values()
    assert (lift.by, lift.reason, lift.is_pending) == ("bob", "consent renewed", True)
    assert lift.at.timestamp() * 1000 == START_MS


def test_the_blacklist_does_not_bring_back_who_was_removed_until_it_let_go(bench: Bench) -> None:
    suppress(listed(bench), ADA, source=S.API_BLACKLIST)
    listed(bench).remove(ADA, reason="consent renewed", by="bob")
    (digest,) = listed(bench).pending_lifts()

    assert suppress(listed(bench), ADA, source=S.API_BLACKLIST) == 0
    assert listed(bench).pending_lifts() == {digest}
    listed(bench).settle_lifts([digest])
    assert listed(bench).pending_lifts() == set()
    assert suppress(listed(bench), ADA, source=S.API_BLACKLIST) == 1
    assert listed(bench).lifts([ADA]) == {}


@pytest.mark.parametrize("source", [source for source in S if source is not S.API_BLACKLIST])
def test_everything_else_brings_back_who_was_removed(bench: Bench, source: S) -> None:
    suppress(listed(bench), ADA)
    listed(bench).remove(ADA, reason="consent renewed", by="bob")

    assert suppress(listed(bench), ADA, source=source) == 1
    assert listed(bench).lifts([ADA]) == {}
    assert listed(bench).contains([ADA]) == {ADA}


def test_whoever_is_erased_stays_suppressed_and_no_key_has_the_number(bench: Bench) -> None:
    suppress(listed(bench), ADA, BOB)

    assert listed(bench).forget(ADA)
    assert not listed(bench).forget(EVE)

    assert listed(bench).contains(PEOPLE) == {ADA, BOB}
    assert sorted(entry.number or 0 for entry in listed(bench).entries()) == [0, BOB]
    for process in (listed(bench), of_another_process(bench)):
        assert set(process.among(PEOPLE).numbers) == {ADA, BOB}
    suppress(listed(bench), ADA, source=S.API_BLACKLIST)
    assert str(ADA).encode() not in dump(bench)
    assert ADA.to_bytes(8) not in dump(bench)
    assert BOB.to_bytes(8) in dump(bench)


def dump(bench: Bench) -> bytes:
    """Give all that the account's keys of the list hold."""
    held: Any = bench.client.hgetall(bench.keys.of(Key.SUPPRESSIONS))
    log = bench.client.xrange(bench.keys.of(Key.SUPPRESSION_LOG))
    return b"".join([*held, *held.values(), repr(log).encode()])


def test_a_change_that_is_not_durable_is_told(redis_url: str) -> None:
    without_replica = Bench(redis_url, barrier=Barrier(replicas=1))

    with pytest.raises(StoreUnavailableError):
        suppress(without_replica.account.suppressions, ADA)
    without_replica.close()


def test_accounts_have_lists_and_digests_of_their_own(bench: Bench) -> None:
    other = bench.store.account("other").suppressions
    suppress(listed(bench), ADA)

    assert other.contains([ADA]) == set()
    assert other.digests_of([ADA]) != listed(bench).digests_of([ADA])
    assert bench.keys.account_name == ACCOUNT


def test_a_copy_is_made_when_asking_would_cost_more(bench: Bench) -> None:
    suppress(listed(bench), *range(FIRST_NUMBER, FIRST_NUMBER + 10))
    process = of_another_process(bench)

    for _ in range(4):
        assert set(process.among([ADA, BOB]).numbers) == {ADA, BOB}
        assert process._mirror._version is None
    process.among([ADA, BOB])
    assert process._mirror._version == 1


def test_a_copy_of_a_server_that_forgot_is_made_anew(bench: Bench) -> None:
    suppress(listed(bench), ADA)
    suppress(listed(bench), BOB)
    assert set(listed(bench).among(PEOPLE).numbers) == {ADA, BOB}

    bench.client.hset(bench.keys.of(Key.ACCOUNT), "suppression_version", 1)
    bench.client.hdel(bench.keys.of(Key.SUPPRESSIONS), listed(bench).digests_of([BOB])[0])

    found = listed(bench).among(PEOPLE)
    assert (found.version, set(found.numbers)) == (1, {ADA})


def test_a_copy_that_slept_longer_than_the_log_reaches_is_made_anew(bench: Bench) -> None:
    suppress(listed(bench), ADA)
    listed(bench).among(PEOPLE)
    suppress(listed(bench), BOB)
    suppress(listed(bench), EVE)
    bench.client.xtrim(bench.keys.of(Key.SUPPRESSION_LOG), maxlen=1, approximate=False)

    assert set(listed(bench).among(PEOPLE).numbers) == set(PEOPLE)


def test_a_copy_recent_enough_is_not_looked_up_again(bench: Bench) -> None:
    suppress(listed(bench), ADA)
    first = listed(bench).among(PEOPLE)
    suppress(of_another_process(bench), BOB)

    assert set(listed(bench).among(PEOPLE, version=first.version).numbers) == {ADA}
    assert set(listed(bench).among(PEOPLE, version=first.version + 1).numbers) == {ADA, BOB}


class Copies(RuleBasedStateMachine):
    """Two processes keep copies of a list that anybody changes."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        bench.reset()
        self.bench = bench
        self.processes = [of_another_process(bench) for _ in range(2)]
        self.changes = of_another_process(bench)
        self.on_it: set[int] = set()

    @rule(numbers=st.sets(st.sampled_from(PEOPLE), min_size=1))
    def add(self, numbers: set[int]) -> None:
        suppress(self.changes, *numbers)
        self.on_it |= numbers

    @rule(number=st.sampled_from(PEOPLE))
    def remove(self, number: int) -> None:
        assert self.changes.remove(number, reason="test", by="test") is (number in self.on_it)
        self.on_it.discard(number)

    @rule(number=st.sampled_from(PEOPLE))
    def forget(self, number: int) -> None:
        assert self.changes.forget(number) is (number in self.on_it)

    @rule()
    def trim(self) -> None:
        name = self.bench.keys.of(Key.SUPPRESSION_LOG)
        self.bench.client.xtrim(name, maxlen=1, approximate=False)

    @rule(place=st.integers(0, 1))
    def look(self, place: int) -> None:
        found = self.processes[place].among(PEOPLE)
        assert set(found.numbers) == self.on_it
        assert found.version == self.changes.version()

    @invariant()
    def the_list_is_as_it_was_made(self) -> None:
        assert self.changes.contains(PEOPLE) == self.on_it
        assert self.changes.count() == len(self.on_it)


def test_copies_follow_the_list_whatever_changes_it(fast_bench: Bench) -> None:
    run_state_machine_as_test(
        lambda: Copies(fast_bench),  # type: ignore[arg-type]  # any factory will do
        settings=settings(
            max_examples=60,
            stateful_step_count=20,
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
