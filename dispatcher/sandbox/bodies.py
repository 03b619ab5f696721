"""Request bodies: told apart by looking at them, and read into one shape whatever their format."""

from collections.abc import Iterator, Mapping
from email import message_from_bytes
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes

import msgspec
from lxml import etree

from dispatcher.sandbox.statuses import RefusedError, Status

_DEEPEST = 64
# lxml looks each attribute up from the first, so thousands would take minutes.
_MOST_ATTRIBUTES = 64


class XmlElement(Protocol):
    """The part of lxml's element that is used here; the tag of an entity is no text."""

    tag: object
    text: str | None
    attrib: Mapping[str, str]

    def __iter__(self) -> Iterator["XmlElement"]: ...

    def __len__(self) -> int: ...

    def getroottree(self) -> Any:  # noqa: ANN401 - lxml has no types
        """Give the document."""


class Credentials(msgspec.Struct, frozen=True):
    """The `authentication` block."""

    username: str | int = ""
    password: str | int = ""
    token: str = ""


class Root(msgspec.Struct, frozen=True, kw_only=True):
    """What the root object of every request may hold, misspelling included."""

    authentication: Credentials | str | None = None
    authentification: Credentials | str | None = None

    @property
    def credentials(self) -> Credentials | None:
        """The block that was given, under either spelling."""
        for block in (self.authentication, self.authentification):
            if isinstance(block, Credentials):
                return block
        return None


class Gsm(msgspec.Struct, frozen=True):
    """One recipient, or one contact of a list."""

    value: str | int | None = None
    gsmsmsid: str | int | None = None
    info1: str | int | None = None
    info2: str | int | None = None
    info3: str | int | None = None
    info4: str | int | None = None

    @property
    def infos(self) -> tuple[str, str, str, str]:
        """The four fields a text may be personalised with."""
        given = (self.info1, self.info2, self.info3, self.info4)
        first, second, third, fourth = ("" if info is None else str(info) for info in given)
        return first, second, third, fourth


class GsmBlock(msgspec.Struct, frozen=True):
    """`recipients` or `contacts`."""

    gsm: list[Gsm] | Gsm | str | None = None

    @property
    def all(self) -> list[Gsm]:
        """The entries, as a list even when there is one or none."""
        if isinstance(self.gsm, Gsm):
            return [self.gsm]
        return self.gsm if isinstance(self.gsm, list) else []


class MessagePart(msgspec.Struct, frozen=True):
    """What to send, how and when."""

    text: str | int | None = None
    pushtype: str | None = None
    delay: str | None = None
    sender: str | int | None = None
    links: list[str] | str | None = None

    @property
    def urls(self) -> list[str]:
        """The URLs of the short links, trimmed."""
        given = [self.links] if isinstance(self.links, str) else self.links or []
        return [url.strip() for url in given if url.strip()]


class ListReference(msgspec.Struct, frozen=True):
    """One or several ids of lists."""

    value: list[str | int] | str | int | None = None

    @property
    def ids(self) -> list[str]:
        """The ids, as opaque text."""
        given = self.value if isinstance(self.value, list) else [self.value]
        return [str(one).strip() for one in given if one is not None]


class SmsRoot(Root, frozen=True, kw_only=True):
    """`sms`: what the four send routes are given."""

    message: MessagePart | str | None = None
    recipients: GsmBlock | str | None = None
    lists: list[ListReference] | ListReference | str | None = None


class ListRoot(Root, frozen=True, kw_only=True):
    """`list` (or `blacklist`): a new list, or contacts for one."""

    name: str | int | None = None
    list_id: str | int | None = msgspec.field(default=None, name="listId")
    contacts: GsmBlock | str | None = None


class AccountRoot(Root, frozen=True, kw_only=True):
    """`account`: the one to create."""

    email: str | None = None
    password: str | int | None = None
    is_child: str | int | bool | None = msgspec.field(default=None, name="isChild")
    unlimited: str | int | bool | None = None


class WebhookRoot(Root, frozen=True, kw_only=True):
    """`webhook`: the one to create or change (live dialect)."""

    type: str | None = None
    url: str | None = None
    signature: str | None = None


