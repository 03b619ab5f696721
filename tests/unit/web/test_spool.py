import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from dispatcher.store.inbox import Hook
from dispatcher.web import spool as spool_module
from dispatcher.web.spool import Spool, Spooled, SpoolFile, SpoolFullError

ONE = Spooled(Hook.DLR, "shop", [b"first", b"second"])
TWO = Spooled(Hook.DLR, "clinic", [b"\xff not text"])


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool", max_bytes=1_000_000)
    yield spool
    spool.close()


def read(path: Path) -> list[Spooled]:
    file = SpoolFile.claim(path)
    assert file is not None
    file.close()
    return list(file.records)


def test_records_come_back_as_they_were_in_the_order_they_came(spool: Spool) -> None:
    spool.append(ONE)
    spool.append(TWO)

    [path] = spool.finished()

    assert read(path) == [ONE, TWO]


def test_every_record_is_on_disk_before_append_returns(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_size))

    spool.append(ONE)
    spool.append(TWO)

    folder, first, second = synced
    assert 0 < first < second
    assert folder != first


def test_nobody_takes_a_file_that_is_being_written(spool: Spool, tmp_path: Path) -> None:
    spool.append(ONE)
    [path] = (tmp_path / "spool").glob("*.spool")

    assert SpoolFile.claim(path) is None
    spool.close()
    assert read(path) == [ONE]


def test_two_receivers_do_not_take_the_same_file(spool: Spool) -> None:
    spool.append(ONE)
    [path] = spool.finished()

    ours = SpoolFile.claim(path)

    assert ours is not None
    assert SpoolFile.claim(path) is None
    ours.remove()
    ours.close()
    assert SpoolFile.claim(path) is None


def test_a_long_outage_makes_many_files_which_stay_in_order(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "_FILE_BYTES", 100)
    records = [Spooled(Hook.DLR, "shop", [b"%030d" % n]) for n in range(10)]

    for record in records:
        spool.append(record)
    paths = spool.finished()

    assert len(paths) > 1
    assert [record for path in paths for record in read(path)] == records


def test_a_full_spool_takes_nothing_and_says_so(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=60)
    spool.append(ONE)

    with pytest.raises(SpoolFullError, match="60 bytes"):
        spool.append(ONE)

    [path] = spool.finished()
    assert read(path) == [ONE]


def test_a_disk_that_fails_in_mid_record_leaves_no_half_record(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise OSError(28, "No space left on device")

    spool.append(ONE)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        with pytest.raises(SpoolFullError, match="No space left on device"):
            spool.append(TWO)
    spool.append(TWO)

    first, second = spool.finished()
    assert read(first) == [ONE]
    assert read(second) == [TWO]


def test_a_folder_that_cannot_be_made_is_a_full_spool(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    spool = Spool(tmp_path / "file" / "spool", max_bytes=1_000_000)

    with pytest.raises(SpoolFullError):
        spool.append(ONE)

    assert not spool.has_room()


@pytest.mark.parametrize("cut", [1, 5, 12])
def test_a_record_cut_off_by_a_crash_spoils_none_before_it(spool: Spool, cut: int) -> None:
    spool.append(ONE)
    spool.append(TWO)
    [path] = spool.finished()
    os.truncate(path, path.stat().st_size - cut)

    file = SpoolFile.claim(path)

    assert file is not None
    assert list(file.records) == [ONE]
    file.remove()
    file.close()
    assert not path.exists()
    assert path.with_suffix(".damaged").exists()


def test_a_damaged_record_spoils_none_after_it(spool: Spool) -> None:
    spool.append(ONE)
    spool.append(TWO)
    [path] = spool.finished()
    content = bytearray(path.read_bytes())
    content[20] ^= 0xFF
    path.write_bytes(content)

    file = SpoolFile.claim(path)

    assert file is not None
    file.close()
    assert list(file.records) == [TWO]
    assert file.damaged


def test_only_the_owner_can_read_what_holds_numbers(spool: Spool, tmp_path: Path) -> None:
    spool.append(ONE)
    [path] = spool.finished()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700


def test_an_empty_spool_has_room_and_no_files(spool: Spool) -> None:
    assert spool.has_room()
    assert spool.finished() == []


def test_a_record_of_a_newer_version_is_put_aside_and_spoils_no_other(spool: Spool) -> None:
    newer = msgspec.msgpack.encode(["unheard-of", "shop", [b"body"]])
    spool.append(ONE)
    [path] = spool.finished()
    path.write_bytes(
        spool_module._FRAME.pack(len(newer), zlib.crc32(newer)) + newer + path.read_bytes()
    )

    file = SpoolFile.claim(path)

    assert file is not None
    file.close()
    assert list(file.records) == [ONE]
    assert file.damaged
