from collections.abc import Callable

import pytest
from pydantic import SecretStr

from dispatcher import Settings
from dispatcher.account_settings import AccountSettings
from dispatcher.cli.checks import (
    check_api,
    check_credentials,
    check_dialect,
    check_receiver,
    check_webhook_secrets,
    judge_server,
)
from dispatcher.cli.doctor import exit_code
from dispatcher.cli.exit_codes import ExitCode
from dispatcher.cli.findings import Grade, Result
from dispatcher.errors import (
    ApiUnreachableError,
    CredentialsRefusedError,
    DispatcherError,
    OutcomeUnknownError,
)
from dispatcher.smsfactor import Dialect
from dispatcher.store.durability import Finding
from dispatcher.store.inspection import ServerReport

SOUND = ServerReport(
    version="Valkey 9.1.2",
    findings=(),
    clock_ahead=0.01,
    used_memory=2**20,
    max_memory=2**29,
    replicas=0,
)


def judged(**changes: object) -> list[Result]:
    report = ServerReport(**{**{name: getattr(SOUND, name) for name in SOUND.__slots__}, **changes})
    return [each for each in judge_server(report, replicas=0, demo=False) if each.fix]


def raising(error: DispatcherError) -> Callable[[], int]:
    def ask() -> int:
        raise error

    return ask


def test_a_sound_server_has_no_findings() -> None:
    assert judged() == []


def test_a_server_that_evicts_is_a_problem_with_its_fix() -> None:
    (found,) = judged(findings=(Finding(message="it evicts", fix="set noeviction"),))

    assert (found.grade, found.message, found.fix, found.code) == (
        Grade.PROBLEM,
        "it evicts",
        "set noeviction",
        ExitCode.STORE,
    )


def test_in_a_demo_the_same_is_a_warning() -> None:
    report = ServerReport(
        version="Redis 7.0.15",
        findings=(Finding(message="it evicts", fix="set noeviction"),),
        clock_ahead=0,
        used_memory=1,
        max_memory=2,
        replicas=0,
    )

    found = list(judge_server(report, replicas=0, demo=True))

    assert found[0].grade is Grade.WARNING


def test_missing_replicas_are_a_problem() -> None:
    found = list(judge_server(SOUND, replicas=2, demo=False))

    assert "0 of 2 replicas are connected: claims are not safe" in [each.message for each in found]


@pytest.mark.parametrize(
    ("ahead", "message"),
    [
        (3.0, "Redis' clock is 3.0 s ahead of this machine's"),
        (-2.5, "Redis' clock is 2.5 s behind this machine's"),
    ],
)
def test_clocks_apart_are_told_with_their_distance(ahead: float, message: str) -> None:
    assert [each.message for each in judged(clock_ahead=ahead)] == [message]


def test_memory_without_a_limit_and_nearly_full_are_warnings() -> None:
    unlimited, full = judged(max_memory=0), judged(max_memory=2**20)

    assert [each.message for each in unlimited] == ["1 MiB used, without a limit"]
    assert full[0].fix == "raise maxmemory: above 80 % no new campaign is accepted"


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (
            CredentialsRefusedError(-1, "Erreur d'authentification"),
            "correct DISPATCHER_ACCOUNTS__SHOP__USERNAME and ...__PASSWORD",
        ),
        (
            ApiUnreachableError("no connection"),
            "check DISPATCHER_API_URL, and that this machine may connect to it",
        ),
        (OutcomeUnknownError("no answer"), "try again later"),
    ],
)
def test_credentials_that_do_not_work_are_a_problem_of_the_api(
    error: DispatcherError, fix: str
) -> None:
    found = check_credentials("shop", raising(error))

    assert (found.grade, found.fix, found.code) == (Grade.PROBLEM, fix, ExitCode.API)


def test_working_credentials_tell_the_balance_and_an_empty_one_is_a_warning() -> None:
    assert check_credentials("shop", lambda: 1200).message == "credentials work, 1,200 credits"
    assert check_credentials("shop", lambda: 0).grade is Grade.WARNING


def test_another_dialect_than_the_setting_is_a_warning_with_its_fix() -> None:
    found = check_dialect("shop", "v1", lambda: Dialect.LIVE)

    assert found.grade is Grade.WARNING
    assert found.fix == "set DISPATCHER_DIALECT=live"


def test_a_dialect_that_cannot_be_found_out_is_no_problem() -> None:
    def ask() -> Dialect:
        raise OutcomeUnknownError("no answer")

    assert check_dialect("shop", "v1", ask).grade is Grade.WARNING
    assert check_dialect("shop", "v1", lambda: Dialect.V1).grade is Grade.FINE


def test_an_api_url_that_cannot_be_used_is_a_wrong_setting() -> None:
    account = AccountSettings(username="shop", password=SecretStr("secret"))
    settings = Settings(accounts={"default": account}, api_url="http://api.example.com")

    (found,) = check_api(settings)

    assert (found.grade, found.code) == (Grade.PROBLEM, ExitCode.USAGE)


def test_an_account_without_a_webhook_secret_is_a_warning() -> None:
    account = AccountSettings(username="shop", password=SecretStr("secret"))

    (found,) = check_webhook_secrets(Settings(accounts={"shop": account}))

    assert found.grade is Grade.WARNING
    assert "DISPATCHER_ACCOUNTS__SHOP__WEBHOOK_SECRET" in found.fix


def test_what_is_no_url_is_said_to_be_none() -> None:
    (found,) = check_receiver("hooks.example.com")

    assert found.code is ExitCode.USAGE


def test_the_first_problem_decides_the_exit_code_and_warnings_do_not() -> None:
    warning = Result(subject="a", grade=Grade.WARNING, message="", code=ExitCode.API)
    problem = Result(subject="b", grade=Grade.PROBLEM, message="", code=ExitCode.STORE)
    other = Result(subject="c", grade=Grade.PROBLEM, message="", code=ExitCode.API)

    assert exit_code([warning]) == 0
    assert exit_code([warning, problem, other]) == 5
