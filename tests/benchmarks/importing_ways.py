"""The ways to read a table of recipients, one of them in a process whose memory is its own."""

import csv
import enum
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import phonenumbers

from dispatcher.account_settings import AccountSettings
from dispatcher.domain.campaign import Campaign, DroppedRow, Recipient
from dispatcher.domain.routes import Render
from dispatcher.preparing import Preparation
from dispatcher.quoting import Observer, Payer, quote
from dispatcher.settings import Settings
from dispatcher.smsfactor.opening import open_client
from dispatcher.tables import read_recipients
from tests.benchmarks.importing_files import PLAIN_TEXT, TEXT
from tests.benchmarks.processes import ROOT, peak_memory

_ACCOUNT = "default"


class Way(enum.Enum):
    """What is done with each row."""

    CELLS = "cells"
    """`csv.reader` cuts it into cells."""

    LIBRARY = "library"
    """libphonenumber reads its number."""

    VALIDATED = "validated"
    """Its number is validated, for one text to all."""

    RENDERED = "rendered"
    """Three fields are rendered, too, and segments counted: what an offline quote does."""

    TAKEN_IN = "taken in"
    """The same, and batches are packed for lists: what `submit` does before it needs Redis."""

    GROUPED = "grouped"
    """As taken in, but for direct batches of one text each."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What a process printed.

    Attributes:
        rows: what it read.
        kept: recipients with a valid number.
        seconds: how long that took.
        processor: seconds of processor time in them.
        peak: at most so many bytes of memory.
    """

    rows: int
    kept: int
    seconds: float
    processor: float
    peak: int

    @property
    def per_second(self) -> float:
        return self.rows / self.seconds


def measure(way: Way, table: Path, *, most: int | None = None) -> Measured:
    """Read a table, or its first rows, in a process of its own.

    Raises:
        CalledProcessError: it failed.
    """
    words = [str(table), *([] if most is None else [str(most)])]
    command = [sys.executable, "-m", "tests.benchmarks.importing_ways", way.value, *words]
    run = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(run.stdout, type=Measured)


def main(way: Way, table: Path, most: int | None) -> None:
    """Read a table and print what it took."""
    busy, began = time.process_time(), time.perf_counter()
    rows, kept = _WAYS[way](table, most)
    measured = Measured(
        rows=rows,
        kept=kept,
        seconds=time.perf_counter() - began,
        processor=time.process_time() - busy,
        peak=peak_memory(os.getpid()),
    )
    print(msgspec.json.encode(measured).decode())


def _cut(table: Path, most: int | None) -> tuple[int, int]:
    with table.open(encoding="utf-8", newline="") as file:
        rows = sum(1 for _ in itertools.islice(csv.reader(file), 1, _end(most)))
    return rows, rows


def _ask_library(table: Path, most: int | None) -> tuple[int, int]:
    rows = kept = 0
    with table.open(encoding="utf-8", newline="") as file:
        for number, *_ in itertools.islice(csv.reader(file), 1, _end(most)):
            rows += 1
            kept += phonenumbers.is_valid_number(phonenumbers.parse(f"+{number}", None))
    return rows, kept


def _validate(table: Path, most: int | None) -> tuple[int, int]:
    return _quote(PLAIN_TEXT, _recipients(table, most, with_fields=False))


def _render(table: Path, most: int | None) -> tuple[int, int]:
    return _quote(TEXT, _recipients(table, most, with_fields=True))


def _quote(text: str, recipients: Iterator[Recipient]) -> tuple[int, int]:
    settings = _settings()
    with open_client(settings, _ACCOUNT) as api:
        made = quote(
            Campaign(text=text, recipients=recipients),
            Preparation(settings),
            Payer(name=_ACCOUNT, api=api),
            observer=Observer(),
            simulate=False,
        )
    return made.rows, made.recipients


def _take_in(table: Path, most: int | None, render: Render = Render.AUTO) -> tuple[int, int]:
    campaign = Campaign(
        text=TEXT, recipients=_recipients(table, most, with_fields=True), render=render
    )
    made = Preparation(_settings()).prepare(campaign, "measured", _ACCOUNT, _NOWHERE)
    assert made.filling is not None
    return made.filling.rows, made.filling.recipients


def _group(table: Path, most: int | None) -> tuple[int, int]:
    return _take_in(table, most, Render.HERE)


class _Nowhere:
    """The part of the store an intake uses, which keeps nothing."""

    def upload(self, upload: str, batches: Mapping[int, bytes]) -> None:
        """Forget some batches."""

    def upload_dropped(self, upload: str, chunk: int, rows: Sequence[DroppedRow]) -> None:
        """Forget some rows."""

    def discard(self, upload: str) -> None:
        """Forget everything."""

    def exists(self, campaign: str) -> bool:
        """Say that no campaign is known."""
        del campaign
        return False


_NOWHERE: Any = SimpleNamespace(campaigns=_Nowhere(), suppressions=None)


def _recipients(table: Path, most: int | None, *, with_fields: bool) -> Iterator[Recipient]:
    rows = itertools.islice(read_recipients(table, with_fields=with_fields), most)
    for row, number, own_id, fields, problem in rows:
        yield Recipient(number, own_id, row, fields, problem)


def _settings() -> Settings:
    account = AccountSettings.model_validate({"token": "sandbox-token"})
    return Settings(accounts={_ACCOUNT: account})


def _end(most: int | None) -> int | None:
    return None if most is None else most + 1


_WAYS: Mapping[Way, Callable[[Path, int | None], tuple[int, int]]] = {
    Way.CELLS: _cut,
    Way.LIBRARY: _ask_library,
    Way.VALIDATED: _validate,
    Way.RENDERED: _render,
    Way.TAKEN_IN: _take_in,
    Way.GROUPED: _group,
}


if __name__ == "__main__":
    main(Way(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if sys.argv[3:] else None)
