import re
from collections.abc import Sequence
from html import unescape

import msgspec
from lxml import etree

from dispatcher.errors import InputError, Problem
from dispatcher.smsfactor.bodies import Gsm
from dispatcher.smsfactor.fields import Fields

_ELEMENT = re.compile(r"<([A-Za-z_0-9]{1,40})>([^<]*+|<-+short-+>)</\1\s{0,9}>")
"""A whole element without children; the document writes the link tag unescaped in one."""


def encode(root: str, content: msgspec.Struct) -> bytes:
    """Write a request body as XML, `content` in the element `root`.

    Raises:
        InputError: a text has a control character, which XML cannot carry.
    """
    element = etree.Element(root)
    _fill(element, content)
    body: bytes = etree.tostring(element, xml_declaration=True, encoding="UTF-8")
    return body


def decode(body: bytes) -> Fields | None:
    """Read a reply that is well-formed XML without a DTD; None for anything else."""
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    if root.getroottree().docinfo.doctype:
        return None
    value = _read(root)
    return value if isinstance(value, dict) else {}


def salvage(body: str) -> list[tuple[str, str]]:
    """Read the elements that are whole in a reply that is not well-formed, in their order.

    The document's own samples lack an end tag, or hold `<-----short----->` unescaped.
    """
    return [(name, _unescaped(text).strip()) for name, text in _ELEMENT.findall(body)]


def _unescaped(text: str) -> str:
    try:
        return unescape(text)
    except ValueError:
        # A character reference of thousands of digits, which Python will not read.
        return text


def _fill(element: etree._Element, content: msgspec.Struct) -> None:
    for name in content.__struct_fields__:
        value = getattr(content, name)
        if isinstance(value, Sequence) and not isinstance(value, str):
            for item in value:
                _append(element, name, item)
        elif value is not None:
            _append(element, name, value)


def _append(parent: etree._Element, name: str, value: object) -> None:
    child = etree.SubElement(parent, name)
    try:
        match value:
            case Gsm(value=number, gsmsmsid=gsmsmsid):
                child.text = number
                if gsmsmsid is not None:
                    child.set("gsmsmsid", gsmsmsid)
            case msgspec.Struct():
                _fill(child, value)
            case _:
                child.text = _text(str(value))
    except ValueError:
        raise InputError([_unfit_for_xml(name)]) from None


def _text(value: str) -> str | etree.CDATA:
    """Put what holds a link tag in CDATA, as the document demands; escape the rest."""
    if "<" in value and "]]>" not in value and "\r" not in value:
        return etree.CDATA(value)
    return value


def _unfit_for_xml(name: str) -> Problem:
    return Problem(
        field=name,
        message="has a control character or half of a character, which XML cannot carry",
        fix="remove it, or use the JSON wire",
    )


def _read(element: etree._Element) -> object:
    """Read an element: its text, or a mapping of its children, those repeated as lists."""
    children = [child for child in element if isinstance(child.tag, str)]
    if not children:
        return (element.text or "").strip()
    fields: Fields = {}
    for child in children:
        name, value = etree.QName(child).localname, _read(child)
        match fields.get(name):
            case None:
                fields[name] = value
            case list(values):
                values.append(value)
            case first:
                fields[name] = [first, value]
    return fields
