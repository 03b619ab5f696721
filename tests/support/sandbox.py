"""A real sandbox process, and a webhook receiver that remembers what it was sent."""

import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from subprocess import PIPE, Popen
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

from tests.support.warm import WarmPopen

HEADERS = {"sfusername": "sandbox@example.com", "sfpassword": "sandbox"}
JSON = {"Accept": "application/json"}
XML = {"Accept": "application/xml"}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An HTTP answer, as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the test expects
        return json.loads(self.body)

    @property
    def xml(self) -> list[tuple[str, Any]]:
        """The fields of the response in order; those with children as such lists themselves."""
        root = etree.fromstring(self.body)
        assert root.tag == "response"
        return _fields(root)


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """How tests talk to a running sandbox."""

    url: str
    process: "Popen[str]"

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] = {**HEADERS, **JSON},
        timeout: float = 60.0,
    ) -> Answer:
        """Send exactly these bytes and headers; anything but bytes or text is sent as JSON."""
        content = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
        raw = content.encode() if isinstance(content, str) else content
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=timeout)
        try:
            connection.request(method, path, raw, dict(headers))
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.getheaders()}
            return Answer(status=response.status, headers=received, body=response.read())
        finally:
            connection.close()

    def send(self, *numbers: str, text: str = "Bonjour", **message: object) -> Answer:
        """POST /send to numbers, with ids m0, m1…"""
        return self.call("POST", "/send", sms(*numbers, text=text, **message))

    def control(self, method: str, route: str, order: object = None) -> Any:  # noqa: ANN401
        answer = self.call(method, f"/_sandbox/{route}", order, headers={})
        assert answer.status == 200, answer.body
        return answer.json

    def ledger(self, query: str = "") -> list[dict[str, Any]]:
        """Every accepted campaign."""
        lines = self.call("GET", f"/_sandbox/ledger{query}", headers={}).body.splitlines()
        return [json.loads(line) for line in lines]

    @property
    def credits(self) -> int:
        return int(self.call("GET", "/credits").json["credits"])


@contextmanager
def running_sandbox(*options: str) -> Iterator[Sandbox]:
    """Run `python -m dispatcher.sandbox` with options on a free port."""
    process = WarmPopen[str](
        [sys.executable, "-m", "dispatcher.sandbox", *options],
        stdout=PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        prefix = "sandbox listening on "
        assert line.startswith(prefix), line
        yield Sandbox(url=line.removeprefix(prefix).strip(), process=process)
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


@dataclass(kw_only=True)
class Receiver:
    """A webhook receiver; `status` is what it answers from now on."""

    url: str = ""
    status: int = 200
    events: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """Run a webhook receiver on a free port."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if receiver.status == 200:
                receiver.headers.append({k.lower(): v for k, v in self.headers.items()})
                receiver.events.append(event)
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/dlr"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def sms(*numbers: str, text: str = "Bonjour", **message: object) -> dict[str, object]:
    """Build the JSON body of POST /send, with ids m0, m1…"""
    gsm = [{"gsmsmsid": f"m{place}", "value": number} for place, number in enumerate(numbers)]
    return {"sms": {"message": {"text": text, **message}, "recipients": {"gsm": gsm}}}


def _fields(element: Any) -> list[tuple[str, Any]]:  # noqa: ANN401 - lxml has no types
    return [(child.tag, _fields(child) if len(child) else child.text or "") for child in element]
