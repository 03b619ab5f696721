"""What of the work that is due is work for more workers."""

import pytest

from dispatcher.domain.vitals import Rate, kept_waiting

NO_RATE = Rate(budget=None, effective=None, paused=0, waits=0, waited=0, lowered=0)


def rate(effective: float | None = None, *, paused: float = 0) -> Rate:
    return Rate(budget=effective, effective=effective, paused=paused, waits=0, waited=0, lowered=0)


def test_without_a_rate_nothing_is_kept_waiting() -> None:
    assert kept_waiting(quotes=1000, sends=1000, weight=1, rate=NO_RATE) == 0


@pytest.mark.parametrize(
    ("sends", "kept"),
    [(0, 0), (50, 0), (51, 1), (100_000, 99_950)],
)
def test_what_fits_the_rate_of_five_seconds_is_work(sends: int, kept: int) -> None:
    assert kept_waiting(quotes=0, sends=sends, weight=10, rate=rate(100)) == kept


def test_small_batches_are_more_work_at_the_same_rate() -> None:
    assert kept_waiting(quotes=0, sends=10_000, weight=1, rate=rate(1000)) == 5_000


def test_one_batch_is_work_however_slow_the_rate() -> None:
    assert kept_waiting(quotes=0, sends=7, weight=1000, rate=rate(0.1)) == 6


def test_a_rate_keeps_no_quote_waiting() -> None:
    assert kept_waiting(quotes=500, sends=0, weight=1, rate=rate(1)) == 0


@pytest.mark.parametrize(("paused", "kept"), [(0, 0), (4, 80), (5, 700), (3600, 700)])
def test_a_pause_takes_time_from_work_and_then_all_of_it(paused: float, kept: int) -> None:
    found = kept_waiting(quotes=600, sends=100, weight=1, rate=rate(20, paused=paused))

    assert found == kept


def test_a_pause_without_a_rate_keeps_everything_until_it_is_nearly_over() -> None:
    assert kept_waiting(quotes=6, sends=3, weight=1, rate=rate(paused=60)) == 9
    assert kept_waiting(quotes=6, sends=3, weight=1, rate=rate(paused=1)) == 0


def test_a_stop_keeps_sends_waiting_and_no_quote() -> None:
    assert kept_waiting(quotes=6, sends=3, weight=1, rate=NO_RATE, most=0) == 3


def test_of_what_goes_one_at_a_time_all_others_wait() -> None:
    assert kept_waiting(quotes=6, sends=30, weight=1, rate=NO_RATE, most=1) == 29
    assert kept_waiting(quotes=6, sends=30, weight=1, rate=rate(2), most=1) == 29
    assert kept_waiting(quotes=6, sends=0, weight=1, rate=NO_RATE, most=1) == 0
