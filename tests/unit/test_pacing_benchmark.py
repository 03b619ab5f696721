import pytest

from tests.benchmarks.pacing import Post, kept


def test_the_mean_leaves_the_time_after_the_last_post_out() -> None:
    found = kept([Post(10 + place / 10, 10) for place in range(21)])

    assert found.seconds == pytest.approx(2)
    assert found.mean == pytest.approx(100)


@pytest.mark.parametrize(("late", "fullest"), [(0.0, 100), (0.05, 110)])
def test_a_post_that_is_late_fills_the_second_it_is_in(late: float, fullest: int) -> None:
    posts = [Post(0.0 + late, 10), *(Post(place * 0.1, 10) for place in range(1, 11))]

    assert kept([*posts[1:], posts[0]]).sliding == fullest


def test_seconds_of_the_clock_are_counted_from_whole_to_whole() -> None:
    found = kept([Post(0.9, 60), Post(1.1, 60), Post(2.5, 60)])

    assert (found.clock, found.sliding) == (60, 120)


def test_what_is_late_in_every_window_does_not_lower_the_settled_rate() -> None:
    late = (0.0, 0.1, 0.2, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65)
    posts = [Post(window * 1.005 + at, 10) for window in range(12) for at in late]

    assert kept(posts).settled == pytest.approx(99.5, abs=0.1)
    assert kept(posts[:30]).settled == 0
