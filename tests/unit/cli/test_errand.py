import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import pytest
import typer

from dispatcher import CampaignState, CampaignStatus, HoldReason
from dispatcher.cli.errand import Errand, Manner
from dispatcher.cli.watching import Watch
from dispatcher.domain.campaign import Cancellation, cancellation_of
from dispatcher.planning import Departure
from dispatcher.producer import Dispatcher
from dispatcher.store.ledger import Credits
from tests.support.statuses import a_status

QUOTING = a_status(state=CampaignState.QUOTING, quoted=1)
FOR_APPROVAL = a_status(state=CampaignState.HELD, hold=HoldReason.APPROVAL)
SENT = a_status(state=CampaignState.SENT, cost=7)
CANCELLED = a_status(state=CampaignState.CANCELLED)
REJECTED = a_status(state=CampaignState.REJECTED, quoted=0, error="status -2: XML invalide")


@dataclass
class FakeDispatcher:
    """Answers with statuses prepared beforehand, and remembers what it was told to do."""

    statuses: Iterator[CampaignStatus]
    told: list[str] = field(default_factory=list)

    def status(self, campaign: str, *, account: str | None) -> CampaignStatus:
        assert (campaign, account) == ("orders", None)
        return next(self.statuses)

    def credits(self, *, account: str | None) -> Credits:
        assert account is None
        return Credits(balance=100, reserved=0, spent=0, parked=None)

    def plan(self, campaign: str, *, account: str | None) -> list[Departure]:  # noqa: ARG002 - as the real one
        return []

    def approve(self, campaign: str, *, by: str, account: str | None) -> None:
        self.told.append(f"approve {campaign} by {by} on {account}")

    def cancel(self, campaign: str, *, account: str | None) -> Cancellation:
        self.told.append(f"cancel {campaign} on {account}")
        self.statuses = iter([CANCELLED])
        return cancellation_of(CANCELLED)


def errand(manner: Manner, *statuses: CampaignStatus) -> tuple[Errand, FakeDispatcher]:
    fake = FakeDispatcher(iter(statuses))
    watch = Watch(timeout=0.0 if statuses == (QUOTING,) else None, pause=lambda _: None)
    dispatcher = cast("Dispatcher", fake)
    return Errand(dispatcher, "orders", account=None, manner=manner, watch=watch), fake


def answering(monkeypatch: pytest.MonkeyPatch, *, yes: bool) -> list[str]:
    asked: list[str] = []

    def confirm(question: str, **_: object) -> bool:
        asked.append(question)
        return yes

    monkeypatch.setattr(typer, "confirm", confirm)
    return asked


def test_a_yes_to_the_price_approves_and_waits_for_the_sending(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = answering(monkeypatch, yes=True)
    run, fake = errand(
        Manner(may_ask=True, by="ada"), QUOTING, FOR_APPROVAL, a_status(), a_status(), SENT
    )

    assert run.run() == 0

    assert asked == ["Send to 7 recipients for 7 credits?"]
    assert fake.told == ["approve orders by ada on None"]
    assert "balance after     93 credits" in capsys.readouterr().out


def test_a_no_cancels(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, yes=False)
    run, fake = errand(Manner(may_ask=True), FOR_APPROVAL)

    assert run.run() == 1

    assert fake.told == ["cancel orders on None"]


def test_with_nobody_to_ask_it_stays_held_and_says_how_to_approve(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run, fake = errand(Manner(may_ask=False), FOR_APPROVAL)

    assert run.run() == 4

    assert fake.told == []
    assert "To send it: dispatcher approve orders" in capsys.readouterr().err


def test_what_to_do_is_said_once_while_it_waits_for_its_hour(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for_hour = a_status(state=CampaignState.HELD, hold=HoldReason.WINDOW)
    run, _ = errand(Manner(), QUOTING, for_hour)

    assert run.run() == 4

    assert capsys.readouterr().err.count("Advertising may not go out at this hour") == 1


def test_a_simulation_ends_in_a_cancelled_campaign_and_success() -> None:
    run, fake = errand(Manner(simulate_only=True), QUOTING, FOR_APPROVAL)

    assert run.run() == 0

    assert fake.told == ["cancel orders on None"]


def test_a_simulation_that_takes_too_long_is_dropped_unfinished() -> None:
    run, fake = errand(Manner(simulate_only=True), QUOTING)

    assert run.run() == 4

    assert fake.told == ["cancel orders on None"]


def test_a_rejected_campaign_is_told_with_its_error(capsys: pytest.CaptureFixture[str]) -> None:
    run, _ = errand(Manner(), QUOTING, REJECTED)

    assert run.run() == 1

    assert "last error: status -2: XML invalide" in capsys.readouterr().err


def test_a_quote_that_does_not_come_in_time_leaves_the_campaign_alone() -> None:
    run, fake = errand(Manner(may_ask=True), QUOTING)

    assert run.run() == 4

    assert fake.told == []


def test_not_waiting_looks_once_and_succeeds() -> None:
    run, fake = errand(Manner(wait=False), a_status(state=CampaignState.QUEUED, quoted=0))

    assert run.run() == 0

    assert fake.told == []


def test_for_scripts_the_answer_is_one_document_with_quote_and_status(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run, _ = errand(Manner(as_json=True), FOR_APPROVAL)

    run.run()

    document = json.loads(capsys.readouterr().out)
    assert document["quote"]["cost"] == 7
    assert document["quote"]["balance_after"] == 93
    assert document["status"]["hold"] == "approval"
