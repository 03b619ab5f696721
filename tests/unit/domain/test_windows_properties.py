"""What holds for the French windows at any moment and for any recipients."""

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.domain.windows import WindowSet
from dispatcher.domain.zones import zones_of
from tests.support import french_calendar as by_hand

FRENCH = WindowSet.named("fr-marketing")
SECOND = timedelta(seconds=1)
STEP = timedelta(minutes=15)

PLACES = {
    33639980001: {"Europe/Paris"},
    262692000001: {"Indian/Reunion"},
    262639000001: {"Indian/Mayotte"},
    590690000001: {"America/Guadeloupe"},
    594694000001: {"America/Cayenne"},
    596696000001: {"America/Martinique"},
    508551234: {"America/Miquelon"},
    687751234: {"Pacific/Noumea"},
    681821234: {"Pacific/Wallis"},
    68987000001: {"Pacific/Gambier", "Pacific/Marquesas", "Pacific/Tahiti"},
}
UNPLACED = [881612345678, 870301234567, 882161234567, 999123456789]

audiences = st.sets(st.sampled_from(sorted(PLACES)), min_size=1, max_size=3)
any_day = st.dates(date(by_hand.YEARS[0], 1, 2), date(by_hand.YEARS[-1], 12, 30))
special_days = st.sampled_from(
    sorted(
        {
            day
            for year in by_hand.YEARS
            for zone in by_hand.ZONES
            for day in (*by_hand.holidays(zone, year), by_hand.spring_change(year).date())
        }
    )
)
days = st.one_of(any_day, special_days)
moments = st.builds(
    lambda day, seconds: datetime.combine(day, time(), UTC) + SECOND * seconds,
    days,
    st.integers(0, 86_399),
)


def places_of(numbers: set[int]) -> set[str]:
    return set[str]().union(*(PLACES[number] for number in numbers))


@settings(max_examples=60, deadline=None)
@given(days, audiences)
def test_every_minute_of_a_day_is_open_if_it_is_by_hand(day: date, numbers: set[int]) -> None:
    zones, places = zones_of(numbers), places_of(numbers)
    midnight = datetime.combine(day, time(), UTC)
    minutes = [midnight + timedelta(minutes=minute) for minute in range(24 * 60)]

    found = [minute for minute in minutes if FRENCH.is_open(minute, zones)]

    assert found == [minute for minute in minutes if by_hand.may_advertise(places, minute)]


@settings(deadline=None)
@given(moments, audiences)
def test_an_opening_is_open_throughout_and_closed_around(
    moment: datetime, numbers: set[int]
) -> None:
    zones, places = zones_of(numbers), places_of(numbers)

    opening = FRENCH.next_opening(moment, zones)

    if opening is None:
        return
    assert opening.closes > moment
    assert not by_hand.may_advertise(places, opening.opens - SECOND)
    assert not by_hand.may_advertise(places, opening.closes)
    assert by_hand.may_advertise(places, opening.closes - SECOND)
    steps = range((opening.closes - opening.opens) // STEP)
    assert all(by_hand.may_advertise(places, opening.opens + STEP * step) for step in steps)


# Local clocks are whole half hours from UTC, so quarters of an hour miss no opening.
@settings(max_examples=60, deadline=None)
@given(moments, audiences)
def test_nothing_is_open_before_the_next_opening(moment: datetime, numbers: set[int]) -> None:
    zones, places = zones_of(numbers), places_of(numbers)

    opening = FRENCH.next_opening(moment, zones)

    end = opening.opens if opening else moment + timedelta(days=366)
    quarter = moment.replace(minute=moment.minute // 15 * 15, second=0) + STEP
    while quarter < end:
        assert not by_hand.may_advertise(places, quarter)
        quarter += STEP
    is_open_now = opening is not None and opening.opens <= moment
    assert is_open_now == FRENCH.is_open(moment, zones) == by_hand.may_advertise(places, moment)


@given(moments, audiences)
def test_nothing_is_ever_open_on_a_sunday_of_a_recipient(
    moment: datetime, numbers: set[int]
) -> None:
    weekdays = {by_hand.local_time(place, moment).isoweekday() for place in places_of(numbers)}

    assert not (7 in weekdays and FRENCH.is_open(moment, zones_of(numbers)))


@given(moments, audiences, st.sampled_from(UNPLACED))
def test_a_number_of_no_known_zone_never_has_an_opening(
    moment: datetime, numbers: set[int], unplaced: int
) -> None:
    zones = zones_of({*numbers, unplaced})

    assert not FRENCH.is_open(moment, zones)
    assert FRENCH.next_opening(moment, zones) is None
    assert FRENCH.closes_at(moment, zones) is None
    assert FRENCH.why_closed(moment, zones) == "the time zone of a recipient is unknown"


@given(moments, audiences, audiences)
def test_two_audiences_together_may_be_sent_to_when_each_may(
    moment: datetime, some: set[int], others: set[int]
) -> None:
    each = [FRENCH.is_open(moment, zones_of(numbers)) for numbers in (some, others)]

    assert FRENCH.is_open(moment, zones_of(some | others)) == all(each)
