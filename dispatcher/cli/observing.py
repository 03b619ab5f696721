"""Watches the rows of a campaign go by: into files, and past the bars."""

from pathlib import Path

from dispatcher.cli.campaign_options import with_recipients
from dispatcher.cli.output import say, stderr
from dispatcher.cli.reading import Reading
from dispatcher.cli.recipients_file import RecipientsFile, Words
from dispatcher.cli.row_files import ErrorsFile, RepairedFile
from dispatcher.domain.campaign import BadRows, Campaign, Recipient
from dispatcher.domain.routes import Kept
from dispatcher.errors import InputError, Problem
from dispatcher.producer import Dispatcher
from dispatcher.quoting import Observer


class RowObserver(Observer):
    """Writes each row to the file it belongs to, and moves the bars."""

    def __init__(
        self,
        words: Words,
        reading: Reading,
        *,
        errors: ErrorsFile,
        repaired: RepairedFile | None = None,
    ) -> None:
        self._words = words
        self._reading = reading
        self._errors = errors
        self._repaired = repaired

    def bad(self, row: Recipient, problem: Problem) -> None:  # noqa: ARG002 - the base's
        """Write why a row is bad; not what is in it."""
        self._errors.write(problem, self._words)

    def kept(self, kept: Kept) -> None:
        """Write rows as they were understood."""
        if self._repaired is not None:
            self._repaired.write(kept)

    def simulated(self, people: int) -> None:
        """Move the bar of the simulation."""
        self._reading.simulated(people)


def write_bad_rows(
    dispatcher: Dispatcher,
    campaign: Campaign,
    table: RecipientsFile | None,
    path: Path,
    *,
    known: InputError | None = None,
) -> None:
    """Write every bad row of a campaign that was submitted.

    Args:
        dispatcher: reads the file once more where more rows are bad than are known.
        campaign: as submitted, without its recipients.
        table: the file; None for the account's lists.
        path: what to write.
        known: why it was refused, with the first bad rows; None when it was accepted.
    """
    errors = ErrorsFile(path)
    is_known = known is not None and known.total == len(known.problems)
    is_sound = known is None and campaign.bad_rows is BadRows.REJECT
    with errors.opened():
        if is_known or is_sound or table is None or table.is_stdin:
            for problem in known.problems if known else ():
                errors.write(problem, {})
            if not is_known and not is_sound and table is not None:
                say("Not all: standard input cannot be read twice. Give a file to have them all.")
            return
        with (
            Reading(stderr()) as reading,
            with_recipients(campaign, table, reading) as (whole, words),
        ):
            observer = RowObserver(words, reading, errors=errors)
            dispatcher.quote(whole, simulate=False, observer=observer)
