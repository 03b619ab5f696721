"""The script that an operator runs first, on a folder of its own."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from dispatcher.settings import Settings

ROOT = Path(__file__).parents[2]
ACCOUNT = "DISPATCHER_ACCOUNTS__DEFAULT__"


def prepare(folder: Path, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "deploy" / "prepare", *options, folder / "secrets"],
        env={**os.environ, "ENV_FILE": str(folder / "env"), **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def written(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".gitignore"
    }


def test_it_makes_secrets_that_differ_and_that_only_their_owner_reaches(tmp_path: Path) -> None:
    answer = prepare(tmp_path, "--sandbox")

    assert answer.returncode == 0, answer.stderr
    secrets = written(tmp_path / "secrets")
    made = [value for name, value in secrets.items() if not name.endswith(("USERNAME", "PASSWORD"))]
    assert len(set(made)) == len(made) == 10
    assert min(map(len, made)) >= 48
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert not any(value in answer.stderr + answer.stdout for value in made)


def test_the_service_understands_what_it_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(tmp_path, "--sandbox")
    for line in (tmp_path / "env").read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and name.startswith("DISPATCHER_"):
            monkeypatch.setenv(name, value)
    role = tmp_path / "role"
    role.mkdir()
    (role / "DISPATCHER_FLOWER_AUTH").write_text((tmp_path / "secrets/flower/auth").read_text())
    monkeypatch.setenv("DISPATCHER_SECRETS_DIR", f"{role}:{tmp_path / 'secrets' / 'accounts'}")

    settings = Settings.from_env()

    assert settings.api_url == "http://sandbox:8100"
    assert settings.account("default").username == "sandbox@example.com"
    assert settings.account("default").webhook_secret is not None
    assert settings.flower_auth is not None
    assert settings.flower_auth.get_secret_value().startswith("operator:")


def test_repeating_it_changes_nothing(tmp_path: Path) -> None:
    prepare(tmp_path, "--sandbox")
    before = written(tmp_path)

    answer = prepare(tmp_path, "--sandbox")

    assert answer.returncode == 0, answer.stderr
    assert "the sandbox: nothing is sent" in answer.stderr
    assert written(tmp_path) == before


def test_a_stack_for_the_sandbox_is_not_made_real_by_accident_nor_the_other_way(
    tmp_path: Path,
) -> None:
    prepare(tmp_path, "--sandbox")
    before = written(tmp_path)

    answer = prepare(tmp_path)

    assert answer.returncode == 1
    assert "is for the sandbox: nothing was changed" in answer.stderr
    assert written(tmp_path) == before
    real = (tmp_path / "env").read_text().replace("COMPOSE_PROFILES=sandbox", "")
    (tmp_path / "env").write_text(real)
    assert "is for real messages: nothing was changed" in prepare(tmp_path, "--sandbox").stderr


def test_a_folder_that_the_stack_does_not_read_is_refused(tmp_path: Path) -> None:
    prepare(tmp_path, "--sandbox")
    text = (tmp_path / "env").read_text().replace(f"{tmp_path}/secrets", "./elsewhere")
    (tmp_path / "env").write_text(text)

    answer = prepare(tmp_path, "--sandbox")

    assert answer.returncode == 1
    assert "has SECRETS_DIR=./elsewhere" in answer.stderr


def test_the_folder_is_its_owner_s_alone_and_never_committed(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir(mode=0o755)

    prepare(tmp_path, "--sandbox")

    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert (tmp_path / "secrets" / ".gitignore").read_text() == "*\n"


def test_without_anybody_to_ask_it_says_which_file_to_write(tmp_path: Path) -> None:
    answer = prepare(tmp_path)

    assert answer.returncode == 1
    assert f"{ACCOUNT}USERNAME" in answer.stderr
    assert not (tmp_path / "env").exists()


def test_credentials_that_are_there_are_taken(tmp_path: Path) -> None:
    accounts = tmp_path / "secrets" / "accounts"
    accounts.mkdir(parents=True)
    (accounts / f"{ACCOUNT}USERNAME").write_text("shop@example.com\n")
    (accounts / f"{ACCOUNT}PASSWORD").write_text("a-secret-password\n")

    answer = prepare(tmp_path)

    assert answer.returncode == 0, answer.stderr
    assert (accounts / f"{ACCOUNT}USERNAME").read_text() == "shop@example.com\n"
    assert "\nDISPATCHER_API_URL" not in (tmp_path / "env").read_text()


@pytest.mark.parametrize(
    ("code", "says"),
    [(1, " docker-compose --env-file "), (0, " docker compose --env-file ")],
    ids=["compose 1 alone", "compose 2"],
)
def test_it_ends_with_the_command_that_this_machine_has(
    tmp_path: Path, code: int, says: str
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("docker", "docker-compose"):
        program = programs / name
        program.write_text(f"#!/bin/sh\nexit {code}\n")
        program.chmod(0o755)

    answer = prepare(tmp_path, "--sandbox", PATH=f"{programs}{os.pathsep}{os.environ['PATH']}")

    assert answer.returncode == 0, answer.stderr
    assert says in answer.stderr + answer.stdout
