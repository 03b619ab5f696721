"""What answers probes and scrapers: pages, refusals, and nobody in anybody's way."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection, HTTPResponse

import pytest

from dispatcher.monitoring.endpoint import Endpoint, Page, Pages
from dispatcher.monitoring.health import Finding, health_page
from tests.support.polling import eventually

HOST = "127.0.0.1"
MOST_CLIENTS = 256


@pytest.fixture
def served() -> Iterator[Callable[..., int]]:
    with ExitStack() as open_ones:

        def serve(quick: Pages, slow: Pages | None = None, *, host: str = HOST) -> int:
            endpoint = Endpoint(quick, slow or {}, host=host, port=0)
            endpoint.start()
            open_ones.enter_context(closing(endpoint))
            return endpoint.port

        yield serve


def ask(port: int, path: str, *, method: str = "GET", host: str = HOST) -> tuple[HTTPResponse, str]:
    with closing(HTTPConnection(HOST, port, timeout=60)) as connection:
        connection.request(method, path, headers={"Host": host})
        answer = connection.getresponse()
        return answer, answer.read().decode()


def raw(port: int, request: bytes) -> bytes:
    with socket.create_connection((HOST, port), timeout=60) as client:
        client.sendall(request)
        found = b""
        while part := client.recv(4096):
            found += part
        return found


def page(body: str = "here\n") -> Page:
    return Page(body=body)


def test_pages_are_found_by_their_path_whatever_is_asked(
    served: Callable[..., int],
) -> None:
    port = served({"/live": page}, {"/slow": lambda: page("slow\n")})

    assert ask(port, "/live")[1] == "here\n"
    assert ask(port, "/slow?verbose=1")[1] == "slow\n"
    assert ask(port, "/live", method="HEAD")[1] == ""


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/live/", 404),
        ("GET", "/../live", 404),
        ("POST", "/live", 405),
        ("DELETE", "/nowhere", 405),
    ],
)
def test_what_is_not_there_is_refused(
    served: Callable[..., int], method: str, path: str, status: int
) -> None:
    answer, _ = ask(served({"/live": page}), path, method=method)

    assert answer.status == status


@pytest.mark.parametrize("request_", [b"nonsense\r\n\r\n", b"GET /live\r\n\r\n", b"\r\n\r\n"])
def test_what_is_no_request_is_refused(served: Callable[..., int], request_: bytes) -> None:
    assert raw(served({"/live": page}), request_).startswith(b"HTTP/1.1 400 ")


def test_a_head_without_an_end_is_refused(served: Callable[..., int]) -> None:
    long = b"GET /live HTTP/1.1\r\nX: " + b"x" * 20_000

    assert raw(served({"/live": page}), long).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "10.0.0.1", ""])
def test_a_page_elsewhere_cannot_read_what_listens_on_this_machine_only(
    served: Callable[..., int], host: str
) -> None:
    port = served({"/live": page})

    assert ask(port, "/live", host=host)[0].status == 421
    assert ask(port, "/live", host=f"localhost:{port}")[0].status == 200
    assert ask(port, "/live", host=f"[::1]:{port}")[0].status == 200


def test_what_listens_for_others_answers_to_any_name(served: Callable[..., int]) -> None:
    port = served({"/live": page}, host="0.0.0.0")  # noqa: S104 - a moment, in a test

    assert ask(port, "/live", host="worker.example:9464")[0].status == 200


def test_browsers_are_told_to_load_and_keep_nothing(served: Callable[..., int]) -> None:
    answer, _ = ask(served({"/": page}), "/")

    assert "default-src 'none'" in (answer.getheader("Content-Security-Policy") or "")
    assert answer.getheader("Cache-Control") == "no-store"
    assert answer.getheader("X-Content-Type-Options") == "nosniff"


def test_clients_that_say_nothing_cost_no_threads_and_keep_nobody_out(
    served: Callable[..., int],
) -> None:
    port = served({"/live": page}, {"/slow": page})
    before = threading.active_count()

    with ExitStack() as idle:
        for _ in range(100):
            client = idle.enter_context(socket.create_connection((HOST, port), timeout=60))
            client.sendall(b"GET /li")
        assert ask(port, "/live")[0].status == 200
        assert ask(port, "/slow")[0].status == 200
        assert threading.active_count() <= before + 2
        # They are sent away after a while.
        assert client.recv(1) == b""


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nobody sent away for being slow, so that it is for something else if somebody is."""
    for limit in ("_HEAD_SECONDS", "_SECONDS"):
        monkeypatch.setattr(f"dispatcher.monitoring.endpoint.{limit}", 600.0)


@pytest.mark.usefixtures("patient")
def test_of_too_many_silent_clients_the_oldest_makes_room(served: Callable[..., int]) -> None:
    port = served({"/live": page})

    with ExitStack() as idle:
        clients = [
            idle.enter_context(socket.create_connection((HOST, port), timeout=60))
            for _ in range(MOST_CLIENTS)
        ]
        assert ask(port, "/live")[0].status == 200
        assert clients[0].recv(1) == b""
        clients[1].sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert clients[1].recv(4096).startswith(b"HTTP/1.1 200 ")


@pytest.mark.usefixtures("patient")
def test_clients_that_are_being_answered_make_no_room_for_others() -> None:
    answer = threading.Event()
    slow = {"/slow": lambda: page(str(answer.wait(60)))}

    with ExitStack() as asking:
        endpoint = asking.enter_context(closing(Endpoint({}, slow, host=HOST, port=0)))
        endpoint.start()
        clients = [
            asking.enter_context(socket.create_connection((HOST, endpoint.port), timeout=60))
            for _ in range(MOST_CLIENTS)
        ]
        for client in clients:
            client.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        eventually(lambda: endpoint._clients == MOST_CLIENTS and not endpoint._silent)
        late = asking.enter_context(socket.create_connection((HOST, endpoint.port), timeout=60))
        assert late.recv(1) == b""
        answer.set()
        assert all(client.recv(4096).startswith(b"HTTP/1.1 200 ") for client in clients)


def test_quick_pages_do_not_wait_for_slow_ones(served: Callable[..., int]) -> None:
    asked, answer = threading.Semaphore(0), threading.Event()

    def wait() -> Page:
        asked.release()
        answer.wait(20)
        return page()

    port = served({"/live": page}, {"/slow": wait})
    clients = [threading.Thread(target=ask, args=(port, "/slow"), daemon=True) for _ in range(5)]
    for client in clients:
        client.start()
    assert asked.acquire(timeout=60)
    assert asked.acquire(timeout=60)

    assert ask(port, "/live")[0].status == 200

    answer.set()
    for client in clients:
        client.join(10)


def test_a_page_that_fails_ends_nothing_and_tells_nothing(served: Callable[..., int]) -> None:
    def fail() -> Page:
        raise ValueError("33639980001")

    port = served({"/bad": fail, "/live": page})

    answer, body = ask(port, "/bad")

    assert answer.status == 500
    assert "33639980001" not in body
    assert ask(port, "/live")[0].status == 200


def test_health_is_bad_when_something_that_matters_is() -> None:
    fine = health_page(
        lambda: [Finding(subject="redis"), Finding(subject="api", says="away", matters=False)]
    )
    bad = health_page(lambda: [Finding(subject="redis", says="away"), Finding(subject="broker")])

    assert (fine.status, fine.body) == (200, '{"ok":true,"redis":"ok","api":"away"}\n')
    assert (bad.status, bad.body) == (503, '{"ok":false,"redis":"away","broker":"ok"}\n')
