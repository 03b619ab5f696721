import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from dispatcher.account_settings import AccountSettings
from dispatcher.domain.zones import PARIS
from dispatcher.errors import SettingsError
from dispatcher.settings import Settings

SECRET = "a-very-secret-password"


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("DISPATCHER_"):
            monkeypatch.delenv(name)


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(f"DISPATCHER_{name}", value)
    return Settings.from_env()


def test_the_defaults_are_those_the_docs_name(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch)

    assert settings.batch_size == 1000
    assert settings.default_region == "FR"
    assert settings.receipt_wait == timedelta(hours=72)
    assert settings.api_url == "https://api.smsfactor.com"
    assert not settings.demo


def test_accounts_are_read_from_nested_names(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(
        monkeypatch,
        ACCOUNTS__SHOP__USERNAME="shop@example.com",
        ACCOUNTS__SHOP__PASSWORD=SECRET,
        ACCOUNTS__CLUB__TOKEN=SECRET,
    )

    assert set(settings.accounts) == {"shop", "club"}
    assert settings.account("shop").username == "shop@example.com"
    with pytest.raises(SettingsError, match=r"several accounts .*club, shop"):
        assert settings.default_account


def test_secrets_may_be_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "dispatcher_redis_url").write_text("redis://secret:6379/3")
    monkeypatch.setenv("DISPATCHER_SECRETS_DIR", str(tmp_path))

    assert Settings.from_env().redis_url.get_secret_value() == "redis://secret:6379/3"


def test_secrets_of_accounts_and_callbacks_may_be_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    signing = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
    (tmp_path / "DISPATCHER_ACCOUNTS__SHOP__PASSWORD").write_text(SECRET + "\n")
    (tmp_path / "dispatcher_callbacks__shop__secrets").write_text(f"{signing}\n{signing}\n")
    monkeypatch.setenv("DISPATCHER_SECRETS_DIR", str(tmp_path))

    settings = read(
        monkeypatch, ACCOUNTS__SHOP__USERNAME="shop", CALLBACKS__SHOP__URL="https://shop.example"
    )

    assert settings.account("shop").password == SecretStr(SECRET)
    assert [found.get_secret_value() for found in settings.callbacks["shop"].secrets] == [
        *(signing, signing),
    ]


def test_a_folder_of_secrets_that_is_not_there_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="SECRETS_DIR"):
        read(monkeypatch, SECRETS_DIR=str(tmp_path / "missing"))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BATCH_SIZE", "0"),
        ("BATCH_SIZE", "many"),
        ("FAN_OUT", "257"),
        ("NAMESPACE", "with space"),
        ("NAMESPACE", "a:b"),
        ("DEFAULT_REGION", "fr"),
        ("WIRE", "yaml"),
        ("DIALECT", "v2"),
        ("LOG_LEVEL", "LOUD"),
        ("QUOTE_LEASE", "nan"),
        ("CONNECT_TIMEOUT", "0"),
        ("RECEIPT_WAIT", "soon"),
        ("ACCOUNTS", "[]"),
        ("ACCOUNTS__SHOP__TOKENS", "x"),
        ("ACCOUNTS__SHOP__WEBHOOK_SECRET", "short"),
    ],
)
def test_a_wrong_value_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        read(monkeypatch, **{variable: value})

    prefix = re.sub("__(TOKENS|WEBHOOK_SECRET)", "", variable)
    assert f"DISPATCHER_{prefix}" in str(caught.value)


