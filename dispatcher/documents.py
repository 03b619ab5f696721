"""The one JSON document a producer sends that does not use our code; see `submit_schema`."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    StringConstraints,
    Tag,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from dispatcher.domain.campaign import BadRows, Campaign, Recipient
from dispatcher.domain.feed import DEFAULT_PRODUCER
from dispatcher.domain.message import PushType
from dispatcher.domain.routes import Render
from dispatcher.domain.timing import Handover
from dispatcher.domain.unknowns import OnUnknown
from dispatcher.domain.windows import WindowPolicy
from dispatcher.errors import InputError, Problem

_MOST_RECIPIENTS = 100_000
_LONGEST_LATENESS = 365 * 86_400
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?P<offset>[Zz]|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_NUMBER_ALONE = "number alone"
_WITH_MORE = "number with more"

_EXAMPLES: list[JsonValue] = [
    {
        "idempotency_key": "orders-2026-11-23",
        "text": "Votre commande est prête.",
        "recipients": ["+33639980001", {"number": "06 39 98 00 02", "id": "order-18"}],
    },
    {
        "idempotency_key": "appointments-2026-11-24",
        "text": "Bonjour {prenom|client}, rendez-vous {date}",
        "recipients": [
            {"number": "+33639980001", "fields": {"prenom": "Ada", "date": "mardi 9 h"}}
        ],
        "replace_characters": True,
    },
    {
        "id": "spring",
        "text": "Bonjour {info1}",
        "lists": ["4711"],
        "render": "lists",
        "bad_rows": "skip",
    },
]

Number = Annotated[str, StringConstraints(max_length=64)]


class RecipientDocument(BaseModel):
    """One recipient, when it has an id of the producer's or fields."""

    model_config = ConfigDict(extra="forbid")

    number: Number = Field(description="Phone number in any usual form.")
    id: str | None = Field(
        default=None, max_length=128, description="The producer's own id, given back with results."
    )
    fields: dict[str, str] | None = Field(
        default=None, description="What the text's `{fields}` stand for, by name."
    )


def _form_of(row: object) -> str:
    return _NUMBER_ALONE if isinstance(row, str) else _WITH_MORE


AnyRecipient = Annotated[
    Annotated[Number, Tag(_NUMBER_ALONE)] | Annotated[RecipientDocument, Tag(_WITH_MORE)],
    # Chosen by form, so that a bad row is told once and not once for each form.
    Discriminator(_form_of),
]


def _moment(given: object) -> object:
    """Read ISO 8601 with an offset; seconds since 1970 and times of no zone are not guessed at."""
    if given is None or isinstance(given, datetime):
        return given
    found = _TIME.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        raise PydanticCustomError("send_at", "it is no time such as 2026-11-24T09:30:00+01:00")
    if found["offset"] is None:
        raise PydanticCustomError(
            "send_at", "it has no offset, so nobody knows whose clock it is: add +01:00, or Z"
        )
    return given


Moment = Annotated[
    datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]


