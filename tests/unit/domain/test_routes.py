from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.packing import Batch
from dispatcher.domain.routes import FEW_TEXTS, Kept, Render, render_problem, sorter_for
from dispatcher.domain.template import Template, survives_lists

Row = tuple[str | None, tuple[str, ...]]

FIRST = 33_639_980_000
ONE_FIELD = Template.parse("Bonjour {a}")


def kept_of(template: Template, rows: Sequence[Row], first: int = FIRST) -> Kept:
    """Give people as an intake does; a plain template has neither values nor texts."""
    values = [] if template.is_plain else [values for _, values in rows]
    return Kept(
        numbers=range(first, first + len(rows)),
        ids=[own_id for own_id, _ in rows],
        values=values,
        texts=list(map(template.render, values)),
    )


def sort(
    template: Template,
    rows: Sequence[Row],
    *,
    render: Render = Render.AUTO,
    batch_size: int = 3,
    list_size: int = 5,
    at_once: int = 4,
) -> list[Batch]:
    """Put people into batches, some at a time."""
    sorter = sorter_for(template, render=render, batch_size=batch_size, list_size=list_size)
    batches: list[Batch] = []
    for start in range(0, len(rows), at_once):
        some = rows[start : start + at_once]
        batches += sorter.add(kept_of(template, some, FIRST + start))
    return [*batches, *sorter.end()]


def with_values(*values: str) -> list[Row]:
    return [(None, (value,)) for value in values]


def shape(batches: Iterable[Batch]) -> list[tuple[tuple[str, ...] | None, list[int]]]:
    """Give the shared values of each batch, and the places of its people."""
    return [(batch.shared, [number - FIRST for number in batch.numbers]) for batch in batches]


def test_a_plain_text_goes_to_people_as_they_come() -> None:
    batches = sort(Template.parse("Bonjour"), [(None, ())] * 7)

    assert shape(batches) == [(None, [0, 1, 2]), (None, [3, 4, 5]), (None, [6])]
    assert {batch.infos for batch in batches} == {None}


@pytest.mark.parametrize("render", Render)
def test_a_plain_text_never_needs_a_list(render: Render) -> None:
    batches = sort(Template.parse("Bonjour"), [(None, ())] * 100, render=render)

    assert [batch.infos for batch in batches] == [None] * 34


def test_few_texts_are_sent_directly_each_to_everybody_who_gets_it() -> None:
    batches = sort(ONE_FIELD, with_values("x", "y", "x", "x", "y", "x", "z"))

    assert shape(batches) == [
        (("x",), [0, 2, 3]),
        (("x",), [5]),
        (("y",), [1, 4]),
        (("z",), [6]),
    ]


def test_up_to_twenty_texts_are_few_and_one_more_are_many() -> None:
    few = with_values(*(f"v{place}" for place in range(FEW_TEXTS)))
    many = [*few, (None, ("one more",))]

    assert FEW_TEXTS == 20
    assert [batch.infos is None for batch in sort(ONE_FIELD, few)] == [True] * 20
    assert [batch.infos is None for batch in sort(ONE_FIELD, many)] == [False] * 5


def test_lists_take_those_who_waited_for_others_with_their_text_too() -> None:
    batches = sort(ONE_FIELD, with_values(*(f"v{place}" for place in range(23))), list_size=10)

    columns = [batch.infos for batch in batches if batch.infos is not None]
    assert [column for (column,) in columns] == [
        [f"v{place}" for place in range(10)],
        [f"v{place}" for place in range(10, 20)],
        [f"v{place}" for place in range(20, 23)],
    ]
    assert [batch.shared for batch in batches] == [None] * 3


def test_a_value_the_api_may_spoil_is_sent_directly_beside_the_lists() -> None:
    values = ["[info2]", *(f"v{place}" for place in range(21)), "😀", "<-short->", "[info2]"]

    batches = sort(ONE_FIELD, with_values(*values), list_size=100)

    direct = [batch for batch in batches if batch.infos is None]
    assert shape(direct) == [
        (("[info2]",), [0, 24]),
        (("😀",), [22]),
        (("<-short->",), [23]),
    ]
    (by_list,) = [batch for batch in batches if batch.infos is not None]
    assert [number - FIRST for number in by_list.numbers] == list(range(1, 22))


@pytest.mark.parametrize(
    "text", ["{a}{b}{c}{d}{e}", "{[}info1] {a}", "{[}{a}"], ids=["five fields", "a tag", "half"]
)
def test_a_text_the_api_cannot_be_trusted_with_is_rendered_here(text: str) -> None:
    template = Template.parse(text)
    rows: list[Row] = [(None, (str(place),) * len(template.slots)) for place in range(30)]

    batches = sort(template, rows)

    assert [batch.shared for batch in batches] == [values for _, values in rows]


def test_rendering_here_can_be_forced_however_many_texts_there_are() -> None:
    values = [f"v{place}" for place in range(100)]

    batches = sort(ONE_FIELD, with_values(*values), render=Render.HERE)

    assert shape(batches) == [((value,), [place]) for place, value in enumerate(values)]


