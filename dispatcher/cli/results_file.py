"""Writes results as CSV or JSON lines, one row at a time, however many there are."""

import csv
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TextIO

import msgspec
import typer

from dispatcher.domain.campaign import RecipientResult

HEADER = ("number", "id", "state", "reason", "ticket", "receipt", "sent_at", "receipt_at", "place")


@contextmanager
def opened_for_results(path: Path | None) -> Iterator[TextIO]:
    """Open standard output, or a file that appears only once it is whole.

    Raises:
        BadParameter: there is no folder for it.
    """
    if path is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    if not path.parent.is_dir():
        raise typer.BadParameter(f"{path}: there is no folder {path.parent} to write it to")
    with NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}.", newline="", encoding="utf-8", delete=False
    ) as file:
        try:
            yield file  # type: ignore[misc]  # its wrapper is a text stream in all but name
        except BaseException:
            Path(file.name).unlink()
            raise
    Path(file.name).replace(path)


def write_csv(results: Iterable[RecipientResult], stream: TextIO) -> None:
    """Write a header and a line for each result."""
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(HEADER)
    table.writerows(map(_cells, results))


def write_json_lines(results: Iterable[RecipientResult], stream: TextIO) -> None:
    """Write a JSON document for each result."""
    encoder = msgspec.json.Encoder()
    stream.writelines(encoder.encode(result).decode() + "\n" for result in results)


def _cells(result: RecipientResult) -> tuple[str, ...]:
    return (
        result.number,
        result.id or "",
        result.state.value,
        result.reason or "",
        result.ticket or "",
        result.receipt or "",
        _moment(result.sent_at),
        _moment(result.receipt_at),
        "" if result.place is None else str(result.place),
    )


def _moment(at: datetime | None) -> str:
    return "" if at is None else at.isoformat()
