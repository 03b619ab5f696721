from datetime import UTC, datetime

import pytest

from dispatcher.domain.campaign import RecipientResult
from dispatcher.domain.fates import RecipientState
from dispatcher.domain.selection import NOT_REACHED, RESENDABLE, Selection, only
from dispatcher.errors import InputError

S = RecipientState
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ONE = datetime(2026, 11, 23, 13, tzinfo=UTC)


def a_result(
    state: RecipientState = S.UNDELIVERED,
    reason: str | None = None,
    *,
    own_id: str | None = None,
    at: datetime | None = None,
) -> RecipientResult:
    return RecipientResult(
        number="33639980001", id=own_id, state=state, reason=reason, receipt_at=at
    )


def test_whatever_is_not_given_does_not_matter() -> None:
    assert a_result() in Selection()
    assert a_result() not in Selection(states=frozenset({S.DELIVERED}))
    assert a_result(S.DELIVERED) in Selection(states=frozenset({S.DELIVERED, S.SENT}))


def test_a_reason_may_be_the_word_before_a_colon() -> None:
    invalid = Selection(reasons=frozenset({"invalid"}))

    assert a_result(S.NOT_SENT, "invalid: it is too short") in invalid
    assert a_result(S.NOT_SENT, "invalid") in invalid
    assert a_result(S.NOT_SENT, "duplicate") not in invalid
    assert a_result() not in invalid


def test_since_a_time_are_those_sent_or_heard_of_then_or_later() -> None:
    since = Selection(since=NOON)

    assert a_result(at=NOON) in since
    assert a_result(at=ONE) in since
    assert a_result(at=ONE) not in Selection(since=ONE.replace(hour=14))
    assert a_result(S.WAITING) not in since


def test_ids_are_the_producers_own() -> None:
    assert a_result(own_id="order-1") in Selection(ids=frozenset({"order-1"}))
    assert a_result() not in Selection(ids=frozenset({"order-1"}))


@pytest.mark.parametrize(
    "state", [S.WAITING, S.SENDING, S.SCHEDULED, S.SENT, S.DELIVERED, S.UNKNOWN]
)
def test_whoever_got_the_message_or_may_get_it_cannot_be_chosen(state: RecipientState) -> None:
    with pytest.raises(InputError, match="got the message, or may get it"):
        only([state])
    assert all(a_result(state, reason) not in only(RESENDABLE) for reason in (None, "expired"))


def test_every_state_is_either_resendable_or_refused() -> None:
    assert {S.UNDELIVERED, S.REFUSED, S.CANCELLED, S.EXPIRED, S.NOT_SENT} == RESENDABLE
    assert RESENDABLE - {S.UNDELIVERED} == NOT_REACHED


@pytest.mark.parametrize(
    ("words", "canonical"),
    [
        ("undelivered,refused", "refused,undelivered"),
        (["refused", S.UNDELIVERED, "refused"], "refused,undelivered"),
        (["not-sent"], "not sent"),
        (["network-error"], "undelivered:network_error"),
        (["Undelivered:expired"], "undelivered:expired"),
        (["expired"], "expired"),
        (["blacklisted"], "not sent:blacklisted"),
    ],
)
def test_the_same_people_are_named_the_same(
    words: list[str | RecipientState], canonical: str
) -> None:
    assert str(only(words)) == canonical


def test_a_reason_chooses_those_alone() -> None:
    chosen = only(["network_error"])

    assert a_result(S.UNDELIVERED, "network_error") in chosen
    assert a_result(S.UNDELIVERED, "expired") not in chosen


def test_duplicates_are_never_chosen_for_another_row_got_the_message() -> None:
    assert a_result(S.NOT_SENT, "duplicated") not in only(["not sent"])
    with pytest.raises(InputError):
        only(["duplicated"])


@pytest.mark.parametrize("words", ["lost", "", [], "undelivered:blacklisted", "sent"])
def test_what_is_no_choice_says_what_is(words: list[str | RecipientState]) -> None:
    with pytest.raises(InputError, match=r"choose states .*network_error"):
        only(words)
