import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from dispatcher.cli.checks import check_names
from dispatcher.cli.findings import Grade
from dispatcher.errors import SettingsError
from dispatcher.logs import configure_logs, warn_of_strays
from dispatcher.setting_names import SECRETS_DIR
from dispatcher.settings import Settings

SECRET = "a-very-secret-password"


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("DISP"):
            monkeypatch.delenv(name)


@pytest.fixture
def _logs() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers = before
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("DISPATCHER_BATCHSIZE", "DISPATCHER_BATCH_SIZE"),
        ("dispatcher_retentoin", "DISPATCHER_RETENTION"),
        ("DISPATCHER_BATCH_SIZE__SHOP", "DISPATCHER_BATCH_SIZE"),
        ("DISPATCHER_ACOUNTS__SHOP__RATE", "DISPATCHER_ACCOUNTS__SHOP__RATE"),
        ("DISPATCHER_ACCOUNTS_SHOP_PASSWORD", "DISPATCHER_ACCOUNTS__SHOP__PASSWORD"),
        ("DISPATCHER_CALLBACK__SHOP__URL", "DISPATCHER_CALLBACKS__SHOP__URL"),
        ("DISPATHCER_REDIS_URL", "DISPATCHER_REDIS_URL"),
        ("DISPATCHER_QUOKKA", ""),
    ],
)
def test_a_name_that_means_nothing_is_told_with_the_one_that_was_meant(
    monkeypatch: pytest.MonkeyPatch, written: str, meant: str
) -> None:
    monkeypatch.setenv(written, SECRET)

    [stray] = Settings.from_env().strays

    assert (stray.name, stray.nearest, stray.is_file) == (written, meant, False)
    assert SECRET not in repr(stray) + stray.is_what + stray.advice


def test_names_that_mean_something_and_those_of_others_are_not_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "DISPATCHER_ACCOUNTS__SHOP__PASSWORD").write_text(SECRET)
    (tmp_path / "grafana_password").write_text(SECRET)
    for name, value in {
        "DISPATCHER_ACCOUNTS__SHOP__USERNAME": "shop",
        "DISPATCHER_WINDOW_SETS__OFFICE": '["mon-fri 09:00-17:00"]',
        "DISPATCHER_IMAGE": "sms-campaign-dispatcher:local",
        "dispatcher_batch_size": "10",
        "DISPLAY": ":0",
        SECRETS_DIR: str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)

    assert Settings.from_env().strays == ()


def test_every_setting_has_a_name_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, bool | int | str):
            monkeypatch.setenv(f"DISPATCHER_{name.upper()}", str(field.default))

    assert Settings.from_env().strays == ()


def test_a_file_whose_name_is_misspelt_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "DISPATCHER_REDIS_PASWORD").write_text(SECRET)
    monkeypatch.setenv(SECRETS_DIR, str(tmp_path))

    [stray] = Settings.from_env().strays

    assert (stray.name, stray.is_file) == ("DISPATCHER_REDIS_PASWORD", True)
    assert "a file in DISPATCHER_SECRETS_DIR, is no setting" in stray.is_what
    assert stray.advice == "was DISPATCHER_REDIS_PASSWORD meant? Rename it, or take it away"


def test_a_misspelt_setting_of_an_account_is_refused_with_the_one_that_was_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # An account without its rate would send as fast as it can.
    monkeypatch.setenv("DISPATCHER_ACCOUNTS__DEFAULT__TOKEN", SECRET)
    monkeypatch.setenv("DISPATCHER_ACCOUNTS__DEFAULT__RTE", SECRET)

    with pytest.raises(SettingsError) as caught:
        Settings.from_env()

    assert str(caught.value) == (
        "DISPATCHER_ACCOUNTS__DEFAULT__RTE: there is no such setting, "
        "DISPATCHER_ACCOUNTS__DEFAULT__RATE perhaps?"
    )


def test_doctor_warns_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCHER_BATCHSIZE", SECRET)

    [found] = check_names(Settings.from_env())

    assert found.grade is Grade.WARNING
    assert "DISPATCHER_BATCHSIZE" in found.message
    assert "DISPATCHER_BATCH_SIZE" in found.fix


@pytest.mark.usefixtures("_logs")
def test_every_process_warns_of_it_in_its_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DISPATCHER_BATCHSIZE", SECRET)
    settings = Settings.from_env()

    configure_logs(settings)
    warn_of_strays(settings)

    log = capsys.readouterr().err
    assert "unknown setting" in log
    assert "DISPATCHER_BATCH_SIZE" in log
    assert SECRET not in log