def test_lists_can_be_forced_however_few_texts_there_are() -> None:
    batches = sort(ONE_FIELD, with_values("x", "x", "y", "x", "y", "x"), render=Render.LISTS)

    assert [(batch.shared, batch.infos) for batch in batches] == [
        (None, [["x", "x", "y", "x", "y"]]),
        (None, [["x"]]),
    ]


def test_ids_stay_beside_their_numbers_by_either_way() -> None:
    rows: list[Row] = [("a", ("x",)), (None, ("y",)), ("c", ("x",))]

    direct = sort(ONE_FIELD, rows)
    by_list = sort(ONE_FIELD, rows, render=Render.LISTS)

    assert [batch.ids for batch in direct] == [["a", "c"], None]
    assert [batch.ids for batch in by_list] == [["a", "", "c"]]


def test_no_more_than_fifty_thousand_people_wait_for_others_with_their_text() -> None:
    sorter = sorter_for(ONE_FIELD, render=Render.HERE, batch_size=1000, list_size=1000)
    texts = [f"v{place % 60}" for place in range(50_000)]
    rows = with_values(*texts)

    early = list(sorter.add(kept_of(ONE_FIELD, rows[:-1])))
    late = list(sorter.add(kept_of(ONE_FIELD, rows[-1:], FIRST + 49_999)))

    assert early == []
    assert sum(len(batch.numbers) for batch in late) == 50_000
    assert len(late) == 60
    assert list(sorter.end()) == []


def test_people_are_waited_for_anew_once_those_who_waited_are_gone() -> None:
    sorter = sorter_for(ONE_FIELD, render=Render.HERE, batch_size=60_000, list_size=5)
    rows = with_values(*["x"] * 50_000)

    first = list(sorter.add(kept_of(ONE_FIELD, rows)))
    second = list(sorter.add(kept_of(ONE_FIELD, rows[:10], FIRST + 50_000)))

    assert [len(batch.numbers) for batch in (*first, *second)] == [50_000]
    assert [len(batch.numbers) for batch in sorter.end()] == [10]


def test_people_whose_batch_is_full_do_not_count_as_waiting() -> None:
    sorter = sorter_for(ONE_FIELD, render=Render.HERE, batch_size=1000, list_size=5)

    full = list(sorter.add(kept_of(ONE_FIELD, with_values("rare", *["x"] * 60_000))))

    assert [(batch.shared, len(batch.numbers)) for batch in full] == [(("x",), 1000)] * 60
    assert shape(sorter.end()) == [(("rare",), [0])]


def test_what_lists_cannot_hold_is_told_before_anything_is_kept() -> None:
    five = Template.parse("{a}{b}{c}{d}{e}")

    problem = render_problem(five, Render.LISTS)

    assert problem is not None
    assert problem.field == "render"
    assert problem.message == "the text has 5 fields, and lists hold 4 values"
    assert render_problem(five, Render.AUTO) is None
    assert render_problem(five, Render.HERE) is None
    assert render_problem(ONE_FIELD, Render.LISTS) is None


def test_nobody_is_shown_by_a_repr() -> None:
    kept = Kept(numbers=[33639980001], ids=["customer"], values=[("Ana",)], texts=["Bonjour Ana"])

    assert repr(kept) == "Kept()"


VALUES = st.sampled_from(("a", "b", "ab", "é", "[info1]", "<", " c", "", "😀", "x" * 101))
NAMED = st.integers(0, 60).map(lambda place: f"v{place}")
ROWS = st.lists(
    st.tuples(st.none() | st.sampled_from(("id1", "id2")), st.tuples(VALUES | NAMED, VALUES)),
    max_size=80,
)


@given(
    rows=ROWS,
    render=st.sampled_from(Render),
    batch_size=st.integers(1, 6),
    list_size=st.integers(1, 9),
    at_once=st.integers(1, 30),
)
def test_everybody_comes_out_once_with_the_text_and_the_id_they_came_in_with(
    rows: list[Row], render: Render, batch_size: int, list_size: int, at_once: int
) -> None:
    template = Template.parse("{a}{b}")

    batches = sort(
        template,
        rows,
        render=render,
        batch_size=batch_size,
        list_size=list_size,
        at_once=at_once,
    )

    found: dict[int, tuple[str, str]] = {}
    for batch in batches:
        for place, number in enumerate(batch.numbers):
            assert number not in found
            own_id = "" if batch.ids is None else batch.ids[place]
            found[number] = own_id, template.render(values_in(batch, place))
        assert 1 <= len(batch.numbers) <= (batch_size if batch.infos is None else list_size)
    assert [found[FIRST + place] for place in range(len(found))] == [
        (own_id or "", template.render(values)) for own_id, values in rows
    ]


@given(rows=ROWS, render=st.sampled_from(Render))
def test_lists_hold_nothing_the_api_may_spoil(rows: list[Row], render: Render) -> None:
    batches = sort(Template.parse("{a}{b}"), rows, render=render)

    by_lists = [batch for batch in batches if batch.infos is not None]
    assert all(
        map(survives_lists, (v for b in by_lists for column in b.infos or () for v in column))
    )
    assert not (by_lists and render is Render.HERE)
    assert all((batch.shared is None) != (batch.infos is None) for batch in batches)


def values_in(batch: Batch, place: int) -> Sequence[str]:
    if batch.infos is None:
        return batch.shared or ()
    return [column[place] for column in batch.infos]
