import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dispatcher.domain.fates import RecipientState
from dispatcher.domain.lifecycle import CampaignState, HoldReason
from dispatcher.domain.timing import Handover
from dispatcher.errors import StateError
from dispatcher.queueing import Task
from tests.faults.rig import Interruptions
from tests.support.bench import Bench
from tests.support.journeys import IN_TWO_HOURS, Journey
from tests.support.polling import eventually
from tests.support.sandbox import Receiver, Sandbox, running_receiver, running_sandbox
from tests.support.works import FOUR, Hints, Works, settings_for
from workers.milestones import Milestone
from workers.resources import Resources
from workers.steps.progress import Progress
from workers.steps.quote import quote_next
from workers.steps.tick import tick

C, H, R = CampaignState, HoldReason, RecipientState
PARIS = ZoneInfo("Europe/Paris")
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
CREDITS = 1000


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with running_receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def sandboxes(receiver: Receiver) -> Iterator[dict[str, Sandbox]]:
    options = ("--webhook", receiver.url, "--receipt-delay", "0", "--credits", str(CREDITS))
    with (
        running_sandbox("--port", "0", *options) as v1,
        running_sandbox("--port", "0", *options, "--dialect", "live") as live,
    ):
        yield {"v1": v1, "live": live}


@pytest.fixture
def dialect() -> str:
    return "v1"


@pytest.fixture
def http_deadline() -> float:
    return 30.0


@pytest.fixture
def journey(
    redis_url: str,
    sandboxes: dict[str, Sandbox],
    receiver: Receiver,
    dialect: str,
    http_deadline: float,
    tmp_path: Path,
) -> Iterator[Journey]:
    sandbox, bench, hints, interrupt = (
        sandboxes[dialect],
        Bench(redis_url),
        Hints(),
        Interruptions(),
    )
    sandbox.control("POST", "reset")
    receiver.events.clear()
    now = sandbox.control("POST", "clock", {"advance": 0})["now"]
    bench.advance(int(now * 1000) - bench.now_ms)
    impatient = {"dialect": dialect, "http_deadline": http_deadline}
    resources = Resources(
        settings_for(redis_url, sandbox, tmp_path).model_copy(update=impatient),
        hints,  # type: ignore[arg-type]  # a stand-in for the broker
        trace=interrupt,
        open_store=lambda _: bench.store,
        now=lambda: datetime.fromtimestamp(bench.now_ms / 1000, UTC),
    )
    yield Journey(Works(bench, sandbox, receiver, resources, hints), interrupt)
    resources.close()


def next_clock_changes(after: datetime) -> list[datetime]:
    """Find the next two moments at which clocks in Paris are changed."""
    hours = [after.replace(minute=0, second=0, microsecond=0) + n * HOUR for n in range(365 * 24)]
    offsets = [hour.astimezone(PARIS).utcoffset() for hour in hours]
    changes = [
        hour
        for hour, (old, new) in zip(hours[1:], itertools.pairwise(offsets), strict=True)
        if old != new
    ]
    assert len(changes) == 2
    return changes


@pytest.mark.parametrize("dialect", ["v1", "live"])
def test_the_api_understands_the_time_that_was_meant_across_both_clock_changes(
    journey: Journey, dialect: str
) -> None:
    # The hour that is repeated in autumn has no unequivocal form in the live dialect.
    around = (-2 * HOUR, -HOUR - SECOND, -HOUR, -SECOND, timedelta(0), HOUR, 2 * HOUR)
    clear = (-2 * HOUR, -HOUR - SECOND, HOUR, 2 * HOUR)
    meant = [
        change + offset
        for change in next_clock_changes(journey.now)
        for offset in (around if dialect == "v1" else clear)
    ]

    for place, moment in enumerate(meant):
        zone = (UTC, PARIS, ZoneInfo("Indian/Reunion"))[place % 3]
        journey.scheduled(send_at=moment.astimezone(zone), recipients=FOUR[:1])

    understood = [entry["delay"] for entry in journey.works.sandbox.ledger()]
    assert [datetime.fromisoformat(delay) for delay in understood] == meant


@pytest.mark.parametrize("dialect", ["v1", "live"])
def test_a_campaign_for_later_goes_out_at_its_time_and_not_before(journey: Journey) -> None:
    campaign = journey.scheduled()
    journey.jump(IN_TWO_HOURS - timedelta(minutes=1))
    assert journey.sent() == []
    assert journey.check(campaign).state is C.SCHEDULED

    journey.jump(timedelta(minutes=1))

    assert journey.check(campaign).state is C.SENT
    assert eventually(lambda: journey.sent() == FOUR)
    journey.works.receive(4)
    assert journey.check(campaign).recipient_states == {R.DELIVERED: 4}


