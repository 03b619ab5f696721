"""`dispatcher quote`: what a file would say to whom and cost; nothing is kept or spent."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from dispatcher.cli.campaign_options import CampaignOptions, with_recipients
from dispatcher.cli.exit_codes import ExitCode
from dispatcher.cli.observing import RowObserver
from dispatcher.cli.output import stderr, stdout, write_json
from dispatcher.cli.problems_view import tell_problems
from dispatcher.cli.quote_report import QuoteReport, quote_document
from dispatcher.cli.quote_view import quote_view
from dispatcher.cli.reading import Reading
from dispatcher.cli.recipients_file import RecipientsFile, error_in_own_words
from dispatcher.cli.row_files import ErrorsFile, RepairedFile, refuse_same_file
from dispatcher.cli.session import JsonOption, opened_dispatcher
from dispatcher.cli.shared_options import with_options
from dispatcher.domain.campaign import Campaign
from dispatcher.domain.quotes import CampaignQuote
from dispatcher.domain.template import parse_template
from dispatcher.errors import InputError
from dispatcher.producer import Dispatcher


def add_commands(app: typer.Typer) -> None:
    """Add `quote`."""
    app.command()(quote)


@with_options(CampaignOptions)
def quote(
    options: CampaignOptions,
    *,
    errors: Annotated[
        Path | None,
        typer.Option(dir_okay=False, writable=True, help="Write every bad row to this CSV file."),
    ] = None,
    repaired: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False, writable=True, help="Write the rows kept, as understood, to this CSV."
        ),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Count here only; do not simulate at the API.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a campaign would say and cost.

    Nothing is kept and nothing spent. Every row is read and every text rendered: who is kept,
    how many segments each takes, what makes it dear, five samples, and what the API would
    charge. The exit code is 3 when rows are bad and --bad-rows is reject.

    Example: dispatcher quote customers.xlsx --text 'Bonjour {prenom|client}' --errors bad.csv
    """
    campaign = options.campaign()
    refuse_same_file(options.file, errors, repaired)
    if offline and campaign.lists:
        raise typer.BadParameter("--offline: only the API knows the contacts of lists")
    try:
        table = options.table()
        repairs = RepairedFile(repaired, parse_template(campaign.text))
        with opened_dispatcher() as dispatcher:
            survey = _Survey(dispatcher, campaign, table, ErrorsFile(errors), repairs)
            report = survey.report(simulate=not offline)
    except InputError as error:
        tell_problems(error, as_json=as_json)
        raise typer.Exit(ExitCode.BAD_INPUT) from None
    if as_json:
        write_json(quote_document(report))
    else:
        stdout().print(quote_view(report))
    raise typer.Exit(_code(report))


class _Survey:
    """Reads a campaign's recipients once, or twice where that answers more."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        campaign: Campaign,
        table: RecipientsFile | None,
        errors: ErrorsFile,
        repaired: RepairedFile,
    ) -> None:
        self._dispatcher = dispatcher
        self._campaign = campaign
        self._table = table
        self._errors = errors
        self._repaired = repaired

    def report(self, *, simulate: bool) -> QuoteReport:
        with (
            Reading(stderr()) as reading,
            with_recipients(self._campaign, self._table, reading) as (campaign, words),
            self._errors.opened(),
            self._repaired.opened(),
        ):
            observer = RowObserver(words, reading, errors=self._errors, repaired=self._repaired)
            try:
                found = self._dispatcher.quote(campaign, simulate=simulate, observer=observer)
            except InputError as error:
                raise error_in_own_words(error, words) from None
        return QuoteReport(
            campaign=self._campaign,
            quote=found,
            words=words,
            saving=self._saving(found),
            reserved=self._dispatcher.credits(account=self._campaign.account).reserved,
        )

    def _saving(self, found: CampaignQuote) -> int | None:
        """Quote once more with look-alikes, where that is free and may tell something."""
        if self._table is None or self._table.is_stdin or self._campaign.replace_characters:
            return None
        if not found.text.dearer:
            return None
        alike = replace(self._campaign, replace_characters=True)
        with (
            Reading(stderr()) as reading,
            with_recipients(alike, self._table, reading) as (campaign, _),
        ):
            cheaper = self._dispatcher.quote(campaign, simulate=False)
        return found.estimate - cheaper.estimate


def _code(report: QuoteReport) -> ExitCode:
    quote = report.quote
    if report.is_refused or not quote.recipients:
        return ExitCode.BAD_INPUT
    if quote.simulation is not None and quote.simulation.error:
        return ExitCode.API
    return ExitCode.OK
