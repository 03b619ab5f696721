from collections.abc import Callable
from itertools import count

from dispatcher import CampaignState, CampaignStatus, HoldReason
from dispatcher.cli.watching import Watch, is_done, is_quoted, is_settled
from tests.support.statuses import a_status

QUOTING = a_status(state=CampaignState.QUOTING, quoted=1)
FOR_APPROVAL = a_status(state=CampaignState.HELD, hold=HoldReason.APPROVAL)
FOR_CREDITS = a_status(state=CampaignState.HELD, hold=HoldReason.CREDITS)
SENT = a_status(state=CampaignState.SENT)
FINISHED = a_status(state=CampaignState.FINISHED)
REJECTED = a_status(state=CampaignState.REJECTED, quoted=0)


def watch(timeout: float | None) -> Watch:
    seconds = count()
    return Watch(timeout=timeout, clock=lambda: float(next(seconds)), pause=lambda _: None)


def looks(*statuses: CampaignStatus) -> Callable[[], CampaignStatus]:
    remaining = iter(statuses)
    return lambda: next(remaining)


def test_it_looks_until_the_goal_and_tells_every_status() -> None:
    found = list(watch(None).until(is_quoted, looks(QUOTING, QUOTING, FOR_APPROVAL)))

    assert found == [QUOTING, QUOTING, FOR_APPROVAL]


def test_it_stops_when_the_time_is_over() -> None:
    found = list(watch(3.0).until(is_quoted, looks(*[QUOTING] * 9)))

    assert found == [QUOTING] * 3


def test_it_looks_once_even_without_any_time() -> None:
    assert list(watch(0.0).until(is_quoted, looks(QUOTING))) == [QUOTING]


def test_a_rejected_campaign_is_not_waited_for() -> None:
    assert is_quoted(REJECTED)
    assert is_settled(REJECTED)


def test_only_what_a_person_must_move_ends_a_watch_early() -> None:
    assert [is_done(each) for each in (FOR_CREDITS, SENT, FOR_APPROVAL, FINISHED)] == [
        False,
        False,
        True,
        True,
    ]


def test_a_sent_campaign_is_settled_and_one_without_credits_is_not() -> None:
    assert is_settled(SENT)
    assert not is_settled(FOR_CREDITS)


def test_a_campaign_over_lists_is_not_quoted_before_they_are_read() -> None:
    unread = a_status(batches=0, quoted=0)

    assert not is_quoted(unread)
    assert is_quoted(a_status())
