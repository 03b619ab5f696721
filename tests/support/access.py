"""The users of deploy/users.acl on a server of the tests, where the tests themselves may do all."""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from redis import Redis

from dispatcher.embedded import EmbeddedRedis

DEPLOY = Path(__file__).parents[2] / "deploy"
TEMPLATE = DEPLOY / "users.acl"
USERS = tuple(
    line.split()[1]
    for line in TEMPLATE.read_text().splitlines()
    if line.startswith("user ") and " PASSWORD " in line
)
# The clock of a bench is a key of the tests' own.
_BENCH_CLOCK = "%R~test:now"
_TESTS = "user default on nopass ~* &* +@all"


def password(user: str) -> str:
    """Give a user's password: one with everything that means something in a URL."""
    return f"{user}:/@?#[%41]&+é ü"


def as_user(url: str, user: str) -> str:
    """Write a user and its password into the address of a server."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    sign_in = f"{quote(user, safe='')}:{quote(password(user), safe='')}"
    return urlunsplit(parts._replace(netloc=f"{sign_in}@{place}"))


def render(secrets: Path, *arguments: str) -> str:
    """Render the template as a server gets it."""
    with TEMPLATE.open() as template:
        done = subprocess.run(
            ["/bin/sh", str(DEPLOY / "acl"), str(secrets), *arguments],
            stdin=template,
            capture_output=True,
            check=True,
            text=True,
        )
    return done.stdout


def write_secrets(folder: Path) -> Path:
    """Write the password of each user into a file of its name; give the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for user in USERS:
        (folder / user).write_text(password(user) + "\n")
    return folder


def write_users(folder: Path, *, with_tests: bool = True) -> Path:
    """Write the file a server loads; give its path.

    Args:
        folder: where to.
        with_tests: let whoever names no user do all, and read the clock of a bench.
    """
    users = _rendered()
    if with_tests:
        default, *others = users.splitlines()
        assert default.startswith("user default off")
        lines = [_TESTS, *(_with_clock(line) for line in others)]
        users = "\n".join(lines) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "users.acl"
    path.write_text(users)
    return path


def server_with_users(
    folder: Path, *, binary: Path | None = None, options: Mapping[str, str] | None = None
) -> EmbeddedRedis:
    """Prepare a server that knows the users, and lets the tests do all."""
    users = write_users(folder)
    return EmbeddedRedis(folder, binary=binary, options={**(options or {}), "aclfile": str(users)})


def denials(client: Redis) -> list[str]:
    """Say what was refused to whom."""
    log: Any = client.acl_log()
    return [f"{found['username']}: {found['reason']} {found['object']}" for found in log]


@cache
def _rendered() -> str:
    secrets = write_secrets(Path(tempfile.mkdtemp()))
    try:
        return render(secrets)
    finally:
        shutil.rmtree(secrets)


def _with_clock(line: str) -> str:
    return line.replace(" ~sms:{*}:* ", f" ~sms:{{*}}:* {_BENCH_CLOCK} ")
