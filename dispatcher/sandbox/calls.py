import re
from collections.abc import Mapping
from dataclasses import dataclass

from dispatcher.sandbox.accounts import Account, Accounts
from dispatcher.sandbox.bodies import NO_BODY, Body, Credentials, MessagePart, read_body
from dispatcher.sandbox.replies import Format, preferred_format
from dispatcher.sandbox.statuses import RefusedError, Status

_MOST_DIGITS = 18
_SLASHES = re.compile(r"/+")


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpRequest:
    """A request as it came over the wire, its path tidied.

    Attributes:
        headers: names in lower case; of a repeated one, the last.
        query: of a repeated name, the last value.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def reply_format(self) -> Format:
        """The format the caller asked for."""
        return preferred_format(self.headers.get("accept", ""))


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A request whose sender is known and whose body is read.

    Attributes:
        id: the last part of a path that ends in one, else empty.
    """

    account: Account
    body: Body
    query: Mapping[str, str]
    id: str = ""

    @property
    def text(self) -> str:
        """The text to be sent, empty if the call is about something else."""
        message = self.body.sms.message if self.body.sms else None
        if isinstance(message, MessagePart):
            return str(message.text)
        return self.query.get("text", "")


def tidy_path(path: str) -> str:
    """Forgive doubled and trailing slashes."""
    return _SLASHES.sub("/", path).rstrip("/") or "/"


def short_number(text: str, *, usual: int) -> int:
    """Read a whole number out of a path or a query; `usual` if it is none, or absurdly long."""
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else usual


def identify(request: HttpRequest, accounts: Accounts, *, id_: str) -> Call:
    """Find out who calls, then read what they want.

    Credentials are looked for in the headers, the query and the body, in this order; they
    are checked before anything else, so a body nobody vouches for is not even judged.

    Raises:
        RefusedError: -1, or what `read_body` raises.
    """
    account = _from_headers(request.headers, accounts) or _from_query(request.query, accounts)
    try:
        body = _body_of(request)
    except RefusedError:
        if account is None:
            raise _wrong_password() from None
        raise
    if account is None:
        account = _from_body(body.any_credentials, accounts)
    return Call(account=account, body=body, query=request.query, id=id_)


def _body_of(request: HttpRequest) -> Body:
    """Read the body; where none is expected, only JSON or XML is looked at, for credentials."""
    if request.method != "POST" and request.body.lstrip()[:1] not in {b"{", b"<"}:
        return NO_BODY
    return read_body(request.body, request.headers.get("content-type", "").lower())


def _from_headers(headers: Mapping[str, str], accounts: Accounts) -> Account | None:
    username, password = headers.get("sfusername"), headers.get("sfpassword")
    if username is not None or password is not None:
        given = username or "", password or ""
        # Some clients write what is beyond ASCII as UTF-8, some as latin-1.
        as_utf8 = tuple(map(_from_utf8, given))
        return _required(accounts.with_password(*given) or accounts.with_password(*as_utf8))
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return _known(token.strip(), accounts) if scheme.lower() == "bearer" else None


def _from_utf8(header: str) -> str:
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


def _from_query(query: Mapping[str, str], accounts: Accounts) -> Account | None:
    if "token" in query:
        return _known(query["token"], accounts)
    if "username" in query or "password" in query:
        username, password = query.get("username", ""), query.get("password", "")
        return _required(accounts.with_password(username, password))
    return None


def _from_body(credentials: Credentials | None, accounts: Accounts) -> Account:
    if credentials is None:
        raise _wrong_password()
    if credentials.token:
        return _known(credentials.token.strip(), accounts)
    username, password = str(credentials.username).strip(), str(credentials.password).strip()
    return _required(accounts.with_password(username, password))


def _required(account: Account | None) -> Account:
    if account is None:
        raise _wrong_password()
    return account


def _known(token: str, accounts: Accounts) -> Account:
    account = accounts.with_token(token)
    if account is None:
        raise RefusedError(Status.BAD_CREDENTIALS, "Token invalide")
    return account


def _wrong_password() -> RefusedError:
    return RefusedError(Status.BAD_CREDENTIALS, "Utilisateur ou mot de passe incorrect")
