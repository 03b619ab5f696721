"""The closing table of the demo."""

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dispatcher.cli.demo_verdict import SENT_TO, Claim, Outcome
from dispatcher.cli.output import count
from dispatcher.domain.fates import RecipientState

_NAMES = {RecipientState.SENT: "without a final receipt"}
_WORDS = {"invalid": "invalid: says the API"}
_MARKS = {True: Text("ok", style="green"), False: Text("WRONG", style="bold red")}


def closing_table(outcome: Outcome, claims: Iterable[Claim]) -> RenderableType:
    """Show what became of every row and every credit, and whether it adds up."""
    figures = Table.grid(padding=(0, 2))
    figures.add_column()
    figures.add_column(justify="right")
    for name, value in _figures(outcome):
        figures.add_row(Text(name), Text(value))
    verdict = Table.grid(padding=(0, 2))
    for claim in claims:
        verdict.add_row(_MARKS[claim.holds], Text(claim.words))
    return Group(Text("What became of it", style="bold"), figures, Text(""), verdict)


def _figures(outcome: Outcome) -> Iterator[tuple[str, str]]:
    status, tally = outcome.status, outcome.tally
    yield "rows in", f"{outcome.rows:,}"
    yield "sent", f"{tally.sent:,}"
    for state in (RecipientState.DELIVERED, RecipientState.UNDELIVERED, RecipientState.SENT):
        if tally.states[state]:
            yield from _with_reasons(outcome, state)
    for state in RecipientState:
        if state not in SENT_TO and tally.states[state]:
            yield from _with_reasons(outcome, state)
    yield "cost quoted", count(status.quote, "credit")
    yield "cost real", count(status.cost, "credit")
    yield "balance before", count(outcome.balance_before, "credit")
    yield "balance after", count(outcome.balance_after, "credit")
    yield "time", f"{outcome.seconds:.1f} s"


def _with_reasons(outcome: Outcome, state: RecipientState) -> Iterator[tuple[str, str]]:
    yield _NAMES.get(state, state.value), f"{outcome.tally.states[state]:,}"
    for (of_state, reason), number in outcome.tally.reasons.most_common():
        if of_state is state:
            yield f"    {_WORDS.get(reason, reason).replace('_', ' ')}", f"{number:,}"
