"""When a worker counts as alive: its loop runs, and what waits is taken."""

import pytest

from workers.vigil import Depths, Pulse, Vigil


class Scene:
    """A vigil over a process whose clock stands still until it is turned on."""

    def __init__(self, *, hands: int = 2) -> None:
        self.now = 1000.0
        self.depths: Depths | None = {"dispatch": 0}
        self.last_words: list[str] = []
        self.pulse = Pulse(hands=hands, clock=lambda: self.now)
        self.vigil = Vigil(self.pulse, lambda: self.depths, give_up=self.last_words.append)

    def pass_time(self, seconds: float, *, looping: bool = True, acting: bool = False) -> None:
        """Live on, with a look every five seconds."""
        for _ in range(int(seconds / 5)):
            self.now += 5
            if looping:
                self.pulse.loop()
            if acting:
                self.pulse.act()
            self.vigil.look()


def test_an_idle_worker_lives_for_ever() -> None:
    scene = Scene()

    scene.pass_time(3600)

    assert scene.vigil.ailment() is None
    assert scene.last_words == []


def test_a_worker_that_takes_nothing_of_what_waits_does_not_live() -> None:
    scene = Scene()
    scene.pass_time(120)
    scene.depths = {"control": 0, "dispatch": 3}

    scene.pass_time(30)
    assert scene.vigil.ailment() is None
    scene.pass_time(10)

    assert scene.vigil.ailment() == "dispatch has waited for 35 s, and nothing was taken"


def test_a_worker_that_is_behind_lives_while_it_takes_something() -> None:
    scene = Scene()
    scene.depths = {"dispatch": 500}

    scene.pass_time(3600, acting=True)

    assert scene.vigil.ailment() is None


def test_a_queue_that_empties_now_and_then_is_no_sign() -> None:
    scene = Scene()
    for _ in range(60):
        scene.depths = {"dispatch": 1}
        scene.pass_time(25)
        scene.depths = {"dispatch": 0}
        scene.pass_time(5)

        assert scene.vigil.ailment() is None


def test_all_hands_full_is_no_sign_until_they_must_hang() -> None:
    scene = Scene(hands=2)
    scene.depths = {"dispatch": 9}
    scene.pulse.begin("one")
    scene.pulse.begin("two")

    scene.pass_time(500)
    assert scene.vigil.ailment() is None
    scene.pass_time(200)

    assert scene.vigil.ailment() is not None


def test_a_free_hand_beside_a_long_task_should_have_taken_something() -> None:
    scene = Scene(hands=2)
    scene.depths = {"dispatch": 9}
    scene.pulse.begin("one")

    scene.pass_time(100)

    assert scene.vigil.ailment() is not None


def test_a_loop_that_stands_still_does_not_live_once_the_broker_has_answered_long_enough() -> None:
    scene = Scene()

    scene.pass_time(55, looping=False)
    assert scene.vigil.ailment() is None
    scene.pass_time(20, looping=False)

    assert "its loop has not run for 75 s" in str(scene.vigil.ailment())


def test_while_the_broker_is_away_a_restart_cannot_help() -> None:
    scene = Scene()
    scene.depths = None

    scene.pass_time(3600, looping=False)
    assert scene.vigil.ailment() is None
    assert not scene.vigil.hears_the_broker

    # Celery may need half a minute to find that it is back.
    scene.depths = {"dispatch": 5}
    scene.pass_time(35, looping=False)
    assert scene.vigil.ailment() is None
    scene.pass_time(100, acting=True)
    assert scene.vigil.ailment() is None


def test_a_worker_that_does_not_find_the_broker_again_does_not_live() -> None:
    scene = Scene()
    scene.depths = None
    scene.pass_time(600, looping=False)

    scene.depths = {"dispatch": 5}
    scene.pass_time(100, looping=False)

    assert scene.vigil.ailment() is not None


def test_a_process_that_was_frozen_is_given_its_time_again() -> None:
    scene = Scene()
    scene.depths = {"dispatch": 5}
    scene.pass_time(60, acting=True)

    scene.now += 900
    scene.vigil.look()

    assert scene.vigil.ailment() is None
    scene.pass_time(25, acting=True)
    assert scene.vigil.ailment() is None


def test_a_worker_that_ends_lives_until_it_has() -> None:
    scene = Scene()
    scene.depths = {"dispatch": 5}
    scene.pulse.is_ending = True

    scene.pass_time(600, looping=False)

    assert scene.vigil.ailment() is None


def test_nobody_who_looks_is_a_sign_too() -> None:
    scene = Scene()
    scene.pass_time(60)

    scene.now += 61

    assert scene.vigil.ailment() == "nobody has looked at the broker for 61 s"


def test_a_hanging_process_is_ended_after_three_looks_and_once() -> None:
    scene = Scene()

    scene.pass_time(70, looping=False)
    assert scene.last_words == []
    scene.pass_time(200, looping=False)

    assert len(scene.last_words) == 1


def test_a_process_that_comes_round_is_not_ended() -> None:
    scene = Scene()

    scene.pass_time(70, looping=False)
    assert scene.vigil.ailment() is not None
    scene.pass_time(5)

    assert scene.vigil.ailment() is None
    assert scene.last_words == []


@pytest.mark.parametrize("ends", [True, False])
def test_tasks_end_once_and_in_any_order(ends: bool) -> None:  # noqa: FBT001 - a parameter
    scene = Scene(hands=1)
    scene.pulse.end("never begun")
    scene.pulse.begin("one")
    if ends:
        scene.pulse.end("one")

    assert scene.pulse.is_busy() is not ends
