"""What a receiver looks at before it begins."""

import errno
from pathlib import Path

import pytest

from dispatcher.errors import SettingsError
from dispatcher.settings import Settings
from dispatcher.web.receiver import Receiver
from dispatcher.web.server import make_receiver
from dispatcher.web.spool import Spool


def made(folder: Path) -> Receiver:
    account = {"username": "u", "password": "p", "webhook_secret": "a-secret-of-unit-tests"}
    settings = {"accounts": {"default": account}, "spool_dir": str(folder)}
    return make_receiver(Settings.model_validate(settings))


def test_a_folder_that_takes_nothing_is_told_before_it_is_needed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(SettingsError, match=r"DISPATCHER_SPOOL_DIR: .* \(Not a directory\): name"):
        made(tmp_path / "file" / "spool")


def test_a_disk_that_is_full_just_now_keeps_nobody_from_receiving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Spool) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Spool, "probe", fail)

    assert isinstance(made(tmp_path), Receiver)


def test_a_look_leaves_nothing_behind(tmp_path: Path) -> None:
    made(tmp_path / "spool")

    assert list((tmp_path / "spool").iterdir()) == []
