"""What request bodies hold, the same for both wires; field names are the document's."""

from collections.abc import Sequence

from msgspec import Struct


class MessageBody(Struct, omit_defaults=True):
    """`message` of every send route: what to say, and when."""

    text: str
    pushtype: str
    delay: str | None = None
    sender: str | None = None
    links: Sequence[str] = ()


class Gsm(Struct, frozen=True, omit_defaults=True, gc=False):
    """One recipient of a send; it holds strings only, so there are no cycles to look for."""

    value: str
    gsmsmsid: str | None = None


class Gsms(Struct):
    """`recipients` of a send."""

    gsm: Sequence[Gsm]


class SendBody(Struct):
    """`sms` of `POST /send` and `POST /send/simulate`."""

    message: MessageBody
    recipients: Gsms


class ListRef(Struct):
    """One list of contacts to send to; the document writes its id as a number."""

    value: int | str


class SendListsBody(Struct):
    """`sms` of `POST /send/lists` and `POST /send/lists/simulate`."""

    message: MessageBody
    lists: Sequence[ListRef]


class ContactGsm(Struct, omit_defaults=True):
    """One contact of a list; `info1` to `info4` fill the `[info1]`… of a text."""

    value: str
    info1: str = ""
    info2: str = ""
    info3: str = ""
    info4: str = ""


class ContactGsms(Struct):
    """`contacts` of a list."""

    gsm: Sequence[ContactGsm]


class ListBody(Struct, omit_defaults=True):
    """`list` of `POST /list`: a new list, or with `listId` one to add to."""

    contacts: ContactGsms
    name: str | None = None
    listId: str | None = None  # noqa: N815 - the document's spelling


class AccountBody(Struct, omit_defaults=True):
    """`account` of `POST /account`; with `isChild` a sub-account."""

    email: str
    password: str
    firstname: str
    lastname: str
    city: str
    phone: str
    address1: str
    zip: str
    country_code: str
    address2: str = ""
    isChild: int | None = None  # noqa: N815 - the document's spelling
    unlimited: int | None = None


class WebhookBody(Struct, omit_defaults=True):
    """`webhook` of `POST /webhook` (live dialect)."""

    type: str
    url: str
    signature: str | None = None


class BlacklistBody(Struct):
    """`blacklist` of `POST /blacklist` (live dialect)."""

    contacts: ContactGsms
