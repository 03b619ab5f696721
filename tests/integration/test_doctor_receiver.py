from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from dispatcher.cli.checks import check_receiver
from dispatcher.cli.findings import Grade


@contextmanager
def answering(health: int, forged: int) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(health if self.path == "/base/healthz" else 500)

        def do_POST(self) -> None:
            self.answer(forged)

        def answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/base/"
        server.shutdown()
        thread.join()


def test_a_receiver_that_refuses_a_wrong_secret_is_fine() -> None:
    with answering(200, 404) as url:
        found = list(check_receiver(url))

    assert [each.grade for each in found] == [Grade.FINE, Grade.FINE]


def test_a_receiver_that_takes_any_secret_is_a_problem() -> None:
    with answering(200, 200) as url:
        *_, found = check_receiver(url)

    assert (found.grade, found.message) == (
        Grade.PROBLEM,
        "a wrong secret is answered with 200, not 404",
    )


def test_a_receiver_that_is_not_there_is_a_problem() -> None:
    with answering(200, 404) as url:
        pass

    assert {each.grade for each in check_receiver(url)} == {Grade.PROBLEM}