@pytest.mark.parametrize("dialect", ["v1", "live"])
def test_what_is_cancelled_before_its_time_is_never_sent_and_its_credits_are_back(
    journey: Journey,
) -> None:
    campaign = journey.scheduled()
    assert journey.works.sandbox.credits == CREDITS - 4

    asked = journey.cancel(campaign)
    assert (asked.state, asked.verifying) == (C.CANCELLING, 2)
    assert (Task.WITHDRAW, ("default",)) in journey.works.hints.nudges
    journey.work(campaign)

    done = journey.cancellation(campaign)
    assert (done.state, done.taken_back, done.credits_returned) == (C.CANCELLED, 2, 4)
    journey.jump(3 * HOUR)
    assert (journey.sent(), journey.states()) == ([], ["cancelled", "cancelled"])
    assert journey.works.sandbox.credits == CREDITS
    assert journey.works.account.store.ledger.credits().balance == CREDITS
    assert journey.check(campaign).recipient_states == {R.CANCELLED: 4}


@pytest.mark.parametrize(
    ("fault", "http_deadline"),
    [
        ("drop_before", 30.0),
        ("drop_after", 30.0),
        ("http_before:500", 30.0),
        ("http_after:500", 30.0),
        # Everything else has to be answered within it, too, however busy the machine is.
        ("slow_after:60", 3.0),
    ],
)
def test_a_cancellation_whose_answer_is_lost_is_asked_for_again(
    journey: Journey, fault: str
) -> None:
    campaign = journey.scheduled(recipients=FOUR[:2])
    journey.works.fail("DELETE /send/:id", fault)
    journey.cancel(campaign)

    assert journey.work(campaign).state is C.CANCELLING
    journey.jump(timedelta(minutes=1))
    assert (Task.WITHDRAW, ("default",)) in journey.works.hints.nudges
    assert journey.work(campaign).state is C.CANCELLED

    journey.jump(3 * HOUR)
    assert (journey.sent(), journey.states()) == ([], ["cancelled"])
    assert journey.works.sandbox.credits == CREDITS
    assert journey.cancellation(campaign).credits_returned == 2


@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
def test_an_answer_lost_until_its_time_leaves_doubt_that_receipts_end(
    journey: Journey, fault: str
) -> None:
    campaign = journey.scheduled(recipients=FOUR[:2])
    journey.works.fail("DELETE /send/:id", fault)
    journey.cancel(campaign)
    journey.work(campaign)

    journey.jump(IN_TWO_HOURS)
    assert journey.work(campaign).batch_states == {"doubtful": 1}

    assert journey.cancellation(campaign).doubtful == 1
    if fault == "drop_before":
        journey.works.receive(2)
        assert journey.check(campaign).recipient_states == {R.DELIVERED: 2}
        assert eventually(lambda: journey.sent() == FOUR[:2])
    else:
        assert journey.sent() == []
        assert journey.check(campaign).recipient_states == {R.UNKNOWN: 2}
    assert journey.check(campaign).alarms == 0


@pytest.mark.parametrize("milestone", [Milestone.WRITTEN, Milestone.ANSWERED])
def test_what_is_cancelled_while_its_post_is_in_flight_is_taken_back(
    journey: Journey, milestone: Milestone
) -> None:
    campaign = journey.submit()
    journey.interrupt.at(milestone, lambda: journey.cancel(campaign))

    assert journey.work(campaign).state is C.CANCELLED

    done = journey.cancellation(campaign)
    assert (done.stopped, done.taken_back, done.credits_returned) == (1, 1, 2)
    journey.jump(3 * HOUR)
    assert (journey.sent(), journey.states()) == ([], ["cancelled"])


def test_what_is_cancelled_while_its_lost_post_is_in_flight_stays_to_be_verified(
    journey: Journey,
) -> None:
    campaign = journey.submit(recipients=FOUR[:2])
    journey.works.fail("POST /send", "drop_after")
    journey.interrupt.at(Milestone.WRITTEN, lambda: journey.cancel(campaign))

    assert journey.work(campaign).state is C.CANCELLING

    assert journey.cancellation(campaign).verifying == 1
    journey.jump(IN_TWO_HOURS)
    journey.works.receive(2)
    late = journey.cancellation(campaign)
    assert (late.state, late.too_late, late.verifying) == (C.FINISHED, 1, 0)
    assert journey.check(campaign).alarms == 0


def test_what_is_cancelled_while_its_refused_post_is_in_flight_is_cancelled(
    journey: Journey,
) -> None:
    campaign = journey.submit(recipients=FOUR[:2])
    journey.works.fail("POST /send", "status_before:-3")
    journey.interrupt.at(Milestone.WRITTEN, lambda: journey.cancel(campaign))

    assert journey.work(campaign).state is C.CANCELLED

    assert journey.states() == []
    assert journey.works.account.store.ledger.credits().reserved == 0


def test_a_cancellation_after_its_time_comes_too_late_even_before_a_tick(journey: Journey) -> None:
    campaign = journey.scheduled()
    journey.jump(IN_TWO_HOURS, tick_after=False)

    journey.cancel(campaign)
    journey.work(campaign)

    late = journey.cancellation(campaign)
    assert (late.state, late.too_late, late.taken_back) == (C.SENT, 2, 0)
    journey.works.receive(4)
    assert journey.check(campaign).state is C.FINISHED
    assert eventually(lambda: journey.sent() == FOUR)


