from datetime import UTC, datetime, timedelta

import pytest
import typer
from typer.testing import CliRunner

from dispatcher.cli.time_options import (
    HandoverOption,
    LatenessOption,
    SendAtOption,
    TimeArguments,
    TimezoneOption,
    WindowPolicyOption,
    time_arguments,
)
from dispatcher.domain.campaign import Campaign
from dispatcher.domain.timing import Handover
from dispatcher.domain.windows import WindowPolicy

AT = ("--send-at", "2026-11-24T09:30+01:00")


def run(*arguments: str) -> tuple[TimeArguments | None, str]:
    """Give what a command with these options makes of them, and what it writes."""
    found: list[TimeArguments] = []
    app = typer.Typer(rich_markup_mode=None)

    @app.command()
    def send(
        *,
        send_at: SendAtOption = None,
        timezone: TimezoneOption = None,
        handover: HandoverOption = None,
        max_lateness: LatenessOption = None,
        window_policy: WindowPolicyOption = WindowPolicy.HOLD,
    ) -> None:
        found.append(
            time_arguments(
                send_at=send_at,
                timezone=timezone,
                handover=handover,
                max_lateness=max_lateness,
                window_policy=window_policy,
            )
        )

    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "300"})
    assert result.exit_code == (0 if found else 2), result.output
    return (found[0] if found else None), result.output


def read(*arguments: str) -> TimeArguments:
    found, output = run(*arguments)
    assert found is not None, output
    return found


def refusal(*arguments: str) -> str:
    found, output = run(*arguments)
    assert found is None
    return output


def test_without_options_a_campaign_is_as_one_without_them() -> None:
    assert Campaign(text="Soldes", **read()) == Campaign(text="Soldes")


def test_each_option_is_an_argument_of_the_campaign() -> None:
    found = read(
        *AT, "--handover", "local", "--max-lateness", "30m", "--window-policy", "expire"
    )  # fmt: skip

    assert found == {
        "send_at": datetime(2026, 11, 24, 8, 30, tzinfo=UTC),
        "handover": Handover.LOCAL,
        "max_lateness": timedelta(minutes=30),
        "window_policy": WindowPolicy.EXPIRE,
    }


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-24T09:30+01:00", datetime(2026, 11, 24, 8, 30, tzinfo=UTC)),
        ("2026-11-24T09:30:15Z", datetime(2026, 11, 24, 9, 30, 15, tzinfo=UTC)),
        ("2026-11-24 09:30:15-0930", datetime(2026, 11, 24, 19, 0, 15, tzinfo=UTC)),
        ("2026-11-24T09:30:15.250000+00:00", datetime(2026, 11, 24, 9, 30, 15, 250000, UTC)),
    ],
)
def test_a_time_with_its_offset_is_read(text: str, moment: datetime) -> None:
    assert read("--send-at", text)["send_at"] == moment


@pytest.mark.parametrize(
    ("wall", "zone", "moment"),
    [
        ("2026-11-24T09:30", "Europe/Paris", datetime(2026, 11, 24, 8, 30, tzinfo=UTC)),
        ("2026-07-24T09:30", "Europe/Paris", datetime(2026, 7, 24, 7, 30, tzinfo=UTC)),
        ("2026-07-24T09:30", "Indian/Reunion", datetime(2026, 7, 24, 5, 30, tzinfo=UTC)),
        # The last minutes before and the first after either change of the clocks.
        ("2026-03-29T01:59", "Europe/Paris", datetime(2026, 3, 29, 0, 59, tzinfo=UTC)),
        ("2026-03-29T03:00", "Europe/Paris", datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        ("2026-10-25T01:59", "Europe/Paris", datetime(2026, 10, 24, 23, 59, tzinfo=UTC)),
        ("2026-10-25T03:00", "Europe/Paris", datetime(2026, 10, 25, 2, 0, tzinfo=UTC)),
    ],
)
def test_a_time_by_the_clock_of_a_zone_is_read(wall: str, zone: str, moment: datetime) -> None:
    found = read("--send-at", wall, "--timezone", zone)["send_at"]

    assert found is not None
    assert found.astimezone(UTC) == moment


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("2026-11-24T09:30",), "add its offset, as in 2026-11-24T09:30+01:00, or --timezone"),
        (("2026-11-24T09:30Z", "--timezone", "Europe/Paris"), "leave --timezone out"),
        (("2026-03-29T02:30", "--timezone", "Europe/Paris"), "go past it that night"),
        (("2026-10-25T02:30", "--timezone", "Europe/Paris"), "show it twice that night"),
        (("2026-11-24",), "write it as in 2026-11-24T09:30+01:00"),
        (("tomorrow",), "write it as in 2026-11-24T09:30+01:00"),
        (("2026-02-30T09:30Z",), "write it as in 2026-11-24T09:30+01:00"),
        (("2026-11-24T09:30+25:00",), "write it as in 2026-11-24T09:30+01:00"),
        (("1790000000",), "write it as in 2026-11-24T09:30+01:00"),
        (("",), "write it as in 2026-11-24T09:30+01:00"),
    ],
)
def test_what_is_not_one_moment_is_refused_with_its_fix(
    arguments: tuple[str, ...], words: str
) -> None:
    output = refusal("--send-at", *arguments)

    assert f"--send-at {arguments[0]!r} is not one moment" in output
    assert words in output


@pytest.mark.parametrize("zone", ["Europe/Lutetia", "Etc/Unknown", "", "../etc"])
def test_a_zone_that_does_not_exist_is_refused(zone: str) -> None:
    output = refusal("--send-at", "2026-11-24T09:30", "--timezone", zone)

    assert f"--timezone {zone!r} is unknown: use an IANA name such as Europe/Paris" in output


@pytest.mark.parametrize(
    ("text", "lateness"),
    [
        ("0s", timedelta()),
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("2h", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
    ],
)
def test_durations_have_a_unit(text: str, lateness: timedelta) -> None:
    assert read(*AT, "--max-lateness", text)["max_lateness"] == lateness


@pytest.mark.parametrize("text", ["", "30", "-1m", "1.5h", "2 h", "1w", "99999999d", "٣m"])
def test_a_duration_that_cannot_be_read_is_refused(text: str) -> None:
    output = refusal(*AT, "--max-lateness", text)

    assert f"--max-lateness {text!r} cannot be read: write 90s, 30m, 2h or 1d" in output


@pytest.mark.parametrize(
    "option",
    [("--timezone", "Europe/Paris"), ("--handover", "local"), ("--max-lateness", "30m")],
)
def test_what_says_nothing_without_a_time_is_refused(option: tuple[str, str]) -> None:
    assert f"{option[0]} says nothing without --send-at" in refusal(*option)


@pytest.mark.parametrize(
    ("option", "choices"),
    [("--handover", "'provider', 'local'"), ("--window-policy", "'hold', 'refuse', 'expire'")],
)
def test_choices_are_named(option: str, choices: str) -> None:
    assert choices in refusal(*AT, option, "never")
