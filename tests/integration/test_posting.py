import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.support.endpoint import Endpoint, Reaction, running_endpoint
from workers.callbacks.addresses import Address
from workers.callbacks.posting import Answer, Poster


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with running_endpoint() as endpoint:
        yield endpoint


def post(url: str, *, allow_private: bool = True, timeout: float = 5) -> Answer:
    return Poster().post(url, b"{}", {"x-mark": "7"}, timeout=timeout, allow_private=allow_private)


def test_what_is_posted_arrives_as_it_is(endpoint: Endpoint) -> None:
    answer = post(endpoint.url)

    assert answer == Answer(status=204)
    (request,) = endpoint.received
    assert (request.path, request.body) == ("/hook?tenant=7", b"{}")
    assert request.headers["host"] == f"127.0.0.1:{endpoint.port}"
    assert request.headers["x-mark"] == "7"


def test_redirects_are_not_followed(endpoint: Endpoint) -> None:
    endpoint.answer(Reaction(status=307, headers={"location": endpoint.url}))

    answer = post(endpoint.url)

    assert not answer.is_success
    assert answer.why == "it answered 307, and redirects are not followed"
    assert len(endpoint.received) == 1


@pytest.mark.parametrize("reaction", [Reaction(hangs=True), Reaction(trickles=True)])
def test_an_endpoint_that_hangs_or_trickles_is_left_at_the_deadline(
    endpoint: Endpoint, reaction: Reaction
) -> None:
    endpoint.answer(reaction)
    began = time.monotonic()

    answer = post(endpoint.url, timeout=0.3)

    assert answer == Answer(status=None, why="it did not answer in time")
    assert time.monotonic() - began < 5


def test_an_endless_body_is_not_read(endpoint: Endpoint) -> None:
    endpoint.answer(Reaction(status=200, headers={"content-length": str(1 << 40)}))

    assert post(endpoint.url).is_success


def test_a_connection_that_is_closed_is_a_failure_and_names_no_address(endpoint: Endpoint) -> None:
    endpoint.answer(Reaction(status=0))

    answer = post(endpoint.url)

    assert answer.status is None
    assert answer.why == "the connection failed (RemoteDisconnected)"


def test_a_private_address_is_refused_before_anything_is_sent(endpoint: Endpoint) -> None:
    for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1"):
        answer = post(f"http://{host}:{endpoint.port}/", allow_private=False)

        assert answer.why == "its host has an address of a private or special network"
    assert endpoint.received == []


def test_a_name_that_turns_private_after_the_check_is_not_asked_again(endpoint: Endpoint) -> None:
    answers = iter(["127.0.0.1", "127.0.0.2"])

    def rebinding(host: str, port: int) -> Sequence[Address]:
        assert host == "shop.example"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    found = Poster(rebinding).post(
        f"http://shop.example:{endpoint.port}/", b"{}", {}, timeout=5, allow_private=True
    )

    assert found.is_success
    assert endpoint.received[0].headers["host"] == f"shop.example:{endpoint.port}"
    assert next(answers) == "127.0.0.2"


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("120", 120), ("0", 0), ("soon", 0), ("-5", 0), ("99999999999999", 86_400), ("\xb2", 0)],
)
def test_retry_after_is_read_within_bounds(endpoint: Endpoint, given: str, seconds: int) -> None:
    endpoint.answer(Reaction(status=429, headers={"retry-after": given}))

    assert post(endpoint.url).retry_after == seconds


def test_retry_after_may_be_a_date(endpoint: Endpoint) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    endpoint.answer(Reaction(status=503, headers={"retry-after": soon}))

    assert 500 < post(endpoint.url).retry_after <= 600


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl here")
    file = tmp_path / "certificate.pem"
    subject = ["-subj", "/CN=shop.example", "-addext", "subjectAltName=DNS:shop.example"]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    files = ["-keyout", str(file) + ".key", "-out", str(file), "-days", "2"]
    command = [openssl, "req", *kind, *files, *subject]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return file


@pytest.mark.parametrize(("host", "accepted"), [("shop.example", True), ("other.example", False)])
def test_the_certificate_must_be_the_names_though_the_address_was_pinned(
    certificate: Path,
    host: str,
    accepted: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate, f"{certificate}.key")
    names: list[str | None] = []
    served.sni_callback = lambda _socket, name, _context: names.append(name)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def serve() -> None:
        plain, _ = listener.accept()
        try:
            with served.wrap_socket(plain, server_side=True) as secure:
                received = b""
                while not received.endswith(b"{}"):
                    received += secure.recv(65536)
                secure.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        except OSError:
            plain.close()

    thread = threading.Thread(target=serve)
    thread.start()
    here: list[Address] = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    poster = Poster(lambda _host, _port: here, ssl.create_default_context(cafile=str(certificate)))

    answer = poster.post(f"https://{host}:{port}/", b"{}", {}, timeout=10, allow_private=True)
    thread.join()
    listener.close()

    assert names == [host]
    assert answer.is_success is accepted
    if not accepted:
        assert answer.why == "its certificate or its TLS is not accepted"
