import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from dispatcher.domain.message import Message
from dispatcher.errors import (
    ApiUnreachableError,
    OutcomeUnknownError,
    RequestRefusedError,
)
from dispatcher.smsfactor import (
    Credentials,
    Deadlines,
    Destination,
    Phase,
    SendReply,
    SmsFactor,
    TooManyRequestsError,
)
from tests.support.scripted_api import (
    ACCEPTED,
    Script,
    ScriptedApi,
    Talk,
    answer,
    raw,
    reply,
)

MESSAGE = Message(text="Bonjour")
TO = [Destination("33639980001", "m1")]
QUICK = Deadlines(connect=0.8, total=1.0, listing=1.0)
CREDENTIALS = Credentials(username="user@example.com", password="a-password")
BALANCE = b'{"status":1,"message":"OK","credits":"2420"}'

connect = partial(SmsFactor, CREDENTIALS, deadlines=QUICK)


def test_send_is_one_post_on_a_connection_that_closes() -> None:
    phases: list[Phase] = []

    with ScriptedApi(answer(ACCEPTED)) as server, connect(base_url=server.url) as api:
        sent = api.send(MESSAGE, TO, observe=phases.append)

    assert sent.ticket == "203"
    assert phases == [Phase.CONNECTED, Phase.WRITTEN, Phase.ANSWERED]
    assert server.connections == 1
    [request] = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /send HTTP/1.1"
    assert b"Connection: close" in lines
    assert b"sfusername: user@example.com" in lines
    assert b"sfpassword: a-password" in lines
    assert b"a-password" not in lines[0] + body


def test_send_never_reuses_a_connection_even_if_the_server_keeps_it_open() -> None:
    def keep(talk: Talk) -> None:
        while talk.hear():
            talk.say(reply(ACCEPTED, headers="Connection: keep-alive\r\n"))

    with ScriptedApi(keep) as server, connect(base_url=server.url) as api:
        api.simulate(MESSAGE, TO)
        api.send(MESSAGE, TO)
        api.send(MESSAGE, TO)

        assert server.connections == 3


def test_nothing_listening_is_unreachable() -> None:
    with ScriptedApi(answer(ACCEPTED)) as server:
        gone = server.url
    phases: list[Phase] = []

    with connect(base_url=gone) as api, pytest.raises(ApiUnreachableError):
        api.send(MESSAGE, TO, observe=phases.append)

    assert phases == []


def test_a_name_that_does_not_exist_is_unreachable() -> None:
    with (
        connect(base_url="https://no-such-host.invalid") as api,
        pytest.raises(ApiUnreachableError),
    ):
        api.send(MESSAGE, TO)


def test_a_tls_handshake_that_fails_is_unreachable() -> None:
    def refuse(talk: Talk) -> None:
        talk.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with ScriptedApi(refuse) as server:
        https = server.url.replace("http:", "https:")
        phases: list[Phase] = []
        with connect(base_url=https) as api, pytest.raises(ApiUnreachableError):
            api.send(MESSAGE, TO, observe=phases.append)

    assert phases == []


def test_a_tls_handshake_that_hangs_is_unreachable_in_time() -> None:
    with ScriptedApi(Talk.stay_silent) as server:
        https = server.url.replace("http:", "https:")
        with connect(base_url=https) as api:
            began = time.monotonic()
            with pytest.raises(ApiUnreachableError):
                api.send(MESSAGE, TO)

    assert time.monotonic() - began < 5


def _trickled(data: bytes) -> Script:
    def play(talk: Talk) -> None:
        talk.hear()
        talk.trickle(data, every=0.02)

    return play


def _hear_then_reset(talk: Talk) -> None:
    talk.hear()
    talk.reset()


def _hear_then_stay_silent(talk: Talk) -> None:
    talk.hear()
    talk.stay_silent()


def _endless_headers(talk: Talk) -> None:
    talk.hear()
    talk.say(b"HTTP/1.1 200 OK\r\n")
    while True:
        talk.say(b"X: y\r\n" * 1000)


