import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from xml.sax.saxutils import escape

import msgspec

from dispatcher.sandbox.statuses import RefusedError, Status

Scalar: TypeAlias = str | int | None
Record: TypeAlias = Mapping[str, "Scalar | list[Record] | Record"]

_NOT_XML = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 65534, 65535))


class Format(enum.Enum):
    """How a reply is written."""

    JSON = "application/json"
    XML = "application/xml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What a call is answered with, before it is written as JSON or XML.

    Attributes:
        fields: what follows `status` and `message`, in the document's order.
        ticket: the campaign that was accepted by the call.
    """

    fields: Record = field(default_factory=dict)
    status: int = Status.OK
    message: str = "OK"
    http_status: int = 200
    ticket: int | None = None

    @classmethod
    def refusing(cls, error: RefusedError) -> "Reply":
        """Give the reply to a call that is refused."""
        return cls(
            status=error.status,
            message=error.status.text,
            fields={"details": error.details},
            http_status=error.http_status,
        )

    def render(self, form: Format) -> bytes:
        """Write the reply: compact, `status` first."""
        record: Record = {"status": int(self.status), "message": self.message, **self.fields}
        if form is Format.JSON:
            return msgspec.json.encode(record)
        inside = "".join(_element(name, value) for name, value in record.items())
        return f'<?xml version="1.0" encoding="UTF-8"?><response>{inside}</response>'.encode()


def preferred_format(accept: str) -> Format:
    """Choose between JSON and XML by an Accept header; XML unless JSON is asked for."""
    best, form = 0.0, Format.XML
    for entry in accept.lower().split(","):
        media, *parameters = (part.strip() for part in entry.split(";"))
        quality = _quality(parameters)
        if quality > best and (
            media in {"*/*", "application/*"} or media.endswith(("json", "xml"))
        ):
            best, form = quality, Format.JSON if media.endswith("json") else Format.XML
    return form


def _quality(parameters: list[str]) -> float:
    """Give the weight of one entry of an Accept header, 1 when it has none that can be read."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 1.0
    return 1.0


def _element(name: str, value: "Scalar | list[Record] | Record") -> str:
    """Write one field; a list repeats its element, one per record."""
    if isinstance(value, list):
        return "".join(_element(name, record) for record in value)
    if isinstance(value, Mapping):
        inside = "".join(_element(key, inner) for key, inner in value.items())
        return f"<{name}>{inside}</{name}>"
    text = "" if value is None else escape(str(value).translate(_NOT_XML))
    return f"<{name}>{text}</{name}>"
