"""Every error of this project, in one tree.

Each class says in `disposition` what its receiver may do: try again, give up, or admit
that the outcome is unknown.

    DispatcherError
    ├── SettingsError                   a setting is missing or wrong
    ├── InputError                      a campaign cannot be accepted as it is
    ├── ConflictError                   same id or idempotency key, other content
    ├── UnknownCampaignError            no such campaign
    ├── UnknownScheduleError            no such schedule
    ├── UnknownReplyError               no such reply
    ├── UnknownRecipientError           no such number in that campaign
    ├── ErasedError                     its recipients were erased; only totals are kept
    ├── StateError                      the campaign is not in a state that allows this
    ├── WaitTimeoutError                the awaited state was not reached in time
    ├── StoreError
    │   ├── StoreUnavailableError       Redis did not answer
    │   │   └── UnconfirmedSubmitError      a campaign may have been queued
    │   ├── StoreFullError              Redis is too full to begin something new
    │   └── StoreUnsafeError            this Redis would lose or forget campaigns
    └── ApiError
        ├── ApiUnreachableError         no connection was made: nothing was sent
        ├── CalledOffError              its caller forbade it before its first byte
        ├── ApiRefusedError             the API said no, with a status below zero
        │   ├── CredentialsRefusedError     -1
        │   ├── NotEnoughCreditsError       -3
        │   └── RequestRefusedError         -2 -4 -5 -6 -7
        └── OutcomeUnknownError         anything else after the first byte
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class Disposition(enum.Enum):
    """What the receiver of an error may do about it."""

    RETRY = "retry"
    """Nothing happened; the same call may be made again, later."""

    GIVE_UP = "give up"
    """Nothing happened, and the same call will fail again."""

    UNKNOWN = "unknown"
    """It may have happened: never repeat the call without evidence that it did not."""


class DispatcherError(Exception):
    """Root of every error raised on purpose by this project."""

    disposition: ClassVar[Disposition] = Disposition.GIVE_UP


class SettingsError(DispatcherError):
    """A setting is missing or has a value that cannot work."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing wrong with an input, and how to mend it.

    Attributes:
        field: the field or column, in the producer's own words.
        row: 1 for the first recipient (or the line of the file); None when not about a row.
        message: what is wrong, without personal data.
        fix: what to do about it.
    """

    field: str
    message: str
    fix: str
    row: int | None = None

    def __str__(self) -> str:
        """Give the one-line form shown to people."""
        where = f"row {self.row}, {self.field}" if self.row is not None else self.field
        return f"{where}: {self.message} ({self.fix})"


class InputError(DispatcherError):
    """A campaign cannot be accepted as it is; nothing of it was kept.

    Attributes:
        problems: what is wrong, in row order; the first `SHOWN` are in the message.
        total: how many problems there are, which may exceed those listed.
    """

    SHOWN: ClassVar[int] = 10

    def __init__(self, problems: Sequence[Problem], *, total: int | None = None) -> None:
        self.problems = tuple(problems)
        self.total = len(self.problems) if total is None else total
        shown = [str(problem) for problem in self.problems[: self.SHOWN]]
        if self.total > len(shown):
            shown.append(f"and {self.total - len(shown)} more")
        super().__init__("; ".join(shown))


class ConflictError(DispatcherError):
    """The id or idempotency key was used before, with other content."""


class UnknownCampaignError(DispatcherError):
    """There is no campaign of that id on that account."""


class UnknownScheduleError(DispatcherError):
    """There is no schedule of that id on that account."""


class UnknownReplyError(DispatcherError):
    """There is no reply of that id on that account."""


class UnknownRecipientError(DispatcherError):
    """That number did not come in with that campaign."""


class ErasedError(DispatcherError):
    """The recipients and texts of the campaign were erased; only its totals are kept."""


class StateError(DispatcherError):
    """The campaign is not in a state that allows what was asked."""


class WaitTimeoutError(DispatcherError):
    """The awaited state was not reached within the time given."""

    disposition: ClassVar[Disposition] = Disposition.RETRY


class StoreError(DispatcherError):
    """Redis could not do what was asked."""


class StoreUnavailableError(StoreError):
    """Redis did not answer, or not in time; every store operation is safe to repeat."""

    disposition: ClassVar[Disposition] = Disposition.RETRY


class UnconfirmedSubmitError(StoreUnavailableError):
    """A campaign may have been queued or not: submit it again, under the same name only.

    Attributes:
        campaign: the id to submit it again with, or to look for.
    """

    def __init__(self, campaign: str, reason: str) -> None:
        self.campaign = campaign
        super().__init__(f"{reason}: submit again with id={campaign!r}, or the key you used")


class StoreFullError(StoreError):
    """Redis is too full to begin something new; what runs can still finish."""

    disposition: ClassVar[Disposition] = Disposition.RETRY


class StoreUnsafeError(StoreError):
    """This Redis evicts keys or does not persist them: campaigns would be lost."""


class ApiError(DispatcherError):
    """A call to the SMSFactor API did not succeed."""


class ApiUnreachableError(ApiError):
    """No connection was made, so not a byte of the request left."""

    disposition: ClassVar[Disposition] = Disposition.RETRY


class CalledOffError(ApiError):
    """Whoever made a request called it off once connected: not a byte of it left."""

    disposition: ClassVar[Disposition] = Disposition.RETRY


class ApiRefusedError(ApiError):
    """The API answered with a documented status below zero: nothing was done.

    Attributes:
        status: the API's code, -1 to -7 (document, "Annexe liste des erreurs").
        api_message: the API's `message`, its text for the code.
        details: the API's `details`, "" when it gave none.
    """

    def __init__(self, status: int, api_message: str, details: str = "") -> None:
        self.status = status
        self.api_message = api_message
        self.details = details
        super().__init__(f"status {status}: {api_message}" + (f" ({details})" if details else ""))


class CredentialsRefusedError(ApiRefusedError):
    """Status -1: the account's credentials are wrong, for every call alike."""


class NotEnoughCreditsError(ApiRefusedError):
    """Status -3: the account has too few credits; the same call works after a top-up."""

    disposition: ClassVar[Disposition] = Disposition.RETRY


class RequestRefusedError(ApiRefusedError):
    """Status -2, -4, -5, -6 or -7: the API will not take this request as it is."""


class OutcomeUnknownError(ApiError):
    """The request may have been acted on: lost or unreadable answer, 3xx to 5xx, status -99.

    For a read it is safe to call again; after a send it is not.
    """

    disposition: ClassVar[Disposition] = Disposition.UNKNOWN