def _endless_interim_replies(talk: Talk) -> None:
    talk.hear()
    while True:
        talk.say(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


def _endless_body(talk: Talk) -> None:
    talk.hear()
    talk.say(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        talk.say(b" " * 65536)


NOTHING_PROVED: dict[str, Script] = {
    "hung up unheard": lambda _: None,
    "hung up": raw(),
    "reset": _hear_then_reset,
    "silent": _hear_then_stay_silent,
    "not HTTP": raw(b"\x16\x03\x01\x02\x00 what?\r\n\r\n"),
    "header cut": raw(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "header trickling": _trickled(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 60_000),
    "header endless": _endless_headers,
    "interim replies endless": _endless_interim_replies,
    "body empty": answer(b""),
    "body cut": raw(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"status":1,"mess'),
    "ticket cut": raw(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"status":1,"ticket":"20'),
    "number cut": raw(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"status":1,"ticket":20'),
    "chunk cut": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"),
    "chunk length wrong": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{"),
    "body trickling": _trickled(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 60_000),
    "body endless": _endless_body,
    "two lengths": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n{}"),
    "not gzip": answer(b"\x00\x01\x02", headers="Content-Encoding: gzip\r\n"),
    "refusal cut": raw(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"status":-7}'),
    "refusal of a failing server": answer(b'{"status":-7}', status="500 Oops"),
    "redirect": answer(b"", status="302 Found", headers="Location: /elsewhere\r\n"),
    "kept-method redirect": answer(b"", status="307 Moved", headers="Location: /elsewhere\r\n"),
    "refusal in a redirect": answer(b'{"status":-7}', status="302 Found"),
    "page of a proxy": answer(b"<html><body>Bad gateway</body></html>", status="502 Bad Gateway"),
    "page with 200": answer(b"<html><body>Maintenance<br></body></html>"),
    "other error": answer(b'{"status":-99,"message":"Autre erreur"}'),
    "unheard-of status": answer(b'{"status":2,"message":"OK"}'),
    "no ticket": answer(b'{"status":1,"message":"OK","cost":1}'),
    "empty ticket": answer(b'{"status":1,"message":"OK","ticket":""}'),
    "unauthorised, unexplained": answer(b"", status="401 Unauthorized"),
    "too many requests": answer(b"", status="429 Too Many Requests"),
}


@pytest.fixture(params=NOTHING_PROVED.values(), ids=list(NOTHING_PROVED))
def sick(request: pytest.FixtureRequest) -> Iterator[ScriptedApi]:
    script: Script = request.param
    with ScriptedApi(script) as server:
        yield server


def test_what_proves_nothing_is_unknown_in_time_and_sent_once(sick: ScriptedApi) -> None:
    with connect(base_url=sick.url) as api:
        began = time.monotonic()
        with pytest.raises(OutcomeUnknownError):
            api.send(MESSAGE, TO)

    assert time.monotonic() - began < 5
    assert sick.connections == 1
    assert len(sick.requests) <= 1


@pytest.mark.parametrize(
    "script", [Talk.stay_silent, partial(Talk.sip, size=500_000, every=0.05)], ids=["not", "slowly"]
)
def test_a_server_that_reads_slowly_or_not_is_unknown_in_time(script: Script) -> None:
    text = "x" * 60_000_000

    with ScriptedApi(script) as server, connect(base_url=server.url) as api:
        phases: list[Phase] = []
        began = time.monotonic()
        with pytest.raises(OutcomeUnknownError):
            api.send(Message(text=text), TO, observe=phases.append)

    assert time.monotonic() - began < 5
    assert phases == [Phase.CONNECTED]


TICKET_ARRIVED: dict[str, Script] = {
    "body cut": raw(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"ticket":"203","co'),
    "body stalled": _trickled(b'HTTP/1.1 200 OK\r\n\r\n{"ticket":"203",' + b" " * 60_000),
    "chunk cut": raw(
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{"ticket":"203",\r\nff\r\n"'
    ),
    "failing server": answer(ACCEPTED, status="500 Oops"),
    "redirect": answer(ACCEPTED, status="302 Found", headers="Location: /elsewhere\r\n"),
}


@pytest.mark.parametrize("script", TICKET_ARRIVED.values(), ids=TICKET_ARRIVED.keys())
def test_a_ticket_that_arrived_is_kept_however_the_reply_ends(script: Script) -> None:
    slow = Deadlines(connect=1, total=1.5, listing=1)
    with ScriptedApi(script) as server:
        api = SmsFactor(CREDENTIALS, base_url=server.url, deadlines=slow)

        sent = api.send(MESSAGE, TO)

    assert sent.ticket == "203"


def test_a_documented_refusal_in_a_4xx_is_a_refusal() -> None:
    script = answer(b'{"status":-7,"message":"Erreur"}', status="400 Bad Request")

    with (
        ScriptedApi(script) as server,
        connect(base_url=server.url) as api,
        pytest.raises(RequestRefusedError),
    ):
        api.send(MESSAGE, TO)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("12", 12), ("9000000", 86_400), ("9" * 250, 86_400), ("soon", None), ("-1", None)],
    ids=["seconds", "months", "for ever", "a word", "the past"],
)
def test_too_many_requests_tells_how_long_to_wait(header: str, seconds: float | None) -> None:
    script = answer(b"", status="429 Too Many Requests", headers=f"Retry-After: {header}\r\n")

    with (
        ScriptedApi(script) as server,
        connect(base_url=server.url) as api,
        pytest.raises(TooManyRequestsError) as caught,
    ):
        api.send(MESSAGE, TO)

    assert caught.value.retry_after == seconds


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Moved", "308 Moved"])
def test_credentials_do_not_follow_a_redirect(status: str) -> None:
    with ScriptedApi(answer(BALANCE)) as elsewhere:
        script = answer(b"", status=status, headers=f"Location: {elsewhere.url}/credits\r\n")
        with (
            ScriptedApi(script) as server,
            connect(base_url=server.url) as api,
            pytest.raises(OutcomeUnknownError),
        ):
            api.credits()

        assert elsewhere.connections == 0


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedApi(answer(BALANCE)) as proxy, ScriptedApi(answer(BALANCE)) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)

        with connect(base_url=server.url) as api:
            api.credits()

        assert proxy.connections == 0


def test_reads_share_a_connection() -> None:
    def keep(talk: Talk) -> None:
        while talk.hear():
            talk.say(reply(BALANCE))

    with ScriptedApi(keep) as server, connect(base_url=server.url) as api:
        balances = [api.credits(), api.credits(), api.credits()]

        assert balances == [2420, 2420, 2420]
        assert server.connections == 1


def test_a_read_on_a_connection_gone_stale_is_made_again() -> None:
    def die_at_the_second_request(talk: Talk) -> None:
        talk.hear()
        talk.say(reply(BALANCE))
        talk.hear()

    with ScriptedApi(die_at_the_second_request) as server, connect(base_url=server.url) as api:
        balances = [api.credits(), api.credits()]

        assert balances == [2420, 2420]
        assert server.connections == 2


def test_a_read_on_a_fresh_connection_is_not_made_again() -> None:
    with ScriptedApi(raw()) as server, connect(base_url=server.url) as api:
        with pytest.raises(OutcomeUnknownError):
            api.credits()

        assert server.connections == 1


def test_threads_share_a_client_without_mixing_replies() -> None:
    def echo(talk: Talk) -> None:
        while heard := talk.hear():
            mark = heard.rpartition(b'"gsmsmsid":"')[2].partition(b'"')[0]
            talk.say(reply(b'{"status":1,"message":"OK","ticket":"%b","credits":1}' % mark))

    with ScriptedApi(echo) as server, SmsFactor(CREDENTIALS, base_url=server.url) as api:
        together = threading.Barrier(32)

        def call(thread: int) -> list[SendReply]:
            together.wait()
            to = [Destination("33639980001", f"t{thread}")]
            return [api.send(MESSAGE, to), api.simulate(MESSAGE, to), api.send(MESSAGE, to)]

        with ThreadPoolExecutor(32) as pool:
            replies = list(pool.map(call, range(32)))

    for thread, answers in enumerate(replies):
        assert [answered.ticket for answered in answers] == [f"t{thread}"] * 3
