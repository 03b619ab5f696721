from datetime import UTC, datetime, time, timedelta

import pytest

from dispatcher.domain.calendars import FrenchCalendar
from dispatcher.domain.windows import Opening, WindowPolicy, WindowRule, WindowSet
from dispatcher.domain.zones import PARIS, UNKNOWN, Zone
from dispatcher.errors import SettingsError

FRENCH = WindowSet.named("fr-marketing")
REUNION = Zone("Indian/Reunion")
GUADELOUPE = Zone("America/Guadeloupe")
TAHITI = Zone("Pacific/Tahiti")
NOUMEA = Zone("Pacific/Noumea")
SECOND = timedelta(seconds=1)


def utc(text: str) -> datetime:
    """Read "2026-11-23 07:00", in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def custom(*rules: str, sender: Zone = PARIS) -> WindowSet:
    return WindowSet.named("ours", sets={"ours": rules}, sender=sender)


# Of Monday 12 January and Wednesday 15 July 2026, in UTC.
DAYS = [
    ({PARIS}, "2026-01-12 07:00", "2026-01-12 19:00"),
    ({PARIS}, "2026-07-15 06:00", "2026-07-15 18:00"),
    ({REUNION}, "2026-01-12 07:00", "2026-01-12 16:00"),
    ({REUNION}, "2026-07-15 06:00", "2026-07-15 16:00"),
    ({GUADELOUPE}, "2026-01-12 12:00", "2026-01-12 19:00"),
    ({GUADELOUPE}, "2026-07-15 12:00", "2026-07-15 18:00"),
    ({REUNION, GUADELOUPE}, "2026-01-12 12:00", "2026-01-12 16:00"),
    ({REUNION, GUADELOUPE}, "2026-07-15 12:00", "2026-07-15 16:00"),
    ({NOUMEA}, "2026-01-12 07:00", "2026-01-12 09:00"),
    ({NOUMEA}, "2026-07-15 06:00", "2026-07-15 09:00"),
    ({TAHITI}, "2026-01-12 18:00", "2026-01-12 19:00"),
]


@pytest.mark.parametrize(("zones", "opens", "closes"), DAYS)
def test_the_window_is_open_from_its_first_second_to_its_last(
    zones: set[Zone], opens: str, closes: str
) -> None:
    whom = frozenset(zones)

    assert not FRENCH.is_open(utc(opens) - SECOND, whom)
    assert FRENCH.is_open(utc(opens), whom)
    assert FRENCH.is_open(utc(closes) - SECOND, whom)
    assert not FRENCH.is_open(utc(closes), whom)


@pytest.mark.parametrize(("zones", "opens", "closes"), DAYS)
def test_the_opening_is_the_same_from_before_and_from_within(
    zones: set[Zone], opens: str, closes: str
) -> None:
    whom, opening = frozenset(zones), Opening(opens=utc(opens), closes=utc(closes))

    assert FRENCH.next_opening(utc(opens) - SECOND, whom) == opening
    assert FRENCH.next_opening(utc(opens), whom) == opening
    assert FRENCH.next_opening(utc(closes) - SECOND, whom) == opening
    assert FRENCH.next_opening(utc(closes), whom) != opening
    assert FRENCH.closes_at(utc(opens), whom) == utc(closes)
    assert FRENCH.closes_at(utc(opens) - SECOND, whom) is None
    assert FRENCH.closes_at(utc(closes), whom) is None


@pytest.mark.parametrize(
    ("zones", "moment", "reason"),
    [
        ({PARIS}, "2026-01-12 07:00", ""),
        ({PARIS}, "2026-01-11 12:00", "Sunday in Europe/Paris"),
        ({PARIS}, "2026-01-12 06:59", "before 08:00 in Europe/Paris"),
        ({PARIS}, "2026-01-12 19:00", "after 20:00 in Europe/Paris"),
        ({PARIS}, "2026-04-06 12:00", "public holiday: Easter Monday (metropolitan France)"),
        ({REUNION}, "2026-01-12 16:00", "after 20:00 in Indian/Reunion"),
        ({REUNION}, "2027-12-20 12:00", "public holiday: Abolition of Slavery (Réunion)"),
        ({GUADELOUPE, PARIS}, "2026-01-12 11:59", "before 08:00 in America/Guadeloupe"),
        ({UNKNOWN, PARIS}, "2026-01-12 07:00", "the time zone of a recipient is unknown"),
        (set[Zone](), "2026-01-12 07:00", "there is no recipient"),
        # Saturday evening in Tahiti, and Sunday morning already for the sender.
        ({TAHITI}, "2026-01-11 05:00", "Sunday in Europe/Paris"),
    ],
)
def test_a_closed_window_says_why(zones: set[Zone], moment: str, reason: str) -> None:
    assert FRENCH.why_closed(utc(moment), frozenset(zones)) == reason


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        # Saturday evening, on which Monday follows.
        ("2026-01-10 19:00", "2026-01-12 07:00"),
        # Christmas on a Friday leaves the Saturday, on a Saturday it leaves nothing.
        ("2026-12-24 19:00", "2026-12-26 07:00"),
        ("2027-12-24 19:00", "2027-12-27 07:00"),
        # Easter.
        ("2026-04-04 18:00", "2026-04-07 06:00"),
        # Ascension Day on a Thursday.
        ("2026-05-13 18:00", "2026-05-15 06:00"),
        # New Year's Eve.
        ("2026-12-31 19:00", "2027-01-02 07:00"),
    ],
)
def test_sundays_and_holidays_are_passed_over(moment: str, opens: str) -> None:
    opening = FRENCH.next_opening(utc(moment), frozenset({PARIS}))

    assert opening is not None
    assert opening.opens == utc(opens)


def test_a_holiday_overseas_holds_back_only_its_people() -> None:
    noon = utc("2027-12-20 12:00")

    assert FRENCH.is_open(noon, frozenset({PARIS}))
    assert not FRENCH.is_open(noon, frozenset({PARIS, REUNION}))


def test_alsace_moselle_days_are_an_option() -> None:
    good_friday = utc("2026-04-03 12:00")
    eastern = WindowSet.named("fr-marketing", calendar=FrenchCalendar(alsace_moselle=True))

    assert FRENCH.is_open(good_friday, frozenset({PARIS}))
    assert eastern.why_closed(good_friday, frozenset({PARIS})) == (
        "public holiday: Good Friday (Alsace)"
    )


def test_the_senders_own_zone_counts() -> None:
    morning = utc("2026-07-15 20:00")
    local = WindowSet.named("fr-marketing", sender=TAHITI)

    assert local.is_open(morning, frozenset({TAHITI}))
    assert not FRENCH.is_open(morning, frozenset({TAHITI}))


def test_tahiti_has_no_hour_in_common_with_paris_until_winter_time() -> None:
    opening = FRENCH.next_opening(utc("2026-07-15 12:00"), frozenset({TAHITI}))

    assert opening == Opening(opens=utc("2026-10-26 18:00"), closes=utc("2026-10-26 19:00"))


@pytest.mark.parametrize("zones", [{UNKNOWN}, {UNKNOWN, PARIS}, {TAHITI, NOUMEA}, set[Zone]()])
def test_there_may_be_no_opening_at_all(zones: set[Zone]) -> None:
    assert FRENCH.next_opening(utc("2026-01-12 07:00"), frozenset(zones)) is None
    assert FRENCH.closes_at(utc("2026-01-12 07:00"), frozenset(zones)) is None


def test_what_cannot_finish_before_closing_waits_for_the_next_opening() -> None:
    paris, room = frozenset({PARIS}), timedelta(minutes=10)
    today = Opening(opens=utc("2026-01-12 07:00"), closes=utc("2026-01-12 19:00"))
    tomorrow = Opening(opens=utc("2026-01-13 07:00"), closes=utc("2026-01-13 19:00"))

    assert FRENCH.next_opening(utc("2026-01-12 18:50"), paris, room=room) == today
    assert FRENCH.next_opening(utc("2026-01-12 18:51"), paris, room=room) == tomorrow
    assert FRENCH.next_opening(utc("2026-01-12 18:51"), paris, room=timedelta(hours=13)) is None


def test_an_opening_has_room_from_when_it_opens() -> None:
    opening = Opening(opens=utc("2026-01-12 07:00"), closes=utc("2026-01-12 19:00"))

    assert opening.fits(utc("2026-01-12 03:00"), timedelta(hours=12))
    assert not opening.fits(utc("2026-01-12 03:00"), timedelta(hours=12, seconds=1))
    assert opening.fits(utc("2026-01-12 18:59"), timedelta(minutes=1))
    assert not opening.fits(utc("2026-01-12 19:01"), timedelta())


def test_hours_on_both_sides_of_midnight_are_one_opening() -> None:
    night = custom("sat 20:00-24:00", "sun 00:00-06:00")
    opening = Opening(opens=utc("2026-01-10 19:00"), closes=utc("2026-01-11 05:00"))

    for moment in ("2026-01-10 10:00", "2026-01-10 20:00", "2026-01-10 23:00", "2026-01-11 04:59"):
        assert night.next_opening(utc(moment), frozenset({PARIS})) == opening


def test_a_break_at_noon_closes() -> None:
    shop = custom("mon-fri 09:00-12:00", "mon-fri 14:00-18:00")
    paris = frozenset({PARIS})

    assert shop.why_closed(utc("2026-01-12 11:00"), paris) == "before 14:00 in Europe/Paris"
    assert shop.closes_at(utc("2026-01-12 10:00"), paris) == utc("2026-01-12 11:00")


def test_a_rule_may_hold_on_holidays_too() -> None:
    bank_holiday = utc("2026-04-06 09:00")
    rules = custom("mon-fri 08:00-20:00", "mon-sun 10:00-12:00 holidays")

    assert rules.is_open(bank_holiday, frozenset({PARIS}))
    assert rules.why_closed(utc("2026-04-06 07:00"), frozenset({PARIS})) == (
        "before 10:00 in Europe/Paris"
    )
    assert not rules.is_open(utc("2026-04-06 10:00"), frozenset({PARIS}))


def test_what_never_closes_is_cut_after_a_year() -> None:
    always = custom("mon-sun 00:00-24:00 holidays")
    now = utc("2026-01-12 07:00")

    opening = always.next_opening(now, frozenset({PARIS}))

    assert opening is not None
    assert opening.closes == now + timedelta(days=366)
    assert opening.opens < now - timedelta(days=360)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (
            "mon-sat 08:00-20:00",
            WindowRule(weekdays=frozenset(range(6)), opens=time(8), closes=time(20)),
        ),
        (
            "sat-mon,wed 00:00-24:00 holidays",
            WindowRule(
                weekdays=frozenset({5, 6, 0, 2}), opens=time(0), closes=time(0), on_holidays=True
            ),
        ),
        (
            "sun 23:59-00:00",
            WindowRule(weekdays=frozenset({6}), opens=time(23, 59), closes=time(0)),
        ),
    ],
)
def test_a_rule_is_read_from_text(text: str, rule: WindowRule) -> None:
    assert WindowRule.parse(text) == rule


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("", "write days and hours, such as mon-sat 08:00-20:00"),
        ("mon-sat 8:00-20:00", "write days and hours, such as mon-sat 08:00-20:00"),
        ("mon-sat 08:00-20:00 always", "write days and hours, such as mon-sat 08:00-20:00"),
        ("mon-lun 08:00-20:00", "write days and hours, such as mon-sat 08:00-20:00"),
        ("mon,,tue 08:00-20:00", "write days and hours, such as mon-sat 08:00-20:00"),
        ("mon- 08:00-20:00", "write days and hours, such as mon-sat 08:00-20:00"),
        ("mon-tue-wed 08:00-20:00", "write days and hours, such as mon-sat 08:00-20:00"),
        ("mon 08:00-24:01", "write days and hours, such as mon-sat 08:00-20:00"),
        ("mon 24:00-24:00", "write days and hours, such as mon-sat 08:00-20:00"),
        ("mon 08:60-20:00", "write days and hours, such as mon-sat 08:00-20:00"),
        ("mon 22:00-06:00", "write two rules for hours on both sides of midnight"),
        ("mon 08:00-08:00", "write two rules"),
    ],
)
def test_a_rule_that_cannot_be_read_is_refused_with_its_fix(text: str, fix: str) -> None:
    with pytest.raises(SettingsError, match=fix) as refusal:
        WindowRule.parse(text)

    assert f"window rule {text!r} cannot be read" in str(refusal.value)


def test_a_set_of_no_such_name_is_refused() -> None:
    with pytest.raises(SettingsError, match="windows 'de-werbung' are unknown: use one of fr-mark"):
        WindowSet.named("de-werbung")


def test_a_sender_nobody_can_place_is_refused() -> None:
    with pytest.raises(SettingsError, match="the sender's time zone is unknown"):
        WindowSet.named("fr-marketing", sender=UNKNOWN)


def test_a_set_without_rules_is_refused() -> None:
    with pytest.raises(SettingsError, match="give one at least"):
        custom()


def test_naive_moments_are_refused() -> None:
    naive = datetime(2026, 1, 12, 7)  # noqa: DTZ001 - what must be refused

    with pytest.raises(ValueError, match="aware datetime"):
        FRENCH.is_open(naive, frozenset({PARIS}))
    with pytest.raises(ValueError, match="aware datetime"):
        FRENCH.next_opening(naive, frozenset({PARIS}))


def test_moments_may_come_in_any_zone() -> None:
    moment = datetime(2026, 1, 12, 11, tzinfo=REUNION.clock)

    assert FRENCH.is_open(moment, frozenset({REUNION}))
    assert FRENCH.next_opening(moment, frozenset({REUNION})) == Opening(
        opens=utc("2026-01-12 07:00"), closes=utc("2026-01-12 16:00")
    )


def test_policies_have_the_names_settings_use() -> None:
    assert [policy.value for policy in WindowPolicy] == ["hold", "refuse", "expire"]
