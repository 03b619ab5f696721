import json
import subprocess
import sys
from typing import Any

START = "from dispatcher.json_lines import write_json_lines; write_json_lines()"


def lines_of(*statements: str, logs: bool = True) -> list[dict[str, Any]]:
    """Run statements in a process of its own; give each line it wrote, which must be JSON."""
    configure = (
        "from dispatcher.settings import Settings",
        "from dispatcher.logs import configure_logs",
        "configure_logs(Settings(log_format='json'))",
    )
    code = "\n".join([START, *(configure if logs else ()), *statements])
    ended = subprocess.run(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_what_is_printed_is_the_event_of_an_object() -> None:
    [printed] = lines_of("print('a banner' + chr(10) + 'and more')")

    assert printed["event"] == "a banner\nand more"
    assert (printed["logger"], printed["level"]) == ("stdout", "info")
    assert printed["timestamp"].endswith("Z")


def test_what_is_logged_is_not_put_into_an_object_twice() -> None:
    [logged] = lines_of("import structlog; structlog.get_logger('x').warning('it', batch=3)")

    assert (logged["event"], logged["batch"], logged["level"]) == ("it", 3, "warning")


def test_the_last_words_of_a_process_are_an_object() -> None:
    [said] = lines_of("import sys; sys.exit('cannot start: for a reason')", logs=False)

    assert (said["event"], said["logger"]) == ("cannot start: for a reason", "stderr")


def test_an_uncaught_exception_is_one_object_with_its_traceback() -> None:
    [logged] = lines_of("raise ValueError('of the right kind')")

    assert (logged["event"], logged["level"]) == ("uncaught exception", "critical")
    assert "Traceback" in logged["exception"]
    assert "ValueError: of the right kind" in logged["exception"]


def test_so_is_one_before_logs_are_configured() -> None:
    [logged] = lines_of("raise ValueError('of the right kind')", logs=False)

    assert "ValueError: of the right kind" in logged["event"]


def test_so_is_one_of_a_thread() -> None:
    [logged] = lines_of("import threading", "threading.Thread(target=int, args=('one',)).start()")

    assert "invalid literal" in logged["exception"]


def test_a_warning_is_one_object() -> None:
    [logged] = lines_of("import warnings; warnings.warn('it is old', UserWarning)")

    assert logged["logger"] == "py.warnings"
    assert logged["event"].endswith("UserWarning: it is old")


def test_whoever_asks_for_the_descriptor_does_not_get_it() -> None:
    [said] = lines_of(
        "import sys",
        "try: sys.stderr.fileno()",
        "except OSError as error: print(type(error).__name__)",
    )

    assert said["event"] == "UnsupportedOperation"


def test_libraries_that_try_bytes_find_a_stream_of_text() -> None:
    told = lines_of("import click", "click.echo('a usage error', err=True)", logs=False)

    assert [each["event"] for each in told] == ["a usage error"]
