import pytest

from dispatcher.errors import (
    ApiError,
    ApiUnreachableError,
    CredentialsRefusedError,
    NotEnoughCreditsError,
    OutcomeUnknownError,
    RequestRefusedError,
)
from dispatcher.store.withdrawals import Withdrawal
from workers.steps.withdraw import _outcome_of


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (RequestRefusedError(-5, "not there"), Withdrawal.REFUSED),
        # These are about the call: the API may still have the batch, and nothing was done.
        *[(RequestRefusedError(code, "no"), Withdrawal.NOT_MADE) for code in (-2, -4, -6, -7)],
        (CredentialsRefusedError(-1, "who?"), Withdrawal.NOT_MADE),
        (NotEnoughCreditsError(-3, "no credits"), Withdrawal.NOT_MADE),
        (ApiUnreachableError("no connection"), Withdrawal.NOT_MADE),
        (OutcomeUnknownError("no answer"), Withdrawal.LOST),
    ],
)
def test_only_the_word_that_it_is_not_there_says_anything_of_the_batch(
    error: ApiError, outcome: Withdrawal
) -> None:
    assert _outcome_of(error) is outcome
