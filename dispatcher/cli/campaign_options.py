"""What `send` and `quote` share: the options that describe a campaign and its recipients."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from dispatcher.cli.reading import Reading
from dispatcher.cli.recipients_file import STDIN, RecipientsFile, Words
from dispatcher.cli.session import AccountOption
from dispatcher.cli.time_options import (
    HandoverOption,
    LatenessOption,
    SendAtOption,
    TimezoneOption,
    WindowPolicyOption,
    time_arguments,
)
from dispatcher.domain.campaign import BadRows, Campaign
from dispatcher.domain.feed import DEFAULT_PRODUCER
from dispatcher.domain.message import PushType
from dispatcher.domain.routes import Render
from dispatcher.domain.template import field_key, parse_template
from dispatcher.domain.unknowns import OnUnknown
from dispatcher.domain.windows import WindowPolicy


def _readable(file: Path | None) -> Path | None:
    if file not in (None, STDIN) and not (file.is_file() and os.access(file, os.R_OK)):
        raise typer.BadParameter(f"{file} is not a file that can be read")
    return file


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignOptions:
    """The options that say what goes to whom."""

    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE|-",
            help="Table of recipients: CSV, Excel workbook (.xlsx) or JSON Lines, told from its "
            "content; `-` is standard input.",
            callback=_readable,
        ),
    ] = None
    text: Annotated[
        str,
        typer.Option(
            help="The content of the SMS; {name} and {name|default} stand for columns of the "
            "file, {{ for a brace."
        ),
    ]
    sender: Annotated[
        str | None, typer.Option(help="Up to 11 letters and digits shown as the sender.")
    ] = None
    pushtype: Annotated[
        PushType, typer.Option(help="Marketing is `advertising`: daytime only, with STOP.")
    ] = PushType.ALERT
    link: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="For a <-short-> tag of the text; once for each."),
    ] = None
    account: AccountOption = None
    lists: Annotated[
        list[str] | None,
        typer.Option(
            "--list", metavar="ID", help="A list of the account instead of a file; repeatable."
        ),
    ] = None
    number_column: Annotated[
        str | None,
        typer.Option(metavar="NAME|N", help="Column of phone numbers: its name, 2 or B."),
    ] = None
    id_column: Annotated[
        str | None, typer.Option(metavar="NAME|N", help="Column of your own ids.")
    ] = None
    sheet: Annotated[
        str | None,
        typer.Option(metavar="NAME|N", help="Sheet of a workbook; left out: the first."),
    ] = None
    field: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=COLUMN",
            help="Column of a field of the text that has another name; repeatable.",
        ),
    ] = None
    render: Annotated[
        Render,
        typer.Option(help="Who fills the fields in: we do here, or the API from lists."),
    ] = Render.AUTO
    replace_characters: Annotated[
        bool,
        typer.Option(
            "--replace-characters",
            help="Put look-alikes for characters that force UCS-2, such as curly quotes.",
        ),
    ] = False
    bad_rows: Annotated[
        BadRows, typer.Option(help="Refuse the file for bad rows, or skip them.")
    ] = BadRows.REJECT
    producer: Annotated[
        str, typer.Option(metavar="NAME", help="Whose campaign it is: see `dispatcher feed`.")
    ] = DEFAULT_PRODUCER
    send_at: SendAtOption = None
    timezone: TimezoneOption = None
    handover: HandoverOption = None
    max_lateness: LatenessOption = None
    window_policy: WindowPolicyOption = WindowPolicy.HOLD
    on_unknown: Annotated[
        OnUnknown,
        typer.Option(
            help="When the answer to a batch is lost: wait for a person, send it again once it is "
            "proven that it was not sent, or take it for sent after the wait for receipts."
        ),
    ] = OnUnknown.HOLD

    def campaign(self) -> Campaign:
        """Give the campaign, its recipients of a file still missing.

        Raises:
            BadParameter: a file and lists are given, or neither.
        """
        if (self.file is None) != bool(self.lists):
            raise typer.BadParameter("give a FILE or --list: one of them, not both")
        return Campaign(
            text=self.text,
            sender=self.sender,
            pushtype=self.pushtype,
            links=tuple(self.link or ()),
            account=self.account,
            lists=tuple(self.lists or ()),
            render=self.render,
            replace_characters=self.replace_characters,
            bad_rows=self.bad_rows,
            on_unknown=self.on_unknown,
            producer=self.producer,
            **time_arguments(
                send_at=self.send_at,
                timezone=self.timezone,
                handover=self.handover,
                max_lateness=self.max_lateness,
                window_policy=self.window_policy,
            ),
        )

    def table(self) -> RecipientsFile | None:
        """Give the file of recipients; None for those of lists.

        Raises:
            BadParameter: an option about columns makes no sense.
            InputError: the text is not a template.
        """
        if self.file is None:
            self._refuse_columns()
            return None
        return RecipientsFile(
            path=self.file,
            text=self.text,
            number_column=self.number_column,
            id_column=self.id_column,
            sheet=self.sheet,
            mapping=self._mapping(),
        )

    def _refuse_columns(self) -> None:
        if self.number_column or self.id_column or self.sheet or self.field:
            raise typer.BadParameter("lists have no columns to choose: leave those options out")

    def _mapping(self) -> Mapping[str, str]:
        known = {field_key(name) for name in parse_template(self.text).fields}
        mapping: dict[str, str] = {}
        for each in self.field or ():
            name, _, column = (part.strip() for part in each.partition("="))
            if not name or not column:
                raise typer.BadParameter(f"--field {each} is not NAME=COLUMN")
            if field_key(name) not in known:
                raise typer.BadParameter(f"--field {each}: the text has no field {{{name}}}")
            if field_key(name) in map(field_key, mapping):
                raise typer.BadParameter(f"--field {name} is given twice")
            mapping[name] = column
        return mapping


@contextmanager
def with_recipients(
    campaign: Campaign, table: RecipientsFile | None, reading: Reading
) -> Iterator[tuple[Campaign, Words]]:
    """Give a campaign its recipients, and what their file calls its columns.

    Raises:
        InputError: the file is no table, or has no column for a field of the text.
    """
    if table is None:
        yield campaign, {}
        return
    with table.opened(reading) as audience:
        yield replace(campaign, recipients=audience.recipients), audience.words
