"""Over simulated weeks, no advertising is posted or delayed to an hour that is not allowed.

The store, the worker and the sandbox share one clock that the tests move. What the sandbox
accepted is judged by a second implementation of the rules, `tests.support.french_calendar`.
`HOURS_HISTORIES=12` tries so many drawn weeks instead of the few of the suite.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dispatcher.domain.message import PushType
from dispatcher.domain.routes import Render
from dispatcher.domain.timing import Handover
from dispatcher.domain.windows import WindowPolicy
from dispatcher.errors import InputError
from dispatcher.smsfactor import NewContact
from tests.support.advertising import (
    DAY,
    HOUR,
    LEAD,
    MINUTE,
    PLACES,
    SLACK,
    C,
    H,
    P,
    Sent,
    World,
    people,
    utc,
)
from tests.support.bench import Bench
from tests.support.sandbox import Sandbox, running_sandbox
from tests.support.works import settings_for
from workers.resources import Resources


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox("--port", "0", "--receipt-delay", "0") as sandbox:
        yield sandbox


@pytest.fixture
def world(redis_url: str, sandbox: Sandbox, tmp_path: Path) -> Iterator[World]:
    world = World(Bench(redis_url), sandbox)
    world.resources = Resources(
        settings_for(redis_url, sandbox, tmp_path),
        world.hints,  # type: ignore[arg-type]  # a stand-in for the broker
        open_store=lambda _: world.bench.store,
        now=world.now,
    )
    yield world
    world.resources.close()


# A Monday, by each of the clocks.
MORNING, EVENING = utc("2031-01-13 07:00"), utc("2031-01-13 19:00")


def test_what_is_submitted_at_night_goes_out_in_the_morning(world: World) -> None:
    world.begin(EVENING)
    campaign = world.submit(*people("336", "336", "336"))
    world.work()
    assert world.stands(campaign) == (C.HELD, H.WINDOW)

    world.move_to(utc("2031-01-14 06:59"))
    assert world.sent() == []

    world.move(MINUTE)
    assert world.stands(campaign) == (C.SENT, None)
    assert [len(sent.places) for sent in world.sent()] == [2, 1]


def test_an_alert_goes_out_at_night(world: World) -> None:
    world.begin(EVENING)
    campaign = world.submit(*people("336", "8816"), pushtype=PushType.ALERT)

    world.work()

    assert world.stands(campaign) == (C.SENT, None)


def test_each_zone_goes_out_when_its_own_window_opens(world: World) -> None:
    world.begin(MORNING - HOUR)
    campaign = world.submit(*people("590690", "336", "262692", "8816"))

    for _ in range(8):
        world.move(HOUR)

    assert [(sent.places, sent.at.hour) for sent in world.sent()] == [
        (("336",), 7),
        (("262692",), 7),
        (("590690",), 12),
    ]
    assert world.bench.status(campaign).batch_states == {"accepted": 3, "expired": 1}
    assert world.stands(campaign) == (C.SENT, None)


def test_a_delay_to_the_night_is_kept_here_until_the_morning(world: World) -> None:
    world.begin(MORNING)
    campaign = world.submit(*people("336"), send_at=EVENING)
    world.work()
    assert world.stands(campaign) == (C.HELD, H.WINDOW)

    world.move_to(utc("2031-01-14 07:00"))

    assert world.stands(campaign) == (C.SENT, None)
    (sent,) = world.sent()
    assert sent.is_allowed
    assert sent.at == sent.posted_at


def test_a_delay_to_the_morning_is_given_to_the_api_at_night(world: World) -> None:
    world.begin(EVENING)
    campaign = world.submit(*people("336"), send_at=utc("2031-01-14 07:00"))

    world.work()

    assert world.stands(campaign) == (C.SCHEDULED, None)
    (sent,) = world.sent()
    assert sent.at == utc("2031-01-14 07:00")
    assert sent.posted_at < utc("2031-01-13 19:10")


@pytest.mark.parametrize("policy", [P.EXPIRE, P.REFUSE])
def test_what_is_not_to_wait_is_not_sent(world: World, policy: WindowPolicy) -> None:
    world.begin(EVENING - 10 * MINUTE)
    campaign = world.submit(*people("336"), window_policy=policy)
    world.bench.advance(5 * 60_000 + 1)

    world.work()

    assert world.stands(campaign) == (C.EXPIRED, None)
    assert world.sent() == []


def test_what_is_to_be_refused_is_refused_at_once(world: World) -> None:
    world.begin(EVENING)

    with pytest.raises(InputError, match="after 20:00 in Europe/Paris"):
        world.submit(*people("336"), window_policy=P.REFUSE)


def test_repeating_what_was_taken_in_time_gives_the_same_campaign(world: World) -> None:
    world.begin(MORNING)
    campaign = world.submit(*people("336"), window_policy=P.REFUSE)
    world.work()
    world.move_to(EVENING)
    world.campaigns.clear()

    assert world.submit(*people("336"), window_policy=P.REFUSE) == campaign
    assert len(world.sent()) == 1


@pytest.mark.parametrize("render", [Render.HERE, Render.AUTO])
def test_contacts_of_lists_heed_the_hours_of_their_zones(world: World, render: Render) -> None:
    # In Réunion it is nine in the evening.
    world.begin(utc("2031-01-13 17:00"))
    contacts = [NewContact(number.removeprefix("+")) for number in people("336", "262692")]
    made = world.account.api.create_list(contacts)
    campaign = world.submit(lists=(made.id,), render=render)

    world.work()
    world.move_to(utc("2031-01-14 07:00"))

    hours = {place: sent.at.hour for sent in world.sent() for place in sent.places}
    assert hours == {"336": 17, "262692": 7}
    assert world.stands(campaign) == (C.SENT, None)


MOMENTS = st.datetimes(datetime(2031, 1, 1), datetime(2037, 12, 1)).map(  # noqa: DTZ001 - hypothesis draws naive ones
    lambda moment: moment.replace(tzinfo=UTC, second=0, microsecond=0)
)
STEPS = st.integers(13, 97).map(lambda minutes: minutes * MINUTE)
CAMPAIGNS = st.fixed_dictionaries(
    {
        "places": st.lists(st.sampled_from(sorted(PLACES)), min_size=1, max_size=6),
        "pushtype": st.sampled_from([PushType.ADVERTISING, PushType.ADVERTISING, PushType.ALERT]),
        "delay": st.none() | st.integers(1, 3 * 24 * 60).map(lambda minutes: minutes * MINUTE),
        "handover": st.sampled_from(Handover),
        "max_lateness": st.none() | st.integers(0, 48).map(lambda hours: hours * HOUR),
        "window_policy": st.sampled_from([P.HOLD, P.HOLD, P.EXPIRE, P.REFUSE]),
    }
)
EXAMPLES = int(os.environ.get("HOURS_HISTORIES", "5"))
SIMULATED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@SIMULATED
@given(start=MOMENTS, step=STEPS, drafts=st.lists(CAMPAIGNS, min_size=1, max_size=3))
# Both nights on which the clocks change, and the bridge of a public holiday.
@example(start=utc("2031-03-29 12:00"), step=43 * MINUTE, drafts=[])
@example(start=utc("2031-10-25 12:00"), step=43 * MINUTE, drafts=[])
@example(start=utc("2031-05-21 12:00"), step=43 * MINUTE, drafts=[])
def test_no_advertising_lies_outside_its_window(
    world: World, start: datetime, step: timedelta, drafts: list[dict[str, object]]
) -> None:
    world.begin(start)
    for draft in drafts or [_for_everybody(None), _for_everybody(20 * HOUR)]:
        _submit(world, draft)
        world.move(step)

    while world.now() < start + 5 * DAY:
        world.move(step)

    sent = world.sent()
    assert [each for each in sent if each.pushtype != "alert" and not each.is_allowed] == []
    for campaign in world.campaigns:
        world.stands(campaign)


def _for_everybody(delay: timedelta | None) -> dict[str, object]:
    return {
        "places": sorted(PLACES),
        "pushtype": PushType.ADVERTISING,
        "delay": delay,
        "handover": Handover.LOCAL,
        "max_lateness": DAY,
        "window_policy": P.HOLD,
    }


def _submit(world: World, draft: dict[str, object]) -> None:
    """Submit a campaign, unless it is to be refused outside its hours."""
    more = dict(draft)
    places, delay = more.pop("places"), more.pop("delay")
    assert isinstance(places, list)
    send_at = world.now() + delay if isinstance(delay, timedelta) else None
    try:
        world.submit(*people(*places), send_at=send_at, **more)
    except InputError:
        assert draft["window_policy"] is P.REFUSE
    world.work()


@SIMULATED
@given(
    start=MOMENTS,
    places=st.lists(st.sampled_from(sorted(PLACES)), min_size=1, max_size=8),
    delay=st.none() | st.integers(1, 3 * 24 * 60).map(lambda minutes: minutes * MINUTE),
    handover=st.sampled_from(Handover),
)
def test_what_the_plan_tells_is_what_happens(
    world: World,
    *,
    start: datetime,
    places: list[str],
    delay: timedelta | None,
    handover: Handover,
) -> None:
    world.begin(start)
    campaign = world.submit(
        *people(*places), send_at=start + delay if delay else None, handover=handover
    )
    plan = world.resources.dispatcher.plan(campaign)
    assert sum(each.recipients for each in plan) == len(places)
    planned = {each.at: each.recipients for each in plan if each.at}

    world.work()
    for at in sorted(planned):
        for moment in (at - LEAD, at, at + MINUTE):
            world.move(max(moment - world.now(), timedelta()))

    assert _happened(world.sent(), planned) == planned
    left = world.resources.dispatcher.plan(campaign)
    assert [each for each in left if each.at is not None and each.at > world.now()] == []
    world.stands(campaign)


def _happened(sent: Sequence[Sent], planned: Iterable[datetime]) -> Counter[datetime]:
    """Count the recipients of each departure; a POST belongs to the one shortly before it."""
    found: Counter[datetime] = Counter()
    for each in sent:
        departure = max((at for at in planned if at <= each.at), default=each.at)
        found[departure if each.at - departure < SLACK else each.at] += len(each.places)
    return found
