import pytest

from tests.support.people import fictional, generated
from tests.support.polling import eventually


def test_the_first_truthy_answer_is_returned() -> None:
    answers = iter([0, "", None, "ready"])

    assert eventually(lambda: next(answers), within=5, every=0.001) == "ready"


def test_waiting_ends_with_the_last_answer_shown() -> None:
    with pytest.raises(AssertionError, match=r"not within 0.01 s; last answer: \[\]"):
        eventually(list, within=0.01, every=0.001)


def test_an_answer_is_asked_for_even_with_no_time_to_wait() -> None:
    assert eventually(lambda: 7, within=0) == 7


def test_fictional_numbers_stay_in_their_range() -> None:
    assert fictional(2) == [33_639_980_000, 33_639_980_001]
    assert fictional(1, start=8_999) == [33_639_988_999]
    with pytest.raises(ValueError, match="only 9000"):
        fictional(2, start=8_999)


def test_more_numbers_than_exist_are_refused() -> None:
    with pytest.raises(ValueError, match="only 80000000"):
        next(generated(80_000_001))
