from workers.callbacks.pauses import pause_of, rest_of


def test_pauses_double_from_five_seconds_to_a_day() -> None:
    pauses = [pause_of(failures, chance=lambda: 1.0) for failures in range(1, 19)]

    assert pauses[:4] == [5, 10, 20, 40]
    assert pauses[-3:] == [86_400] * 3
    assert 3.5 < sum(pauses[:-1]) / 86_400 < 4.5


def test_chance_takes_up_to_half_of_it_away() -> None:
    assert pause_of(3, chance=lambda: 0.0) == 10
    assert {pause_of(10) for _ in range(20)} != {pause_of(10, chance=lambda: 1.0)}


def test_an_endpoint_rests_an_hour_at_most_whatever_the_number_of_failures() -> None:
    assert rest_of(1, chance=lambda: 1.0) == 5
    assert rest_of(10_000, chance=lambda: 1.0) == 3_600
