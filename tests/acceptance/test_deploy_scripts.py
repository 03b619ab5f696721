"""The scripts that containers ask themselves by, and that rehearse the whole stack."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from dispatcher.embedded import free_port

DEPLOY = Path(__file__).parents[2] / "deploy"


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/live" else 503)
        self.end_headers()
        self.wfile.write(b"so it is")

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def run(*command: str | Path, path: str | None = None) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PATH": path or os.environ["PATH"]}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_a_container_is_healthy_while_its_page_says_so(port: int) -> None:
    well = run(DEPLOY / "healthy", f"{port}/live")
    ill = run(DEPLOY / "healthy", f"{port}/ready")

    assert (well.returncode, well.stdout) == (0, "so it is\n")
    assert (ill.returncode, ill.stdout) == (1, "so it is\n")


def test_a_container_that_does_not_answer_is_not_healthy() -> None:
    gone = run(DEPLOY / "healthy", f"{free_port()}/live")

    assert gone.returncode == 1
    assert gone.stderr == "no answer (ConnectionRefusedError)\n"


def test_without_an_engine_nothing_counts_as_rehearsed(tmp_path: Path) -> None:
    answer = run(sys.executable, DEPLOY / "rehearse", path=str(tmp_path))

    assert answer.returncode == 3
    assert "NOT REHEARSED" in answer.stderr


def test_the_users_of_valkey_are_rendered_with_the_secrets_that_are_prepared(
    tmp_path: Path,
) -> None:
    secrets = tmp_path / "secrets"
    env = {**os.environ, "ENV_FILE": str(tmp_path / "env")}
    subprocess.run([DEPLOY / "prepare", "--sandbox", secrets], env=env, check=True)
    shell = shutil.which("sh")
    assert shell is not None

    rendered = subprocess.run(
        [shell, DEPLOY / "acl", secrets / "users"],
        input=(DEPLOY / "users.acl").read_text(),
        capture_output=True,
        text=True,
        check=True,
    )

    on = {line.split()[1] for line in rendered.stdout.splitlines() if line.split()[2] == "on"}
    assert on == {"dispatcher", "receiver", "broker", "publisher", "flower", "monitor"}
