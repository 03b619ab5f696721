"""Shows a campaign moving: bars on a terminal, one line for each change elsewhere."""

from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from dispatcher.cli.campaign_view import hint, summary
from dispatcher.cli.output import is_live
from dispatcher.cli.watching import is_done
from dispatcher.domain.campaign import CampaignStatus
from dispatcher.domain.fates import RecipientState
from dispatcher.domain.lifecycle import BatchState

_SETTLED = (
    RecipientState.SENT,
    RecipientState.DELIVERED,
    RecipientState.UNDELIVERED,
    RecipientState.REFUSED,
    RecipientState.UNKNOWN,
)
_OUT = (BatchState.ACCEPTED, BatchState.REFUSED, BatchState.UNKNOWN, BatchState.ABANDONED)
_HEARD_OF = (RecipientState.DELIVERED, RecipientState.UNDELIVERED)


class CampaignProgress:
    """Shows each status it is given; a context manager, so that the terminal is left whole."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = _Bars(console) if is_live(console) else None
        self._shown = ""
        self._advice = ""

    def __enter__(self) -> Self:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars:
            self._bars.stop()

    @property
    def told(self) -> str:
        """What was said last about what to do."""
        return self._advice

    def update(self, status: CampaignStatus, *, reserved: int | None = None) -> None:
        """Show how it stands now, and the account's reserved credits where they are known."""
        if self._bars:
            self._bars.update(status, reserved)
        elif (line := _line(status, reserved)) != self._shown:
            self._shown = line
            self._console.print(line, markup=False)
        advice = hint(status, datetime.now(UTC))
        # Whoever watches stops at what is done, and says what follows itself.
        if advice not in ("", self._advice) and not is_done(status):
            self._advice = advice
            self._console.print(advice, markup=False)


class _Bars:
    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<9}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}", style="dim"),
            TimeElapsedColumn(),
            console=console,
        )
        self._quoted, self._reserved, self._sent, self._heard = (
            self._progress.add_task(name, total=None, note="", start=False, visible=False)
            for name in ("quoted", "reserved", "sent", "receipts")
        )

    def start(self) -> None:
        self._progress.start()

    def stop(self) -> None:
        self._progress.stop()

    def update(self, status: CampaignStatus, reserved: int | None) -> None:
        states = status.recipient_states
        kept = status.rows - states.get(RecipientState.NOT_SENT, 0)
        sent = sum(states.get(state, 0) for state in _SETTLED)
        heard = sum(states.get(state, 0) for state in _HEARD_OF)
        out = sum(status.batch_states.get(state.value, 0) for state in _OUT)
        self._show(self._quoted, status.quoted, status.batches, "batches")
        if reserved is not None:
            self._show(self._reserved, reserved, status.quote, "credits")
        self._show(self._sent, sent, kept, f"in {out} batches for {status.cost:,} credits")
        self._show(self._heard, heard, kept, status.state.value)

    def _show(self, task: TaskID, done: int, total: int, note: str) -> None:
        if done:
            self._progress.start_task(task)
        self._progress.update(task, completed=done, total=total, note=note, visible=True)


def _line(status: CampaignStatus, reserved: int | None) -> str:
    """Say in one line what the bars would show."""
    money = "" if reserved is None else f"; {reserved:,} of {status.quote:,} credits reserved"
    return summary(status) + money
