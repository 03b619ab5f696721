"""What the exit code of a command tells the script that ran it."""

import enum
from typing import Self

from dispatcher.domain.campaign import CampaignStatus
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.errors import (
    ApiError,
    DispatcherError,
    InputError,
    SettingsError,
    StoreError,
    WaitTimeoutError,
)


class ExitCode(enum.IntEnum):
    """Every exit code; `dispatcher --help` lists them.

    Attributes:
        meaning: one line for people.
    """

    meaning: str

    def __new__(cls, value: int, meaning: str) -> Self:
        """Make a member of a number and its meaning."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    OK = 0, "done"
    FAILED = 1, "the campaign was refused, rejected, cancelled, expired, or does not add up"
    USAGE = 2, "the command line or a setting is wrong"
    BAD_INPUT = 3, "recipients, text or sender are not valid; nothing was kept"
    UNFINISHED = 4, "not done within --timeout, or it waits for somebody; it stays as it is"
    STORE = 5, "Redis or the broker does not answer, is full, or would lose campaigns"
    API = 6, "the SMSFactor API refused a call or was not reached"
    INTERRUPTED = 130, "interrupted by Ctrl-C; a campaign that was accepted stays"


_FAILED = (CampaignState.CANCELLED, CampaignState.EXPIRED, CampaignState.REJECTED)
_CODES: tuple[tuple[type[DispatcherError], ExitCode], ...] = (
    (InputError, ExitCode.BAD_INPUT),
    (SettingsError, ExitCode.USAGE),
    (WaitTimeoutError, ExitCode.UNFINISHED),
    (StoreError, ExitCode.STORE),
    (ApiError, ExitCode.API),
)


def code_of_error(error: DispatcherError) -> ExitCode:
    """Give the exit code of a command that ended with an error of ours."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.FAILED)


def code_of_status(status: CampaignStatus) -> ExitCode:
    """Give the exit code of a command that waited for a campaign."""
    if not status.is_conserved or status.state in _FAILED:
        return ExitCode.FAILED
    if status.state in (CampaignState.SCHEDULED, CampaignState.SENT, CampaignState.FINISHED):
        return ExitCode.OK
    return ExitCode.UNFINISHED
