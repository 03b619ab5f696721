"""`dispatcher forget`, on a real Redis, beside what workers and receivers keep on this machine."""

import fcntl
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ResponseError
from typer.testing import CliRunner

from dispatcher.cli.main import app
from dispatcher.domain.suppressions import SuppressionSource
from dispatcher.store.inbox import Hook
from dispatcher.store.keys import Key
from dispatcher.store.suppressions import Addition
from dispatcher.web.spool import Spool, Spooled, SpoolFile
from tests.support.bench import FIRST_NUMBER, Bench
from tests.support.polling import eventually

ADA = "06 39 98 00 01"
THEIRS = b'{"status":3,"destination":"33639980001"}'
OTHERS = b'{"status":3,"destination":"33639980002"}'

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `dispatcher forget`; give exit code, output and errors."""
    monkeypatch.setenv("DISPATCHER_REDIS_URL", redis_url)
    monkeypatch.setenv("DISPATCHER_API_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("DISPATCHER_ACCOUNTS__DEFAULT__USERNAME", "sandbox@example.com")
    monkeypatch.setenv("DISPATCHER_ACCOUNTS__DEFAULT__PASSWORD", "sandbox")
    monkeypatch.setenv("DISPATCHER_SPOOL_DIR", str(tmp_path / "spool"))
    monkeypatch.setenv("DISPATCHER_JOURNAL_DIR", str(tmp_path / "journal"))

    def run_it(*arguments: str) -> tuple[int, str, str]:
        found = CliRunner().invoke(app, ["forget", *arguments])
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return found.exit_code, found.stdout, found.stderr

    return run_it


@pytest.fixture
def bench(redis_url: str) -> Bench:
    return Bench(redis_url)


def spooled(folder: Path, *bodies: bytes) -> Path:
    spool = Spool(folder / "spool", max_bytes=1 << 20)
    spool.append(Spooled(Hook.DLR, "default", list(bodies)))
    spool.close()
    return spool.finished()[0]


def test_the_proof_is_printed(run: Run, bench: Bench) -> None:
    bench.ready()

    code, output, _ = run(ADA)

    assert code == 0
    assert "recipients erased" in output
    assert output.rstrip().endswith("nowhere")
    assert "39980001" not in output.replace(" ", "")


def test_scripts_get_it_as_json(run: Run, bench: Bench) -> None:
    bench.ready()

    code, output, _ = run(ADA, "--json", "--by", "Léa")

    found = json.loads(output)
    assert code == 0
    assert found["is_complete"]
    assert found["redis"]["recipients"] == 1
    assert found["redis"]["proof"]["traces"] == []
    assert found["redis"]["proof"]["keys"] > 5
    (entry,) = bench.account.erasure.logged()
    assert entry["by"] == "Léa"


def test_what_was_erased_is_listed_without_whose_it_was(run: Run, bench: Bench) -> None:
    bench.ready()
    run(ADA, "--by", "Léa")

    found = CliRunner().invoke(app, ["forgotten"])

    assert re.search(r"Léa +1 +0 +0 +0", found.stdout)
    (entry,) = json.loads(CliRunner().invoke(app, ["forgotten", "--json"]).stdout)
    assert (entry["by"], entry["recipients"], entry["traces"]) == ("Léa", 1, 0)
    assert datetime.fromisoformat(entry["at"]).tzinfo is not None
    assert "39980001" not in found.stdout


def test_somebody_in_a_post_under_way_is_told_as_not_erased_yet(run: Run, bench: Bench) -> None:
    bench.ready()
    bench.claim()

    code, output, errors = run(ADA, "--timeout", "0")

    assert code == 4
    assert "batches on their way" in output
    assert "recipients:c1: 1 time" in errors
    assert "same command" in errors


def test_who_is_on_an_account_that_is_not_configured_is_told_with_what_to_set(
    run: Run, bench: Bench
) -> None:
    numbers = [FIRST_NUMBER]
    listed = bench.store.account("club").suppressions
    at = datetime(2026, 11, 22, tzinfo=UTC)
    listed.add(Addition(numbers=numbers, source=SuppressionSource.OPERATOR, at=at))

    code, _, errors = run(f"+{FIRST_NUMBER}")

    assert code == 4
    assert "account club is not configured here" in errors
    assert "DISPATCHER_ACCOUNTS__CLUB__USERNAME" in errors


def test_what_is_no_number_is_refused(run: Run) -> None:
    with pytest.raises(Exception, match="number: not a phone number"):
        run("Ada")


def test_bodies_about_them_are_taken_out_of_the_spool(run: Run, tmp_path: Path) -> None:
    path = spooled(tmp_path, THEIRS, OTHERS)

    code, output, _ = run(ADA, "--json")

    assert code == 0
    assert json.loads(output)["files"] == {"files": 1, "erased": 1, "left": []}
    assert not path.exists()
    (left,) = (tmp_path / "spool").iterdir()
    file = SpoolFile.claim(left)
    assert file is not None
    assert [record.bodies for record in file.records] == [[OTHERS]]
    assert not file.damaged
    file.close()


def test_a_file_of_the_spool_about_nobody_else_is_deleted(run: Run, tmp_path: Path) -> None:
    spooled(tmp_path, THEIRS)

    assert run(ADA)[0] == 0

    assert list((tmp_path / "spool").iterdir()) == []


def test_a_damaged_file_with_them_in_it_is_deleted(run: Run, tmp_path: Path) -> None:
    path = spooled(tmp_path, THEIRS, OTHERS)
    damaged = path.with_suffix(".damaged")
    damaged.write_bytes(path.read_bytes()[:-3])
    path.unlink()

    assert run(ADA)[0] == 0

    assert not damaged.exists()


def test_a_file_a_receiver_works_on_is_told(run: Run, tmp_path: Path) -> None:
    path = spooled(tmp_path, THEIRS)

    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        code, _, errors = run(ADA)

    assert code == 4
    assert path.name in errors
    assert path.exists()


def test_a_journal_that_names_them_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "default.x.jsonl").write_text(f'{{"why": "{FIRST_NUMBER + 1}"}}\n')

    code, _, errors = run(ADA)

    assert code == 4
    assert "default.x.jsonl" in errors


def test_a_campaign_that_is_named_after_them_is_told_without_the_number(
    run: Run, bench: Bench
) -> None:
    bench.submit(f"for-{FIRST_NUMBER + 1}")

    code, _, errors = run(ADA)

    assert code == 4
    assert "still in (number)" in errors
    assert "39980001" not in errors
    assert bench.client.exists(bench.keys.of(Key.CAMPAIGN, f"for-{FIRST_NUMBER + 1}"))


def test_redis_rewrites_its_append_only_file(run: Run, bench: Bench) -> None:
    bench.ready()
    # Tests before may have had it rewritten, too.
    eventually(lambda: not bench.client.info("persistence")["aof_rewrite_in_progress"])

    _, output, _ = run(ADA)

    assert "append-only file" in output
    assert "rewritten in the background" in " ".join(output.split())


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("Background append only file rewriting already in progress", "after the one under way"),
        ("unknown command 'BGREWRITEAOF'", "until its next rewrite"),
        ("this user has no permissions to run the 'bgrewriteaof' command", "until its next"),
    ],
)
def test_a_file_that_is_not_rewritten_yet_is_told(
    run: Run, bench: Bench, monkeypatch: pytest.MonkeyPatch, reply: str, words: str
) -> None:
    def refuse(_: Redis) -> None:
        raise ResponseError(reply)

    monkeypatch.setattr(Redis, "bgrewriteaof", refuse)
    bench.ready()

    code, output, _ = run(ADA)

    assert code == 0
    assert words in " ".join(output.split())