class Body(Root, frozen=True, kw_only=True):
    """A whole request body; most requests use one of the roots."""

    sms: SmsRoot | None = None
    list: ListRoot | None = None
    blacklist: ListRoot | None = None
    account: AccountRoot | None = None
    webhook: WebhookRoot | None = None

    @property
    def any_credentials(self) -> Credentials | None:
        """The credentials, wherever they were put."""
        roots = (self, self.sms, self.list, self.account, self.webhook, self.blacklist)
        found = (root.credentials for root in roots if root is not None)
        return next((block for block in found if block is not None), None)


NO_BODY = Body()
_JSON = msgspec.json.Decoder(Body)
_ROOTS = frozenset(("sms", "list", "blacklist", "account", "webhook"))


def read_body(raw: bytes, content_type: str) -> Body:
    """Read a JSON or XML body, or one inside the form variable `data`.

    Raises:
        RefusedError: -2 or -6 for a malformed body, -7 for one of the wrong shape.
    """
    content = _unwrapped(raw.lstrip(b"\xef\xbb\xbf \t\r\n"), content_type)
    match content[:1]:
        case b"{" | b"[":
            return _from_json(content)
        case b"<":
            return _from_xml(content)
        case b"":
            return NO_BODY
    if "json" in content_type:
        raise RefusedError(Status.BAD_JSON, "Le corps n'est pas du JSON")
    if "xml" in content_type:
        raise RefusedError(Status.BAD_XML, "Le corps n'est pas du XML")
    raise RefusedError(Status.BAD_DATA, "Le corps n'est ni du JSON ni du XML")


def _unwrapped(content: bytes, content_type: str) -> bytes:
    """Take a body out of the form variable it may have come in."""
    if content[:1] in b"{[<":
        return content
    if content_type.startswith("multipart/form-data"):
        return _multipart_data(content, content_type).strip()
    for field in content.split(b"&"):
        name, _, value = field.partition(b"=")
        if name == b"data":
            return unquote_to_bytes(value.replace(b"+", b" ")).strip()
    return content


def _multipart_data(content: bytes, content_type: str) -> bytes:
    """Take the variable `data` out of a multipart form."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    for part in message_from_bytes(head + content).walk():
        if part.get_param("name", header="Content-Disposition") == "data":
            payload = part.get_payload(decode=True)
            return payload if isinstance(payload, bytes) else b""
    return b""


def _from_json(content: bytes) -> Body:
    if content.rstrip() == b"[]":
        return NO_BODY
    try:
        return _JSON.decode(content)
    except msgspec.ValidationError as error:
        raise RefusedError(Status.BAD_DATA, str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(Status.BAD_JSON, str(error)) from error


def _from_xml(content: bytes) -> Body:
    root = _xml_root(content)
    if root.tag not in _ROOTS:
        return NO_BODY
    try:
        return msgspec.convert({root.tag: _plain(root)}, Body)
    except msgspec.ValidationError as error:
        raise RefusedError(Status.BAD_DATA, str(error)) from error


def _xml_root(content: bytes) -> XmlElement:
    """Parse XML that may neither define nor fetch anything."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root: XmlElement = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise RefusedError(Status.BAD_XML, str(error)) from error
    if root.getroottree().docinfo.doctype:
        raise RefusedError(Status.BAD_XML, "Une DTD n'est pas admise")
    return root


def _check_size(element: XmlElement, depth: int) -> None:
    if depth > _DEEPEST:
        raise RefusedError(Status.BAD_XML, "Trop d'éléments imbriqués")
    if len(element.attrib) > _MOST_ATTRIBUTES:
        raise RefusedError(Status.BAD_XML, "Trop d'attributs")


def _plain(element: XmlElement, depth: int = 0) -> Mapping[str, Any] | str:
    """Give an element as JSON would have it: repeated children become lists.

    Attributes and children are the same thing; the text beside attributes is the `value`.
    """
    _check_size(element, depth)
    fields: dict[str, Any] = dict(element.attrib)
    for child in element:
        if not isinstance(child.tag, str):
            raise RefusedError(Status.BAD_XML, "Une entité n'est pas admise")
        value = _plain(child, depth + 1)
        known = fields.get(child.tag)
        if known is None:
            fields[child.tag] = value
        elif isinstance(known, list):
            known.append(value)
        else:
            fields[child.tag] = [known, value]
    if len(element):
        return fields
    text = element.text or ""
    if fields or element.tag == "gsm":
        return {"value": text, **fields}
    return text