@pytest.mark.parametrize(
    "accounts",
    [
        f'{{"shop": {{"username": "u", "password": "{SECRET}"',
        f'{{"shop": {{"username": "u", "password": "{SECRET}", "more": 1}}}}',
        f'{{"Shop!": {{"username": "u", "password": "{SECRET}"}}}}',
        f'{{"shop": {{"password": "{SECRET}"}}}}',
        f'{{"shop": "{SECRET}"}}',
    ],
)
def test_no_error_shows_a_value(monkeypatch: pytest.MonkeyPatch, accounts: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(monkeypatch, ACCOUNTS=accounts)

    error: BaseException | None = caught.value
    assert "DISPATCHER_ACCOUNTS" in str(error)
    while error is not None:
        assert SECRET not in f"{error} {vars(error)}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_no_repr_shows_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(
        monkeypatch,
        REDIS_URL=f"redis://:{SECRET}@127.0.0.1/0",
        BROKER_URL=f"redis://:{SECRET}@127.0.0.1/1",
        ACCOUNTS__SHOP__USERNAME="shop",
        ACCOUNTS__SHOP__PASSWORD=SECRET,
        ACCOUNTS__SHOP__WEBHOOK_SECRET=SECRET,
    )

    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("shorter", "longer"),
    [
        ("connect_timeout", "http_deadline"),
        ("http_deadline", "quote_lease"),
        ("quote_lease", "send_lease"),
        ("send_lease", "visibility_timeout"),
    ],
)
def test_time_limits_that_are_out_of_order_are_refused(shorter: str, longer: str) -> None:
    limit = Settings.model_fields[longer].default

    with pytest.raises(ValidationError, match=f"{shorter} .* must be shorter than {longer}"):
        Settings.model_validate({shorter: limit})


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("WEBHOOK_ALLOW", "shop.example", "DISPATCHER_WEBHOOK_ALLOW: write networks divided by"),
        ("WEBHOOK_ALLOW", "10.1.2.3/8", "DISPATCHER_WEBHOOK_ALLOW: write networks divided by"),
        ("RECORD_KEPT", "1d", "DISPATCHER_RECORD_KEPT: it must not be shorter than DISPATCHER_"),
        (
            "ACCOUNTS__DEFAULT__WEBHOOK_SECRET",
            "short",
            "DISPATCHER_ACCOUNTS__DEFAULT__WEBHOOK_SECRET: write 16 characters or more",
        ),
    ],
)
def test_what_is_wrong_is_told_in_words_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        read(monkeypatch, **{variable: value})

    assert str(caught.value).startswith(told)
    assert "[" not in str(caught.value)


def test_without_an_account_the_error_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch)

    with pytest.raises(SettingsError, match="DISPATCHER_ACCOUNTS__DEFAULT__USERNAME"):
        assert settings.default_account


def test_an_account_nobody_configured_is_named_beside_those_that_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = read(monkeypatch, ACCOUNTS__SHOP__TOKEN=SECRET)

    with pytest.raises(SettingsError, match=r"'club' is configured \(known: shop\)"):
        settings.account("club")


def test_the_only_account_or_the_one_called_default_is_the_default() -> None:
    account = AccountSettings(username="u", password=SecretStr("p"))

    alone = Settings(accounts={"shop": account})
    named = Settings(accounts={"shop": account, "default": account})

    assert (alone.default_account, named.default_account) == ("shop", "default")


def test_the_holidays_of_regions_are_a_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    good_friday = datetime(2027, 3, 26, 10, tzinfo=UTC)
    paris = frozenset({PARIS})

    usual = read(monkeypatch).advertising_hours
    regional = read(monkeypatch, ALSACE_MOSELLE_DAYS="true").advertising_hours

    assert usual is not None
    assert regional is not None
    assert usual.is_open(good_friday, paris)
    assert not regional.is_open(good_friday, paris)


@pytest.mark.parametrize(
    ("text", "kept"),
    [("45d", 45), ("48h", 2), ("2880m", 2), ("172800s", 2), ("P45D", 45), ("PT48H", 2)],
)
def test_durations_are_written_as_on_the_command_line_or_as_iso_8601(
    monkeypatch: pytest.MonkeyPatch, text: str, kept: int
) -> None:
    assert read(monkeypatch, RETENTION=text).retention == timedelta(days=kept)


@pytest.mark.parametrize(
    ("name", "text", "limits"),
    [
        ("RETENTION", "45 days long", "1 to 36,500 days"),
        ("RETENTION", "23h", "1 to 36,500 days"),
        ("MAX_LATENESS", "-PT1H", "0 to 36,500 days"),
        ("OUTBOX_AGE", "9999999d", "0 to 36,500 days"),
    ],
)
def test_a_duration_is_refused_with_the_forms_and_limits(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, limits: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        read(monkeypatch, **{name: text})

    assert f"DISPATCHER_{name}: write a duration such as 90s, 30m, 2h or 1d" in str(refusal.value)
    assert f"ISO 8601 such as P30D or PT90M, of {limits}" in str(refusal.value)


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("REDIS_URL", "localhost:6379", "DISPATCHER_REDIS_URL: begin it with one of redis"),
        ("BROKER_URL", "redis://h:1/x", "DISPATCHER_BROKER_URL: the database is a number"),
        ("REDIS_URL", "amqp://rabbit", "DISPATCHER_REDIS_URL: campaigns are kept in Redis"),
        ("ACCOUNTS", "{'shop'", "DISPATCHER_ACCOUNTS: this should be JSON and is not"),
    ],
)
def test_what_is_wrong_is_told_of_the_variable_that_was_set(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        read(monkeypatch, **{variable: value})

    assert str(caught.value).startswith(says)
    assert value not in str(caught.value)
