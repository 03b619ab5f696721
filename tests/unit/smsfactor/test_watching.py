"""What is told of calls: routes without ids, and how they ended."""

from threading import Event

import pytest

from dispatcher.errors import (
    ApiUnreachableError,
    CalledOffError,
    DispatcherError,
    NotEnoughCreditsError,
    OutcomeUnknownError,
)
from dispatcher.smsfactor.exchange import Phase
from dispatcher.smsfactor.refusals import TooManyRequestsError
from dispatcher.smsfactor.watching import Call, route_of, watched


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/send", "/send"),
        ("/send/simulate", "/send/simulate"),
        ("/send/lists/simulate", "/send/lists/simulate"),
        ("/send/4711", "/send/:id"),
        ("/list/deduplicate/33639980001", "/list/deduplicate/:id"),
        ("/link/short/alert/tag", "/link/short/:id/tag"),
        ("/campaigns?start=0&destination=33639980001", "/campaigns"),
        ("/list/+33639980001", "/list/:id"),
        ("/credits/", "/credits/"),
    ],
)
def test_a_route_holds_no_id_and_no_query(path: str, route: str) -> None:
    assert route_of(path) == route


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "ok"),
        (NotEnoughCreditsError(-3, "", ""), "refused -3"),
        (ApiUnreachableError("no"), "unreachable"),
        (TooManyRequestsError("no", retry_after=3), "too many requests"),
        (OutcomeUnknownError("no"), "unknown"),
        (ValueError("no"), "unknown"),
    ],
)
def test_a_call_is_told_once_with_its_end_and_its_error_passes(
    error: Exception | None, outcome: str
) -> None:
    told: list[Call] = []

    def call() -> None:
        with watched(told.append, "GET", "/send/12"):
            if error is not None:
                raise error

    if error is None:
        call()
    else:
        with pytest.raises(type(error)):
            call()

    assert [(each.method, each.route, each.outcome) for each in told] == [
        ("GET", "/send/:id", outcome)
    ]
    assert told[0].seconds >= 0


def test_whoever_is_told_cannot_change_what_becomes_of_a_send() -> None:
    def fail(_: Call) -> None:
        raise DispatcherError("nobody listens")

    with watched(fail, "POST", "/send"):
        pass


def test_a_call_that_was_called_off_is_none() -> None:
    told: list[Call] = []

    with pytest.raises(CalledOffError), watched(told.append, "POST", "/send"):
        raise CalledOffError("stopped")

    assert told == []


def test_what_its_caller_waits_for_is_not_the_time_of_a_call() -> None:
    told: list[Call] = []

    def observe(phase: Phase) -> None:
        if phase is Phase.CONNECTED:
            Event().wait(0.5)

    with watched(told.append, "POST", "/send") as timing:
        tell = timing.leaving_out(observe)
        assert tell is not None
        tell(Phase.CONNECTED)
        tell(Phase.WRITTEN)

    assert timing.waited >= 0.5
    assert 0 <= told[0].seconds < 0.5
