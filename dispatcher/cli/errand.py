"""Accompanies a submitted campaign: its quote, the question whether to spend, its sending."""

import enum
from dataclasses import dataclass
from datetime import UTC, datetime

import typer

from dispatcher.cli.campaign_view import (
    Quote,
    hint,
    quote_of,
    quote_table,
    status_document,
    summary,
)
from dispatcher.cli.exit_codes import ExitCode, code_of_status
from dispatcher.cli.output import count, say, stderr, stdout, write_json
from dispatcher.cli.progress import CampaignProgress
from dispatcher.cli.watching import Goal, Watch, is_quoted, is_settled, waits_for_a_person
from dispatcher.domain.campaign import CampaignStatus
from dispatcher.domain.lifecycle import CampaignState, HoldReason
from dispatcher.producer import Dispatcher

_WAITS = (HoldReason.TIME, HoldReason.WINDOW)


@dataclass(frozen=True, kw_only=True, slots=True)
class Manner:
    """How `send` goes about it; each is an option of the command."""

    simulate_only: bool = False
    wait: bool = True
    as_json: bool = False
    may_ask: bool = False
    by: str = "dispatcher send"


class _Answer(enum.Enum):
    """What was said to the quote."""

    YES = enum.auto()
    NO = enum.auto()
    NOBODY_TO_ASK = enum.auto()


class Errand:
    """One campaign on its way, from its acceptance to its last batch."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        campaign: str,
        *,
        account: str | None,
        manner: Manner,
        watch: Watch,
    ) -> None:
        self._dispatcher = dispatcher
        self._campaign = campaign
        self._account = account
        self._manner = manner
        self._watch = watch
        self._quote: Quote | None = None
        self._told = ""

    def run(self) -> ExitCode:
        """See it through, as far as the options say; give what the command ends with."""
        if not self._manner.wait:
            return self._leave()
        status = self._await(is_quoted)
        if is_quoted(status) and not status.is_over:
            self._tell_quote(status)
        if self._manner.simulate_only:
            return self._end_simulation(status)
        if waits_for_a_person(status):
            status = self._decide(status)
        if is_quoted(status) and not is_settled(status):
            status = self._await(is_settled)
        return self._report(status)

    def _leave(self) -> ExitCode:
        self._report(self._look())
        return ExitCode.OK

    def _end_simulation(self, status: CampaignStatus) -> ExitCode:
        if status.is_over:
            return self._report(status)
        code = ExitCode.OK if is_quoted(status) else ExitCode.UNFINISHED
        return self._report(self._cancel(), code)

    def _decide(self, status: CampaignStatus) -> CampaignStatus:
        match self._ask():
            case _Answer.YES:
                self._dispatcher.approve(self._campaign, by=self._manner.by, account=self._account)
                return self._look()
            case _Answer.NO:
                return self._cancel()
            case _Answer.NOBODY_TO_ASK:
                return status

    def _look(self) -> CampaignStatus:
        return self._dispatcher.status(self._campaign, account=self._account)

    def _await(self, goal: Goal) -> CampaignStatus:
        with CampaignProgress(stderr()) as progress:
            for status in self._watch.until(goal, self._look):
                progress.update(status)
        self._told = progress.told
        return status

    def _cancel(self) -> CampaignStatus:
        self._dispatcher.cancel(self._campaign, account=self._account)
        return self._look()

    def _tell_quote(self, status: CampaignStatus) -> None:
        credits_known = self._dispatcher.credits(account=self._account)
        self._quote = quote_of(status, credits_known)
        if not self._manner.as_json:
            stdout().print(quote_table(self._quote))

    def _ask(self) -> _Answer:
        if self._quote is None or not self._manner.may_ask:
            return _Answer.NOBODY_TO_ASK
        price = count(self._quote.cost, "credit")
        recipients = count(self._quote.recipients, "recipient")
        sure = typer.confirm(f"Send to {recipients} for {price}?", default=False, err=True)
        return _Answer.YES if sure else _Answer.NO

    def _report(self, status: CampaignStatus, code: ExitCode | None = None) -> ExitCode:
        if self._manner.as_json:
            write_json({"quote": self._quote, "status": status_document(status)})
        else:
            stdout().print(f"campaign {status.id} is {summary(status)}")
        if status.error:
            say(f"last error: {status.error}")
        if status.hold in _WAITS or status.state is CampaignState.SCHEDULED:
            departures = self._dispatcher.plan(self._campaign, account=self._account)
            if departures and departures[0].at is not None:
                say(f"It goes out from {departures[0].at.astimezone():%a %Y-%m-%d %H:%M %z} on.")
        if (advice := hint(status, datetime.now(UTC))) and advice != self._told:
            say(advice)
        return code_of_status(status) if code is None else code
