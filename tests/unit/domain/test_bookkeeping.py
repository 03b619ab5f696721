from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.domain.bookkeeping import MOST, decide, margin

QUOTES = st.lists(st.integers(1, 60), min_size=1, max_size=5)


def test_one_batch_was_sent_if_its_price_is_gone_and_not_if_nothing_is() -> None:
    assert decide(7, [7]) == {0: True}
    assert decide(0, [7]) == {0: False}


def test_what_no_batch_explains_is_told() -> None:
    assert decide(100, [7]) is None
    assert decide(-100, [7]) is None


def test_nearly_the_price_is_not_enough() -> None:
    assert decide(6, [7]) == {}


def test_what_several_batches_explain_is_left_open() -> None:
    assert decide(10, [10, 10]) == {}
    assert decide(20, [10, 10]) == {0: True, 1: True}
    assert decide(104, [100, 4, 4]) == {0: True}


def test_what_might_have_cost_less_than_it_should_is_considered() -> None:
    assert decide(9, [10, 9]) == {}


def test_a_batch_whom_the_api_left_people_out_of_is_not_taken_for_another() -> None:
    assert decide(8, [10, 8]) == {}
    assert decide(0, [10, 8]) == {0: False, 1: False}
    assert decide(18, [10, 8]) == {0: True, 1: True}
    assert decide(0, [12], guessed=10) == {}


def test_credits_that_were_guessed_widen_what_is_possible() -> None:
    assert decide(0, [7], guessed=6) == {}
    assert decide(0, [7], guessed=1) == {}
    assert decide(0, [7]) == {0: False}


def test_too_many_batches_or_free_ones_are_left_open() -> None:
    assert decide(0, [1] * (MOST + 1)) == {}
    assert decide(0, [0, 5]) == {}


def test_a_margin_is_a_twentieth_and_never_all() -> None:
    assert [margin(quote) for quote in (0, 1, 2, 5, 6, 100)] == [0, 0, 1, 1, 1, 5]


@settings(max_examples=300, deadline=None)
@given(quotes=QUOTES, data=st.data())
def test_what_is_said_is_true_even_if_prices_differ(quotes: list[int], data: st.DataObject) -> None:
    taken = [data.draw(st.booleans()) for _ in quotes]
    lost = sum(
        data.draw(
            st.integers(1 if len(quotes) > 1 else quote - margin(quote), quote + margin(quote))
        )
        for quote, was_taken in zip(quotes, taken, strict=True)
        if was_taken
    )

    said = decide(lost, quotes)

    assert said is not None
    assert all(taken[place] is word for place, word in said.items())
