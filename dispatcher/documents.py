"""The one JSON document a producer sends that does not use our code; see `submit_schema`."""

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationError,
)
from pydantic_core import ErrorDetails

from dispatcher.domain.campaign import BadRows, Campaign, Recipient
from dispatcher.domain.message import PushType
from dispatcher.errors import InputError, Problem

_MOST_RECIPIENTS = 100_000
_NUMBER_ALONE = "number alone"
_WITH_ID = "number with id"
_FORMS = {_NUMBER_ALONE, _WITH_ID}

Number = Annotated[str, StringConstraints(max_length=64)]


class RecipientDocument(BaseModel):
    """One recipient, when it has an id of the producer's."""

    model_config = ConfigDict(extra="forbid")

    number: Number = Field(description="Phone number in any usual form.")
    id: str | None = Field(
        default=None, max_length=128, description="The producer's own id, given back with results."
    )


def _form_of(row: object) -> str:
    return _NUMBER_ALONE if isinstance(row, str) else _WITH_ID


AnyRecipient = Annotated[
    Annotated[Number, Tag(_NUMBER_ALONE)] | Annotated[RecipientDocument, Tag(_WITH_ID)],
    # Chosen by form, so that a bad row is told once and not once for each form.
    Discriminator(_form_of),
]


class CampaignDocument(BaseModel):
    """A campaign as one JSON document: the only argument of the task `campaigns.submit`."""

    model_config = ConfigDict(extra="forbid", title="campaigns.submit")

    idempotency_key: str | None = Field(
        default=None,
        min_length=1,
        max_length=256,
        description="Any text that names this campaign and no other. Repeating the message with "
        "the same key is safe; give this or `id`.",
    )
    id: str | None = Field(
        default=None,
        max_length=100,
        description="The campaign's id, chosen by the producer; give this or `idempotency_key`.",
    )
    text: str = Field(min_length=1, description="The content of the SMS.")
    recipients: list[AnyRecipient] = Field(
        min_length=1,
        max_length=_MOST_RECIPIENTS,
        description="Whom to send to. For more, submit from Python or the command line.",
    )
    sender: str | None = Field(
        default=None, max_length=11, description="Up to 11 letters and digits shown as sender."
    )
    pushtype: PushType = Field(default=PushType.ALERT, description="alert or advertising.")
    links: list[str] = Field(
        default_factory=list, description="URLs for the `<-short->` tags of the text, in order."
    )
    account: str | None = Field(
        default=None, description="Whose credits are spent; left out: the default account."
    )
    bad_rows: BadRows = Field(
        default=BadRows.REJECT, description="Refuse the campaign for bad numbers, or drop them."
    )
    needs_approval: bool = Field(default=False, description="Quote, then wait before spending.")


def submit_schema() -> dict[str, Any]:
    """Give the JSON Schema of the document."""
    return CampaignDocument.model_json_schema()


def read_document(document: object) -> tuple[Campaign, str | None]:
    """Read a document; give the campaign, and the idempotency key when it has no id.

    Raises:
        InputError: it does not follow the schema; every field at fault is named.
    """
    try:
        found = CampaignDocument.model_validate(document)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
        raise InputError([_problem(detail) for detail in details]) from None
    if found.id is None and found.idempotency_key is None:
        raise InputError([_needs_a_name()])
    return _campaign(found), found.idempotency_key


def _campaign(found: CampaignDocument) -> Campaign:
    return Campaign(
        recipients=[
            Recipient(row, None, place)
            if isinstance(row, str)
            else Recipient(row.number, row.id, place)
            for place, row in enumerate(found.recipients, start=1)
        ],
        text=found.text,
        sender=found.sender,
        pushtype=found.pushtype,
        links=tuple(found.links),
        account=found.account,
        id=found.id,
        bad_rows=found.bad_rows,
        needs_approval=found.needs_approval,
    )


def _problem(detail: ErrorDetails) -> Problem:
    path = detail["loc"]
    row = next((part + 1 for part in path if isinstance(part, int)), None)
    names = [part for part in path if isinstance(part, str) and part not in _FORMS]
    return Problem(
        field=".".join(names) or "document",
        row=row,
        message=detail["msg"],
        fix="see the schema: dispatcher schema",
    )


def _needs_a_name() -> Problem:
    return Problem(
        field="idempotency_key",
        message="neither it nor id is given, so a repeated message would send twice",
        fix="give any text that names this campaign and no other",
    )
