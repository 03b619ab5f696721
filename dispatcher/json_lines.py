"""Makes each line that a process writes a JSON object, whoever wrote it.

Logs are one source of lines only: libraries print banners, the interpreter prints tracebacks and
the last words of `sys.exit`.
"""

import io
import logging
import os
import sys
import threading
import warnings
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO

import msgspec

_log = logging.getLogger("dispatcher.uncaught")


class JsonLines(io.TextIOBase):
    """A stream that writes what it is given as the `event` of one JSON object.

    What is written piece by piece belongs together until a piece ends a line.

    Attributes:
        beneath: the stream that takes text as it is, for whoever writes JSON already.
    """

    encoding = "utf-8"
    errors = "strict"

    def __init__(self, beneath: TextIO, name: str, level: str) -> None:
        """Take the place of a stream; `name` and `level` are those of each object."""
        super().__init__()
        self.beneath = beneath
        self._descriptor = beneath.fileno()
        self._name = name
        self._level = level
        self._pieces: list[str] = []
        # A signal's handler may write while the same thread is writing.
        self._lock = threading.RLock()

    def writable(self) -> bool:
        """Say yes."""
        return True

    def fileno(self) -> int:
        """Refuse: whoever had the descriptor could write to it what is no JSON.

        Raises:
            UnsupportedOperation: always.
        """
        raise io.UnsupportedOperation("fileno")

    def write(self, text: str) -> int:
        """Keep text, or write all that was kept if it ends a line.

        Raises:
            TypeError: it is bytes; click tries, to find out what kind of stream this is.
        """
        with self._lock:
            self._pieces.append("" + text)
            if text.endswith("\n"):
                self.flush()
        return len(text)

    def flush(self) -> None:
        """Write what was kept."""
        with self._lock:
            event, self._pieces = "".join(self._pieces).strip(), []
            if not event:
                return
            document = {
                "event": event,
                "level": self._level,
                "logger": self._name,
                "timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
            }
            left = msgspec.json.encode(document) + b"\n"
            while left:
                left = left[os.write(self._descriptor, left) :]


def write_json_lines() -> None:
    """Turn all that this process says from now on into JSON; once is enough."""
    if isinstance(sys.stdout, JsonLines):
        return
    sys.stdout.flush()
    sys.stdout = sys.__stdout__ = JsonLines(sys.stdout, "stdout", "info")  # type: ignore[assignment, misc]  # a stream like another
    sys.stderr = sys.__stderr__ = JsonLines(sys.stderr, "stderr", "error")  # type: ignore[assignment, misc]  # as above
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread
    logging.captureWarnings(capture=True)
    warnings.formatwarning = _one_line


def beneath(stream: TextIO) -> TextIO:
    """Give the stream that takes JSON as it is."""
    return stream.beneath if isinstance(stream, JsonLines) else stream


def _log_uncaught(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        _log.warning("interrupted")
        return
    _log.critical("uncaught exception", exc_info=(kind, error, traceback))


def _log_uncaught_in_thread(given: threading.ExceptHookArgs) -> None:
    if given.exc_value is not None:
        _log_uncaught(given.exc_type, given.exc_value, given.exc_traceback)


def _one_line(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    line: str | None = None,  # noqa: ARG001 - the library's own signature
) -> str:
    return f"{filename}:{lineno}: {category.__name__}: {message}"
