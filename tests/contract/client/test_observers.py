"""Whoever observes an exchange may call it off until its first byte, and never afterwards."""

import threading
from functools import partial

import pytest

from dispatcher.domain.message import Message
from dispatcher.errors import CalledOffError, OutcomeUnknownError
from dispatcher.smsfactor import Credentials, Deadlines, Destination, Phase, SmsFactor
from dispatcher.smsfactor.watching import Call
from tests.support.polling import eventually
from tests.support.scripted_api import ACCEPTED, ScriptedApi, answer

MESSAGE = Message(text="Bonjour")
TO = [Destination("33639980001", "m1")]
QUICK = Deadlines(connect=0.8, total=1.0, listing=1.0)

connect = partial(
    SmsFactor, Credentials(username="user@example.com", password="a-password"), deadlines=QUICK
)


@pytest.mark.parametrize("error", [CalledOffError("stopped"), OSError("not the network's")])
def test_what_an_observer_calls_off_once_connected_does_not_begin(error: Exception) -> None:
    told: list[Call] = []

    def forbid(phase: Phase) -> None:
        assert phase is Phase.CONNECTED
        raise error

    with (
        ScriptedApi(answer(ACCEPTED)) as server,
        connect(base_url=server.url, watch=told.append) as api,
    ):
        with pytest.raises(CalledOffError):
            api.send(MESSAGE, TO, observe=forbid)
        eventually(lambda: server.connections == 1)

    assert (server.requests, told) == ([], [])


def test_a_request_cannot_be_called_off_once_it_was_written() -> None:
    def forbid(phase: Phase) -> None:
        if phase is Phase.WRITTEN:
            raise CalledOffError("too late")

    with (
        ScriptedApi(answer(ACCEPTED)) as server,
        connect(base_url=server.url) as api,
        pytest.raises(OutcomeUnknownError),
    ):
        api.send(MESSAGE, TO, observe=forbid)


def test_an_observer_that_takes_its_time_once_connected_leaves_the_answer_its_own() -> None:
    def wait(phase: Phase) -> None:
        if phase is Phase.CONNECTED:
            threading.Event().wait(QUICK.total)

    with ScriptedApi(answer(ACCEPTED)) as server, connect(base_url=server.url) as api:
        assert api.send(MESSAGE, TO, observe=wait).ticket == "203"


def test_an_observer_that_raises_leaves_the_outcome_unknown() -> None:
    def fail(phase: Phase) -> None:
        if phase is Phase.WRITTEN:
            raise OSError("not the network's")

    with (
        ScriptedApi(answer(ACCEPTED)) as server,
        connect(base_url=server.url) as api,
        pytest.raises(OutcomeUnknownError),
    ):
        api.send(MESSAGE, TO, observe=fail)


def test_an_observer_that_raises_at_the_end_does_not_lose_the_ticket() -> None:
    def fail(phase: Phase) -> None:
        if phase is Phase.ANSWERED:
            raise RuntimeError

    with ScriptedApi(answer(ACCEPTED)) as server, connect(base_url=server.url) as api:
        assert api.send(MESSAGE, TO, observe=fail).ticket == "203"
