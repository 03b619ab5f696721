"""`dispatcher demo`: the whole service at work on this machine, from a file to the last receipt."""

import time
from typing import Annotated

import typer
from rich.console import Console

from dispatcher.cli.demo_data import FEWEST, MOST, DemoFile, write_recipients
from dispatcher.cli.demo_services import DemoServices, use_only
from dispatcher.cli.demo_verdict import Outcome, claims_of, tally_of
from dispatcher.cli.demo_view import closing_table
from dispatcher.cli.exit_codes import ExitCode, code_of_error
from dispatcher.cli.output import say, stderr, stdout
from dispatcher.cli.progress import CampaignProgress
from dispatcher.cli.reading import Reading
from dispatcher.cli.recipients_file import RecipientsFile
from dispatcher.cli.session import opened_dispatcher
from dispatcher.cli.watching import Watch, is_done
from dispatcher.domain.campaign import BadRows, Campaign, CampaignStatus
from dispatcher.errors import DispatcherError
from dispatcher.producer import Dispatcher
from dispatcher.settings import Settings
from dispatcher.smsfactor.opening import open_client

_CAMPAIGN = "demo"
_TEXT = "Bonjour, votre commande est prête. A bientôt !"
_PATIENCE = 90.0


def add_commands(app: typer.Typer) -> None:
    """Add `demo`."""
    app.command()(demo)


def demo(
    *,
    recipients: Annotated[
        int, typer.Option(min=FEWEST, max=MOST, help="Rows of the made-up file.")
    ] = 1000,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the directory with file, data and logs.")
    ] = False,
    fast: Annotated[
        bool, typer.Option("--fast", help="Without the pauses that let you watch.")
    ] = False,
) -> None:
    """Show all of it on this machine; needs nothing.

    Starts a Valkey server, a sandbox that stands in for the API, a Celery worker, beat and the
    webhook receiver, and sends a campaign of fictional recipients: some invalid, repeated,
    blacklisted or out of reach. Ends with 0 only if every row and every credit adds up, and
    stops everything it started.

    Example: dispatcher demo --recipients 5000
    """
    console = stdout()
    services = DemoServices(credits_at_start=2 * recipients, keep=keep, is_fast=fast)
    try:
        with services:
            code = _demonstrate(services, recipients, console)
    finally:
        say("Everything it started is stopped.")
    if keep:
        console.print(f"File, data and logs are in {services.directory}", markup=False)
    raise typer.Exit(code)


def _demonstrate(services: DemoServices, recipients: int, console: Console) -> ExitCode:
    """Run the demo; show the logs of what was started when something is wrong."""
    try:
        for line in services.start():
            console.print(line, markup=False)
            services.check()
        use_only(services.env)
        file = write_recipients(services.directory / "recipients.csv", recipients)
        console.print(f"recipients             {file.path}", markup=False)
        outcome = _send(services, file, console)
    except DispatcherError as error:
        stderr().print(f"error: {error}\n{services.last_words()}", markup=False)
        return code_of_error(error)
    claims = claims_of(outcome)
    console.print(closing_table(outcome, claims))
    if all(claim.holds for claim in claims):
        return ExitCode.OK
    stderr().print(services.last_words(), markup=False)
    return ExitCode.FAILED


def _send(services: DemoServices, file: DemoFile, console: Console) -> Outcome:
    settings = Settings.from_env()
    table = RecipientsFile(path=file.path)
    with open_client(settings, settings.default_account) as api, opened_dispatcher() as dispatcher:
        balance_before = api.credits()
        began = time.monotonic()
        with Reading(console) as reading, table.opened(reading) as audience:
            campaign = Campaign(
                id=_CAMPAIGN,
                text=_TEXT,
                recipients=audience.recipients,
                bad_rows=BadRows.SKIP,
            )
            dispatcher.submit(campaign)
        status = _watch(dispatcher, services, console)
        return Outcome(
            seconds=time.monotonic() - began,
            status=status,
            tally=tally_of(dispatcher.results(_CAMPAIGN)),
            ledger=services.ledger(),
            rows=file.rows,
            balance_before=balance_before,
            balance_after=api.credits(),
        )


def _watch(dispatcher: Dispatcher, services: DemoServices, console: Console) -> CampaignStatus:
    with CampaignProgress(console) as progress:
        watch = Watch(timeout=_PATIENCE)
        for status in watch.until(is_done, lambda: dispatcher.status(_CAMPAIGN)):
            services.check()
            progress.update(status, reserved=dispatcher.credits().reserved)
    return status
