import pytest

from dispatcher.domain.message import Message
from dispatcher.domain.packing import Batch
from dispatcher.errors import (
    ApiError,
    ApiRefusedError,
    ApiUnreachableError,
    CredentialsRefusedError,
    Disposition,
    NotEnoughCreditsError,
    OutcomeUnknownError,
    RequestRefusedError,
)
from dispatcher.smsfactor import SendReply, TooManyRequestsError
from dispatcher.store.batches import Outcome
from dispatcher.store.claims import SendClaim
from workers.steps.send import _failure, _success

CLAIM = SendClaim(
    campaign="spring",
    n=3,
    attempt=2,
    message=Message(text="Bonjour"),
    batch=Batch(numbers=[33639980001]),
    lists=(),
    fates=b"\0",
    first=0,
    progress=None,
    delay=None,
    window_policy=None,
)


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        (ApiUnreachableError("no connection"), Outcome.NOT_SENT, ""),
        (CredentialsRefusedError(-1, "wrong"), Outcome.NO_CREDENTIALS, "-1"),
        (RequestRefusedError(-2, "XML"), Outcome.REFUSED, "-2"),
        (NotEnoughCreditsError(-3, "too few"), Outcome.NO_CREDITS, "-3"),
        (RequestRefusedError(-4, "date"), Outcome.REFUSED, "-4"),
        (RequestRefusedError(-5, "recipients"), Outcome.REFUSED, "-5"),
        (RequestRefusedError(-6, "JSON"), Outcome.REFUSED, "-6"),
        (RequestRefusedError(-7, "data"), Outcome.REFUSED, "-7"),
        (OutcomeUnknownError("-99"), Outcome.UNKNOWN, ""),
        (TooManyRequestsError("429", retry_after=1), Outcome.UNKNOWN, ""),
        (ApiError("the request cannot be built"), Outcome.REFUSED, ""),
    ],
)
def test_each_error_means_one_outcome(error: ApiError, outcome: Outcome, code: str) -> None:
    record = _failure(CLAIM, error)

    assert (record.outcome, record.code, record.why) == (outcome, code, str(error))
    assert (record.campaign, record.n, record.attempt) == ("spring", 3, 2)
    assert record.pause_ms == 2000


def every_kind(kind: type[ApiError]) -> list[type[ApiError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in every_kind(child))]


@pytest.mark.parametrize("kind", [*every_kind(ApiUnreachableError), *every_kind(ApiRefusedError)])
def test_what_was_certainly_not_sent_is_never_unknown(kind: type[ApiError]) -> None:
    assert kind.disposition in (Disposition.RETRY, Disposition.GIVE_UP)


@pytest.mark.parametrize("kind", every_kind(OutcomeUnknownError))
def test_whatever_is_not_proven_unsent_is_unknown(kind: type[OutcomeUnknownError]) -> None:
    error = kind.__new__(kind)

    assert _failure(CLAIM, error).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("status", "ticket", "code"), [(1, "1001", ""), (-8, "1001", "-8"), (-8, None, "-8")]
)
def test_a_reply_with_a_ticket_or_under_moderation_is_an_acceptance(
    status: int, ticket: str | None, code: str
) -> None:
    reply = SendReply(
        status=status, message="OK", ticket=ticket, cost=7, credits=1, total=1, sent=1,
        blacklisted=0, duplicated=0, invalid=0,
    )  # fmt: skip

    record = _success(CLAIM, reply, asked=1)

    assert (record.outcome, record.ticket, record.cost, record.code) == (
        Outcome.ACCEPTED,
        ticket or "",
        7,
        code,
    )