class CampaignDocument(BaseModel):
    """A campaign as one JSON document: the only argument of the task `campaigns.submit`."""

    model_config = ConfigDict(
        extra="forbid",
        title="campaigns.submit",
        json_schema_extra={
            "oneOf": [{"required": ["recipients"]}, {"required": ["lists"]}],
            "examples": _EXAMPLES,
        },
    )

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
    text: str = Field(
        min_length=1,
        description="The content of the SMS; `{name}` and `{name|default}` stand for fields of "
        "the recipient, `{{` for a brace.",
    )
    recipients: list[AnyRecipient] = Field(
        default_factory=list,
        min_length=1,
        max_length=_MOST_RECIPIENTS,
        description="Whom to send to; give this or `lists`. For more, submit from Python or the "
        "command line.",
    )
    lists: list[str] = Field(
        default_factory=list,
        min_length=1,
        description="Ids of lists of the account to send to; their fields are `{info1}` to "
        "`{info4}`.",
    )
    render: Render = Field(
        default=Render.AUTO,
        description="Who fills the fields in: we do (here), or the API from lists (lists).",
    )
    replace_characters: bool = Field(
        default=False,
        description="Put look-alikes for characters that make the message dearer.",
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
    producer: str = Field(
        default=DEFAULT_PRODUCER,
        description="Who is told of it: 1 to 32 of a-z 0-9 _ -; see `dispatcher feed`.",
    )
    needs_approval: bool = Field(default=False, description="Quote, then wait before spending.")
    send_at: Moment | None = Field(
        default=None,
        description="When to send: ISO 8601 with an offset. Left out: as soon as possible.",
    )
    handover: Handover | None = Field(
        default=None,
        description="Who keeps it until then: the API (provider), or we (local). Left out: as the "
        "account is set.",
    )
    max_lateness: float | None = Field(
        default=None,
        ge=0,
        le=_LONGEST_LATENESS,
        allow_inf_nan=False,
        strict=True,
        description="Seconds after `send_at` in which it may still be sent; later it expires.",
    )
    window_policy: WindowPolicy = Field(
        default=WindowPolicy.HOLD,
        description="What becomes of advertising outside its hours: it waits for the next (hold), "
        "is not accepted (refuse), or is given up (expire).",
    )
    on_unknown: OnUnknown = Field(
        default=OnUnknown.HOLD,
        description="What is done about a batch whose answer was lost: a person decides (hold), it "
        "is sent again once it is proven that it was not sent (resend), or it counts as sent when "
        "receipts are awaited no longer (assume-sent).",
    )


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
        raise InputError([_NEEDS_A_NAME])
    if bool(found.recipients) == bool(found.lists):
        raise InputError([_NEEDS_PEOPLE])
    return _campaign(found), found.idempotency_key


def _campaign(found: CampaignDocument) -> Campaign:
    return Campaign(
        recipients=[
            Recipient(row, None, place)
            if isinstance(row, str)
            else Recipient(row.number, row.id, place, row.fields)
            for place, row in enumerate(found.recipients, start=1)
        ]
        or (),
        lists=tuple(found.lists),
        render=found.render,
        replace_characters=found.replace_characters,
        text=found.text,
        sender=found.sender,
        pushtype=found.pushtype,
        links=tuple(found.links),
        account=found.account,
        id=found.id,
        bad_rows=found.bad_rows,
        needs_approval=found.needs_approval,
        send_at=found.send_at,
        handover=found.handover,
        max_lateness=_seconds(found.max_lateness),
        window_policy=found.window_policy,
        on_unknown=found.on_unknown,
        producer=found.producer,
    )


def _seconds(given: float | None) -> timedelta | None:
    return None if given is None else timedelta(seconds=given)


def _problem(detail: ErrorDetails) -> Problem:
    path = detail["loc"]
    row = next((part + 1 for part in path if isinstance(part, int)), None)
    # Names that are not ours are the producer's own words, and may be numbers and texts.
    names = [part for part in path if isinstance(part, str) and part in _NAMES]
    is_foreign = detail["type"] == "extra_forbidden"
    model = CampaignDocument if row is None else RecipientDocument
    return Problem(
        field=".".join(names) or "document",
        row=row,
        message="it has a field that is not known" if is_foreign else detail["msg"],
        fix=f"use these: {', '.join(model.model_fields)}"
        if is_foreign
        else "see the schema: dispatcher schema",
    )


_NAMES = {*CampaignDocument.model_fields, *RecipientDocument.model_fields}
_NEEDS_A_NAME = Problem(
    field="idempotency_key",
    message="neither it nor id is given, so a repeated message would send twice",
    fix="give any text that names this campaign and no other",
)
_NEEDS_PEOPLE = Problem(
    field="recipients",
    message="there are either none and no lists, or lists as well",
    fix="give recipients or lists, one of them",
)
