from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.fates import Exclusion
from dispatcher.errors import ApiUnreachableError, OutcomeUnknownError
from dispatcher.smsfactor import Destination, SendReply
from workers.steps.exclusions import Quote, find_exclusions, quote

FIRST = 33639980000


def numbers(count: int) -> list[Destination]:
    return [Destination(str(FIRST + place)) for place in range(count)]


@dataclass
class ApiModel:
    """Leaves out whom it is told to, and counts why, as the API does."""

    left_out: dict[int, Exclusion] = field(default_factory=dict)
    shows_blacklist: bool = True
    simulations: int = 0
    blacklist_reads: int = 0

    def simulate(self, to: Sequence[Destination]) -> SendReply:
        self.simulations += 1
        why = [self.left_out.get(int(destination.value) - FIRST) for destination in to]
        sent = why.count(None)
        return SendReply(
            status=1,
            message="OK",
            ticket=None,
            cost=2 * sent,
            credits=500,
            total=len(to),
            sent=sent,
            blacklisted=why.count(Exclusion.BLACKLISTED),
            duplicated=why.count(Exclusion.DUPLICATED),
            invalid=why.count(Exclusion.INVALID),
        )

    def blacklist(self) -> frozenset[str]:
        self.blacklist_reads += 1
        return frozenset(
            str(FIRST + place)
            for place, reason in self.left_out.items()
            if reason is Exclusion.BLACKLISTED and self.shows_blacklist
        )

    def quote(self, count: int) -> Quote:
        return quote(numbers(count), self.simulate, self.simulate, self.blacklist)


def test_a_clean_batch_takes_one_simulation() -> None:
    api = ApiModel()

    found = api.quote(1000)

    assert found == Quote(cost=2000, credits_left=500, exclusions={})
    assert (api.simulations, api.blacklist_reads) == (1, 0)


def test_the_blacklist_names_its_numbers_without_a_search() -> None:
    api = ApiModel({7: Exclusion.BLACKLISTED, 400: Exclusion.BLACKLISTED})

    found = api.quote(1000)

    assert found.exclusions == {7: Exclusion.BLACKLISTED, 400: Exclusion.BLACKLISTED}
    assert (api.simulations, api.blacklist_reads) == (1, 1)


LEFT_OUT = st.dictionaries(
    st.integers(0, 63), st.sampled_from((Exclusion.BLACKLISTED, Exclusion.INVALID)), max_size=12
)


@given(left_out=LEFT_OUT, shows_blacklist=st.booleans())
def test_exactly_those_left_out_are_named(
    left_out: dict[int, Exclusion], *, shows_blacklist: bool
) -> None:
    api = ApiModel(left_out, shows_blacklist=shows_blacklist)

    found = api.quote(64)

    assert found.exclusions == left_out
    assert found.cost == 2 * (64 - len(left_out))


@given(places=st.sets(st.integers(0, 999), min_size=1, max_size=12))
def test_a_dozen_of_a_thousand_are_found_by_few_simulations(places: set[int]) -> None:
    api = ApiModel(dict.fromkeys(places, Exclusion.INVALID))

    assert api.quote(1000).exclusions == dict.fromkeys(places, Exclusion.INVALID)
    assert api.simulations <= 121


def test_a_batch_of_nothing_but_bad_numbers_takes_one_simulation() -> None:
    api = ApiModel(dict.fromkeys(range(1000), Exclusion.INVALID))

    found = api.quote(1000)

    assert found.exclusions == dict.fromkeys(range(1000), Exclusion.INVALID)
    assert found.cost == 0
    assert api.simulations == 1


def test_in_a_broken_list_everybody_left_out_is_named() -> None:
    api = ApiModel(dict.fromkeys(range(0, 1000, 2), Exclusion.INVALID))

    found = api.quote(1000)

    assert set(found.exclusions) == set(range(0, 1000, 2))
    assert found.cost == 1000
    assert api.simulations <= 1000


def test_a_reply_without_counters_leaves_nobody_out() -> None:
    reply = SendReply(
        status=1, message="OK", ticket="1", cost=None, credits=None, total=None, sent=None,
        blacklisted=None, duplicated=None, invalid=None,
    )  # fmt: skip

    assert find_exclusions(numbers(3), reply, lambda _: reply, frozenset) == {}
    with pytest.raises(OutcomeUnknownError, match="cost"):
        quote(numbers(3), lambda _: reply, lambda _: reply, frozenset)


def test_a_failing_probe_fails_the_quote() -> None:
    api = ApiModel({1: Exclusion.INVALID})

    def simulate(to: Sequence[Destination]) -> SendReply:
        if api.simulations:
            raise ApiUnreachableError("no connection")
        return api.simulate(to)

    with pytest.raises(ApiUnreachableError):
        quote(numbers(4), simulate, simulate, api.blacklist)
