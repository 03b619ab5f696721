"""Commands that hold campaigns back or let them go on, on a stand-in for the dispatcher."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar, cast

import pytest
from typer.testing import CliRunner, Result

from dispatcher.cli import steering
from dispatcher.cli.main import app
from dispatcher.domain.campaign import CampaignStatus, Cancellation
from dispatcher.domain.fates import RecipientState
from dispatcher.domain.lifecycle import CampaignState, HoldReason
from dispatcher.errors import StateError
from dispatcher.planning import Departure
from dispatcher.producer import Dispatcher
from dispatcher.store.pacing import Pace
from tests.support.statuses import a_status

SENDING = a_status(
    id="spring",
    rows=3,
    invalid=0,
    duplicated=0,
    recipients=3,
    recipient_states={RecipientState.WAITING: 3},
    reasons={},
    batches=1,
    batch_states={"ready": 1},
    quoted=1,
    estimate=3,
    quote=3,
)
_Answer = TypeVar("_Answer")
TAKEN_BACK = Cancellation(
    state=CampaignState.CANCELLED,
    stopped=2,
    taken_back=1_200,
    too_late=0,
    verifying=0,
    doubtful=0,
    credits_returned=1,
)
UNDER_WAY = Cancellation(
    state=CampaignState.CANCELLING,
    stopped=0,
    taken_back=0,
    too_late=3,
    verifying=1,
    doubtful=4,
    credits_returned=0,
)
MORNING = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
DEPARTURES = [
    Departure(at=MORNING, batches=1_000, recipients=10_500, why="after 20:00 in Europe/Paris"),
    Departure(at=datetime(2026, 11, 24, 12, 0, tzinfo=UTC), batches=1, recipients=7, why=""),
    Departure(at=None, batches=2, recipients=3, why="held: credits"),
]


@dataclass
class FakeDispatcher:
    """Answers as prepared, and remembers what it was told to do."""

    cancellation: Cancellation = TAKEN_BACK
    departures: Sequence[Departure] = ()
    released: Sequence[str] = ()
    hold: HoldReason | None = None
    refuses: bool = False
    rate: float | None = None
    told: list[str] = field(default_factory=list)
    closed: int = 0

    def cancel(self, campaign: str, *, account: str | None) -> Cancellation:
        return self._tell(f"cancel {campaign} on {account}", self.cancellation)

    def pause(self, campaign: str, *, account: str | None = None) -> CampaignStatus:
        return self._tell(f"pause {campaign} on {account}", self._status())

    def resume(self, campaign: str, *, account: str | None) -> CampaignStatus:
        return self._tell(f"resume {campaign} on {account}", self._status())

    def stop(self, *, by: str, account: str | None) -> list[str]:
        return self._tell(f"stop {account} by {by}", [account] if account else ["default", "shop"])

    def start(self, *, account: str | None) -> Sequence[str]:
        return self._tell(f"start {account}", self.released)

    def pace(self, *, account: str | None) -> Pace:  # noqa: ARG002 - as the real one
        return Pace(
            rate=self.rate, effective=self.rate, paused_ms=0, waits=0, waited_ms=0, lowered=0
        )

    def plan(self, campaign: str, *, account: str | None) -> Sequence[Departure]:
        return self._tell(f"plan {campaign} on {account}", self.departures)

    def _status(self) -> CampaignStatus:
        state = CampaignState.HELD if self.hold else CampaignState.SENDING
        return replace(SENDING, state=state, hold=self.hold)

    def _tell(self, what: str, answer: _Answer) -> _Answer:
        self.told.append(what)
        if self.refuses:
            raise StateError("campaign spring is sent: too late to cancel")
        return answer


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeDispatcher:
    fake = FakeDispatcher()

    @contextmanager
    def opened() -> Iterator[Dispatcher]:
        try:
            yield cast("Dispatcher", fake)
        finally:
            fake.closed += 1

    monkeypatch.setattr(steering, "opened_dispatcher", opened)
    monkeypatch.setattr(steering, "user_name", lambda: "ada")
    return fake


@pytest.fixture
def _in_paris(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Paris")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "100"})


def lines(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return [" ".join(line.split()) for line in result.output.splitlines() if line.strip()]


def test_cancel_tells_what_became_of_each_batch(fake: FakeDispatcher) -> None:
    found = lines(run("cancel", "spring", "--account", "shop"))

    assert found == [
        "campaign spring is cancelled",
        "batches",
        "stopped here 2",
        "taken back 1,200",
        "returned 1 credit",
    ]
    assert fake.told == ["cancel spring on shop"]
    assert fake.closed == 1


def test_cancel_says_to_ask_again_while_something_is_on_its_way(fake: FakeDispatcher) -> None:
    fake.cancellation = UNDER_WAY

    found = lines(run("cancel", "spring"))

    assert found == [
        "campaign spring is cancelling",
        "batches",
        "too late 3",
        "still being verified 1",
        "not known; receipts will tell 4",
        "Some are on their way: ask again in a moment, with the same command.",
    ]


def test_cancel_writes_json_for_scripts(fake: FakeDispatcher) -> None:
    result = run("cancel", "spring", "--json")

    assert json.loads(result.stdout) == {
        "state": "cancelled",
        "stopped": 2,
        "taken_back": 1200,
        "too_late": 0,
        "verifying": 0,
        "doubtful": 0,
        "credits_returned": 1,
    }
    assert fake.closed == 1


@pytest.mark.parametrize("command", ["cancel", "pause", "resume", "plan"])
def test_a_refusal_is_left_to_the_command_line_which_gives_its_exit_code(
    fake: FakeDispatcher, command: str
) -> None:
    fake.refuses = True

    result = run(command, "spring")

    assert isinstance(result.exception, StateError)
    assert fake.closed == 1


def test_pause_says_how_to_go_on(fake: FakeDispatcher) -> None:
    fake.hold = HoldReason.PAUSED

    assert lines(run("pause", "spring")) == [
        "campaign spring is held: paused; 3 waiting",
        "To let it go on: dispatcher resume spring",
    ]
    assert fake.told == ["pause spring on None"]


def test_resume_tells_where_it_stands(fake: FakeDispatcher) -> None:
    found = lines(run("resume", "spring", "--account", "shop"))

    assert found == ["campaign spring is sending; 3 waiting"]
    assert fake.told == ["resume spring on shop"]


def test_resume_at_night_says_when_it_will_go(fake: FakeDispatcher) -> None:
    fake.hold = HoldReason.WINDOW

    assert lines(run("resume", "spring"))[-1] == "When: dispatcher plan spring"


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_both_write_json_for_scripts(fake: FakeDispatcher, command: str) -> None:
    result = run(command, "spring", "--json")

    found = json.loads(result.stdout)
    assert (found["id"], found["state"], found["is_over"]) == ("spring", "sending", False)
    assert len(fake.told) == 1


@pytest.mark.parametrize(
    ("arguments", "told", "line"),
    [
        (
            ("--all",),
            "stop None by ada",
            "stopped: default, shop. To go on: dispatcher start --all",
        ),
        (
            ("--account", "shop"),
            "stop shop by ada",
            "stopped: shop. To go on: dispatcher start --account shop",
        ),
        (
            ("--campaign", "spring"),
            "pause spring on None",
            "campaign spring is paused: dispatcher resume spring",
        ),
    ],
)
def test_stop_holds_back_what_it_is_told_and_says_how_to_go_on(
    fake: FakeDispatcher, arguments: tuple[str, ...], told: str, line: str
) -> None:
    assert lines(run("stop", *arguments)) == [line]
    assert fake.told == [told]


@pytest.mark.parametrize(
    "arguments",
    [
        ("stop",),
        ("stop", "--all", "--account", "shop"),
        ("stop", "--all", "--campaign", "spring"),
        ("stop", "--account", "shop", "--campaign", "spring"),
    ],
)
def test_nothing_happens_unless_one_thing_is_named(
    fake: FakeDispatcher, arguments: tuple[str, ...]
) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert "only one of them" in result.output
    assert fake.told == []


@pytest.mark.parametrize(
    ("released", "line"),
    [(["default", "shop"], "released: default, shop"), ([], "nothing was stopped")],
)
def test_start_names_what_it_released(fake: FakeDispatcher, released: list[str], line: str) -> None:
    fake.released = released

    assert lines(run("start", "--all")) == [line]
    assert lines(run("start", "--account", "shop")) == [line]
    assert fake.told == ["start None", "start shop"]


def test_start_releases_the_account_that_is_meant_without_the_option(
    fake: FakeDispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPATCHER_ACCOUNTS__DEFAULT__TOKEN", "a-token")
    fake.released = ["default"]

    assert lines(run("start")) == ["released: default"]
    assert fake.told == ["start default"]


def test_start_takes_one_account_or_all(fake: FakeDispatcher) -> None:
    result = run("start", "--all", "--account", "shop")

    assert result.exit_code == 2
    assert "give --all or --account NAME, not both" in result.output
    assert fake.told == []


@pytest.mark.usefixtures("_in_paris")
def test_plan_lists_departures_by_this_machines_clock(fake: FakeDispatcher) -> None:
    fake.departures = DEPARTURES

    assert lines(run("plan", "spring")) == [
        "Plan of campaign spring",
        "when batches recipients waits for",
        "Tue 2026-11-24 08:00 +0100 1,000 10,500 after 20:00 in Europe/Paris",
        "Tue 2026-11-24 13:00 +0100 1 7 its turn",
        "not known 2 3 held: credits",
    ]


def test_plan_says_how_long_it_takes_at_the_rate_of_the_account(fake: FakeDispatcher) -> None:
    fake.rate, fake.departures = 0.5, DEPARTURES

    told = " ".join(lines(run("plan", "spring")))

    people = sum(each.recipients for each in fake.departures)
    assert f"at the account's 0.5 segments a second, {people:,} recipients take at least" in told


def test_plan_says_when_nothing_is_left(fake: FakeDispatcher) -> None:
    assert lines(run("plan", "spring")) == ["nothing of it is left to go out"]
    assert fake.told == ["plan spring on None"]


def test_plan_writes_json_for_scripts(fake: FakeDispatcher) -> None:
    fake.departures = DEPARTURES

    assert json.loads(run("plan", "spring", "--json").stdout)[::2] == [
        {
            "at": "2026-11-24T07:00:00Z",
            "batches": 1000,
            "recipients": 10500,
            "why": "after 20:00 in Europe/Paris",
        },
        {"at": None, "batches": 2, "recipients": 3, "why": "held: credits"},
    ]
