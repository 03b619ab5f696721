"""The benchmarks work, small; how fast they are depends on the machine and is not judged."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from tests.support.polling import eventually

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "tests.benchmarks.dispatch")


def test_it_compares_every_way_of_sending_and_checks_who_was_sent_to() -> None:
    run = subprocess.run(
        [*COMMAND, "--recipients", "2000", "--sample", "20"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert len(re.findall(r"b = \d+\.\d\d x [acd]\b", run.stdout)) == 3
    assert "Correct: 2,000 recipients, each sent to once" in run.stdout


def test_it_measures_how_a_budget_is_kept_and_checks_who_was_sent_to() -> None:
    sizes = ("--workers", "1", "2", "--rate", "40", "--seconds", "3")
    run = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.pacing", *sizes],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert len(re.findall(r"(arrived|granted): +\d+\.\d+ s, mean", run.stdout)) == 4
    assert run.stdout.endswith("Correct: every recipient was sent to once\n")


def test_it_measures_how_soon_alerts_go_out_and_checks_who_was_sent_to() -> None:
    sizes = ("--recipients", "4000", "--alerts", "2", "--latency", "0.05", "--rate", "1000")
    run = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.alerts", *sizes],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert len(re.findall(r"2 alerts, p50 \d+\.\d+ s, p95 \d+\.\d+ s", run.stdout)) == 2
    assert run.stdout.endswith("Correct: every recipient was sent to once\n")


def test_it_leaves_no_process_behind_even_when_it_is_killed() -> None:
    benchmark = subprocess.Popen(
        [*COMMAND, "--recipients", "200000"], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    with benchmark:
        family = eventually(lambda: _started_by(benchmark, "celery"), within=60)

        benchmark.send_signal(signal.SIGKILL)

    eventually(lambda: not any(_is_alive(process) for process in family))


def test_it_compares_every_way_of_reading_a_table_and_checks_what_was_read() -> None:
    sizes = ("--rows", "3000", "--some", "200", "--sample", "100", "--compared", "800")
    run = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.importing", *sizes],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert len(re.findall(r"^[a-i]  .* \d+\.\d%", run.stdout, re.MULTILINE)) == 9
    assert "Of 800 random numbers of 20 countries, 0 were read otherwise" in run.stdout
    assert run.stdout.endswith("Correct: every row of every table was kept.\n")


def test_it_measures_receipts_beside_servers_that_do_less() -> None:
    sizes = ("--rounds", "1", "--seconds", "0.3", "--connections", "8", "--recipients", "2000")
    run = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.receipts", *sizes],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert len(re.findall(r"^  receiver, .* \d", run.stdout, re.MULTILINE)) == 6
    assert "MiB a million" in run.stdout
    assert run.stdout.endswith("Correct: every receipt was merged.\n")


def test_it_measures_how_throughput_grows_with_workers() -> None:
    sizes = ("--workers", "1", "2", "--campaigns", "6", "--batches", "2", "--batch-size", "20")
    run = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.scaling", *sizes],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert len(re.findall(r"^ +[12] +\d+\.\d\d +\d", run.stdout, re.MULTILINE)) == 2
    assert run.stdout.endswith(
        "Correct: every recipient was sent to once, for the cost on record.\n"
    )


def test_it_looks_for_memory_that_grows_and_keys_that_stay() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.soak", "--minutes", "0.1", "--pause", "0.3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert len(re.findall(r"^(?:worker|beat|web|monitor) ", run.stdout, re.MULTILINE)) == 4
    assert run.stdout.endswith("Correct: all ended, nothing is left.\n")


def _started_by(benchmark: "subprocess.Popen[bytes]", word: str) -> list[psutil.Process]:
    """List its descendants once one of them was started with a word."""
    family = psutil.Process(benchmark.pid).children(recursive=True)
    return family if any(word in _command_of(process) for process in family) else []


def _command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        # It ended since it was listed.
        return ""


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
