"""Erases people from files that workers and receivers keep on this machine."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from dispatcher.domain.erasure import Person
from dispatcher.settings import Settings
from dispatcher.web.spool import SpoolFile


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What was found in files.

    Attributes:
        files: how many were looked through.
        erased: received bodies that were taken out.
        left: names of files that somebody is still in.
    """

    files: int
    erased: int
    left: tuple[str, ...]


def erase_from_files(settings: Settings, person: Person) -> Kept:
    """Take somebody out of the spool, and look whether the journal names them, which it should not.

    A file that a receiver is working on is left alone: what is in it goes to Redis in a moment.
    """
    erased, left = 0, []
    files = [*_files(settings.spool_dir), *_files(settings.journal_dir)]
    for path in files:
        # Drained meanwhile.
        with contextlib.suppress(FileNotFoundError):
            if not person.is_in(path.read_bytes()):
                continue
            found = _erase(path, person)
            erased += found
            if not found:
                left.append(path.name)
    return Kept(files=len(files), erased=erased, left=tuple(left))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_file())


def _erase(path: Path, person: Person) -> int:
    file = SpoolFile.claim(path) if SpoolFile.is_one(path) else None
    if file is None:
        return 0
    with contextlib.closing(file):
        return file.take_out(person.is_in)