def test_a_cancellation_after_the_tick_is_refused(journey: Journey) -> None:
    campaign = journey.scheduled()
    journey.jump(IN_TWO_HOURS)

    with pytest.raises(StateError, match="too late"):
        journey.cancel(campaign)


def test_a_paused_campaign_is_made_again_when_it_is_resumed(journey: Journey) -> None:
    dispatcher = journey.works.resources.dispatcher
    campaign = journey.scheduled()
    assert dispatcher.pause(campaign).hold is H.PAUSED
    journey.work(campaign)
    assert journey.works.sandbox.credits == CREDITS

    assert dispatcher.resume(campaign).state is C.SENDING
    assert journey.work(campaign).state is C.SCHEDULED

    assert journey.states() == ["cancelled", "cancelled", "scheduled", "scheduled"]
    journey.jump(IN_TWO_HOURS)
    assert eventually(lambda: journey.sent() == FOUR)
    journey.works.receive(4)
    assert journey.check(campaign).recipient_states == {R.DELIVERED: 4}
    assert (journey.check(campaign).cost, journey.check(campaign).alarms) == (4, 0)
    assert journey.works.sandbox.credits == CREDITS - 4


def test_a_campaign_resumed_at_once_is_made_again_as_its_batches_come_back(
    journey: Journey,
) -> None:
    dispatcher = journey.works.resources.dispatcher
    campaign = journey.scheduled()
    dispatcher.pause(campaign)
    dispatcher.resume(campaign)

    journey.work(campaign)
    assert journey.works.hints.moves[-1] == (campaign, C.SENDING)
    assert journey.work(campaign).state is C.SCHEDULED

    journey.jump(IN_TWO_HOURS)
    assert eventually(lambda: journey.sent() == FOUR)


def test_a_campaign_that_stays_paused_past_its_time_expires_unsent(journey: Journey) -> None:
    campaign = journey.scheduled()
    journey.works.resources.dispatcher.pause(campaign)
    journey.work(campaign)

    journey.jump(4 * HOUR)

    assert journey.check(campaign).recipient_states == {R.EXPIRED: 4}
    assert journey.sent() == []
    assert journey.works.sandbox.credits == CREDITS


def test_the_api_sends_a_campaign_for_later_although_we_are_down(journey: Journey) -> None:
    campaign = journey.scheduled()

    journey.jump(24 * HOUR, tick_after=False)

    assert eventually(lambda: journey.sent() == FOUR)
    journey.works.receive(4)
    assert journey.check(campaign).state is C.FINISHED
    tick(journey.works.account)
    assert journey.check(campaign).recipient_states == {R.DELIVERED: 4}
    assert journey.check(campaign).alarms == 0


def test_a_campaign_kept_here_is_cancelled_without_asking_anybody(journey: Journey) -> None:
    campaign = journey.submit(handover=Handover.LOCAL)
    assert journey.work(campaign).hold is H.TIME

    done = journey.cancel(campaign)

    assert (done.state, done.stopped) == (C.CANCELLED, 2)
    journey.jump(3 * HOUR)
    journey.work(campaign)
    assert journey.states() == []


def test_a_campaign_kept_here_is_given_to_the_api_shortly_before_its_time(journey: Journey) -> None:
    due = journey.now + IN_TWO_HOURS
    campaign = journey.submit(due, handover=Handover.LOCAL)
    journey.work(campaign)

    journey.jump(IN_TWO_HOURS - timedelta(minutes=10))
    assert journey.work(campaign).state is C.SCHEDULED

    understood = [
        datetime.fromisoformat(entry["delay"]) for entry in journey.works.sandbox.ledger()
    ]
    assert understood == [due.replace(microsecond=0)] * 2
    journey.jump(timedelta(minutes=10))
    assert eventually(lambda: journey.sent() == FOUR)


def test_a_recipient_the_api_left_out_of_a_campaign_for_later_is_named(journey: Journey) -> None:
    campaign = journey.submit()
    while quote_next(journey.works.account, campaign) is Progress.MADE:
        pass
    journey.works.sandbox.control("POST", "blacklist", {"destinations": [FOUR[1]]})

    assert journey.work(campaign).reasons == {"blacklisted": 1}

    assert journey.check(campaign).recipient_states == {R.SCHEDULED: 3, R.NOT_SENT: 1}


def test_a_receipt_for_what_was_taken_back_raises_an_alarm(journey: Journey) -> None:
    campaign = journey.scheduled(recipients=FOUR[:1])
    entry = journey.works.sandbox.ledger()[0]
    journey.cancel(campaign)
    journey.work(campaign)

    journey.works.receiver.events.append(
        {
            "message_id": entry["messages"][0]["gsmsmsid"],
            "destination": FOUR[0],
            "status": "3",
            "campaign_id": entry["ticket"],
            "date": entry["accepted_at"],
        }
    )
    journey.works.receive(1)

    assert journey.works.bench.alarms() == [
        "proof that a batch was sent which we held for cancelled"
    ]
