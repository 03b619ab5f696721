import pytest

from workers.steps.pauses import pause_ms


@pytest.mark.parametrize(
    ("tries", "pause"),
    [(0, 500), (1, 1000), (2, 2000), (6, 32_000), (7, 60_000), (8, 60_000), (10**9, 60_000)],
)
def test_a_pause_doubles_up_to_a_minute(tries: int, pause: int) -> None:
    assert pause_ms(tries) == pause
