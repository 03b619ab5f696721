import pytest

from dispatcher import CampaignState, HoldReason
from dispatcher.cli.exit_codes import ExitCode, code_of_error, code_of_status
from dispatcher.errors import (
    ApiUnreachableError,
    ConflictError,
    CredentialsRefusedError,
    DispatcherError,
    InputError,
    SettingsError,
    StateError,
    StoreFullError,
    StoreUnavailableError,
    StoreUnsafeError,
    UnknownCampaignError,
    WaitTimeoutError,
)
from tests.support.statuses import a_status


def test_the_codes_are_those_scripts_were_told() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "OK": 0,
        "FAILED": 1,
        "USAGE": 2,
        "BAD_INPUT": 3,
        "UNFINISHED": 4,
        "STORE": 5,
        "API": 6,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConflictError(), 1),
        (UnknownCampaignError(), 1),
        (StateError(), 1),
        (SettingsError(), 2),
        (InputError([]), 3),
        (WaitTimeoutError(), 4),
        (StoreUnavailableError(), 5),
        (StoreFullError(), 5),
        (StoreUnsafeError(), 5),
        (ApiUnreachableError(), 6),
        (CredentialsRefusedError(-1, "Erreur d'authentification"), 6),
    ],
)
def test_each_error_has_its_code(error: DispatcherError, code: int) -> None:
    assert code_of_error(error) == code


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (CampaignState.SENT, 0),
        (CampaignState.FINISHED, 0),
        (CampaignState.REJECTED, 1),
        (CampaignState.CANCELLED, 1),
        (CampaignState.QUEUED, 4),
        (CampaignState.SENDING, 4),
    ],
)
def test_each_end_of_a_wait_has_its_code(state: CampaignState, code: int) -> None:
    assert code_of_status(a_status(state=state)) == code


def test_a_held_campaign_is_unfinished() -> None:
    status = a_status(state=CampaignState.HELD, hold=HoldReason.CREDITS)

    assert code_of_status(status) == 4


def test_a_campaign_that_does_not_add_up_has_failed_whatever_its_state() -> None:
    assert code_of_status(a_status(state=CampaignState.FINISHED, rows=11)) == 1
