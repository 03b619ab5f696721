import enum
import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import msgspec

from dispatcher.smsfactor import json_wire, xml_wire
from dispatcher.smsfactor.fields import Fields, text


class Wire(enum.Enum):
    """The format of requests, and of the replies asked for (document, "Format des données")."""

    JSON = "application/json"
    XML = "application/xml"

    def encode(self, root: str, content: msgspec.Struct) -> bytes:
        """Write a request body whose outermost key or element is `root`.

        Raises:
            InputError: a text holds a character this format cannot carry.
        """
        if self is Wire.XML:
            return xml_wire.encode(root, content)
        return json_wire.encode(root, content)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A reply's body as far as it can be read.

    Attributes:
        fields: what it holds at its outermost level.
        sound: it is a valid document; otherwise `fields` are the pieces that are whole,
            the first of each name.
    """

    fields: Fields = field(repr=False)
    sound: bool


def read_body(body: bytes) -> Reading:
    """Read a reply, JSON or XML by its first character whatever its headers say; never raises."""
    written = _decoded(body)
    fields = xml_wire.decode(body.strip()) if _is_xml(written) else json_wire.decode(written)
    if fields is not None:
        return Reading(fields=fields, sound=True)
    return Reading(fields=dict(reversed(_pieces(written))), sound=False)


def tickets_in(body: bytes, reading: Reading) -> AbstractSet[str]:
    """Find the ticket at the outermost level of a reply, or else every one anywhere in it.

    A reply that holds a ticket is proof that the campaign was taken, however broken it is.
    """
    if reading.sound and (ticket := _ticket(reading.fields.get("ticket"))):
        return {ticket}
    found = (_ticket(value) for name, value in _pieces(_decoded(body)) if name == "ticket")
    return {ticket for ticket in found if ticket is not None}


def _is_xml(written: str) -> bool:
    return written.lstrip().startswith("<")


def _pieces(written: str) -> list[tuple[str, str]]:
    """Look for both formats: a server's HTML warning may stand before the JSON."""
    return [*json_wire.salvage(written), *xml_wire.salvage(written)]


def _ticket(value: object) -> str | None:
    found = text(value)
    is_one = _TICKET.fullmatch(found) is not None and found.lower() not in NO_TICKET
    return found if is_one else None


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("latin-1")


_TICKET = re.compile(r"[\w.-]{1,64}")
"""Tickets are numbers today (contract section 4), but opaque to us."""

NO_TICKET = frozenset({"0", "null", "none", "false"})
"""What servers write where there is no ticket."""
