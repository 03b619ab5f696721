"""Recipients of different clocks are parted, and nobody is lost or doubled on the way."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.packing import Batch
from dispatcher.domain.routes import Kept, Render, Sorter, sorter_for
from dispatcher.domain.template import Template
from dispatcher.domain.zones import PARIS, UNKNOWN, Zone, zones_of
from dispatcher.domain.zoning import ByZone
from tests.support.people import fictional

PLAIN, NAMED = Template.parse("Soldes"), Template.parse("Bonjour {name}")
# Of Paris, Réunion, Mayotte, Guadeloupe, Polynesia, and of no country.
HEADS = (336_39_98, 262_692_1, 262_639_1, 590_690_1, 689_87_1, 881_6_12)
BATCH_SIZE, LIST_SIZE = 3, 4


def sorter(template: Template = PLAIN, render: Render = Render.AUTO) -> ByZone:
    def make() -> Sorter:
        return sorter_for(template, render=render, batch_size=BATCH_SIZE, list_size=LIST_SIZE)

    return ByZone(make)


def batches_of(sorter: Sorter, chunks: Sequence[Kept]) -> list[Batch]:
    found = [batch for kept in chunks for batch in sorter.add(kept)]
    return [*found, *sorter.end()]


def numbered(heads: Sequence[int]) -> list[int]:
    return [head * 10_000 + place for place, head in enumerate(heads)]


def plain(numbers: Sequence[int]) -> Kept:
    return Kept(numbers, [f"id {number}" for number in numbers])


def named(numbers: Sequence[int], names: Sequence[str]) -> Kept:
    texts = [f"Bonjour {name}" for name in names]
    return Kept(numbers, [f"id {number}" for number in numbers], [(name,) for name in names], texts)


def chunked(kept: Kept, size: int) -> list[Kept]:
    parts = [slice(start, start + size) for start in range(0, len(kept.numbers), size)]
    return [Kept(kept.numbers[at], kept.ids[at], kept.values[at], kept.texts[at]) for at in parts]


def test_those_of_one_clock_make_batches_as_without_zones() -> None:
    numbers = fictional(7)

    batches = batches_of(sorter(), [plain(numbers)])

    assert [list(batch.numbers) for batch in batches] == [numbers[:3], numbers[3:6], numbers[6:]]


def test_those_of_other_clocks_get_batches_of_their_own() -> None:
    paris, reunion = fictional(4), [262692100000, 262692100001]
    by_zone = sorter()

    batches = batches_of(by_zone, [plain([paris[0], reunion[0], *paris[1:], reunion[1]])])

    assert [list(batch.numbers) for batch in batches] == [paris[:3], paris[3:], reunion]
    assert list(batches[-1].ids or ()) == ["id 262692100000", "id 262692100001"]
    assert by_zone.zones == (frozenset({PARIS}), frozenset({Zone("Indian/Reunion")}))


def test_the_zones_of_nobody_are_none() -> None:
    by_zone = sorter()

    assert batches_of(by_zone, []) == []
    assert by_zone.zones == ()


def test_strangers_are_a_kind_of_their_own() -> None:
    by_zone = sorter()

    batches_of(by_zone, [plain([881612345678, *fictional(1)])])

    assert set(by_zone.zones) == {frozenset({UNKNOWN}), frozenset({PARIS})}


@pytest.mark.parametrize("render", list(Render))
def test_a_merge_keeps_everybodys_values_beside_the_number(render: Render) -> None:
    numbers = [*fictional(2), 262692100000, 262692100001]

    batches = batches_of(sorter(NAMED, render), [named(numbers, ["Ada", "Zoé", "Ada", "Bob"])])

    assert told(batches) == {
        numbers[0]: "Ada", numbers[1]: "Zoé", numbers[2]: "Ada", numbers[3]: "Bob"
    }  # fmt: skip


def told(batches: Sequence[Batch]) -> dict[int, str]:
    """Give the name everybody is called by."""
    found: dict[int, str] = {}
    for batch in batches:
        names = batch.infos[0] if batch.infos else [(batch.shared or ("",))[0]] * len(batch.numbers)
        found |= dict(zip(batch.numbers, names, strict=True))
    return found


PEOPLE = st.lists(st.sampled_from(HEADS), max_size=80).map(numbered)


def check(batches: Sequence[Batch], numbers: Sequence[int], kinds: Sequence[object]) -> None:
    everybody = Counter(number for batch in batches for number in batch.numbers)
    assert everybody == Counter(numbers)
    for batch in batches:
        assert len({zones_of([number]) for number in batch.numbers}) == 1
        assert len(batch.numbers) <= (LIST_SIZE if batch.infos else BATCH_SIZE)
        assert list(batch.ids or ()) == [f"id {number}" for number in batch.numbers]
    assert set(kinds) == {zones_of([number]) for number in numbers}
    assert len(kinds) == len(set(kinds))


@given(numbers=PEOPLE, size=st.integers(1, 90))
def test_everybody_is_in_one_batch_of_one_kind_of_zones(numbers: list[int], size: int) -> None:
    by_zone = sorter()

    batches = batches_of(by_zone, chunked(plain(numbers), size))

    check(batches, numbers, by_zone.zones)


@given(
    numbers=PEOPLE,
    size=st.integers(1, 90),
    render=st.sampled_from(Render),
    data=st.data(),
)
def test_everybody_is_in_one_batch_of_one_kind_of_zones_with_a_text_of_their_own(
    numbers: list[int], size: int, render: Render, data: st.DataObject
) -> None:
    # Few enough to share texts, many enough that each zone goes on to lists; one does not fit them.
    name = st.sampled_from([*(f"Ada {n}" for n in range(40)), "Zoé \u2028"])
    names = data.draw(st.lists(name, min_size=len(numbers), max_size=len(numbers)))
    by_zone = sorter(NAMED, render)

    batches = batches_of(by_zone, chunked(named(numbers, names), size))

    check(batches, numbers, by_zone.zones)
    assert told(batches) == dict(zip(numbers, names, strict=True))
