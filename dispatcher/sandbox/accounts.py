from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple


class Contact(NamedTuple):
    """A number on a list or a blacklist.

    Attributes:
        date: when it was put there, seconds since 1970.
    """

    id: str
    destination: str
    infos: tuple[str, str, str, str] = ("", "", "", "")
    date: float = 0.0


@dataclass(slots=True)
class ContactList:
    """A list of contacts; `date` in seconds since 1970."""

    id: str
    name: str
    date: float
    contacts: list[Contact] = field(default_factory=list)


class Webhook(NamedTuple):
    """Where one type of event is posted; `type` is DLR, MO, STOP, CLICKER or BALANCE_ALERT."""

    id: str
    type: str
    url: str
    signature: str = ""


@dataclass(slots=True, kw_only=True)
class Account:
    """Whoever can call the API, with all that is theirs alone.

    Attributes:
        payer: the parent an unlimited sub-account spends the credits of.
        blacklist: by number.
        lists: by id.
        webhooks: by id.
    """

    id: str
    username: str
    password: str = field(repr=False)
    token: str = field(repr=False)
    credits: int = 0
    payer: "Account | None" = None
    blacklist: dict[str, Contact] = field(default_factory=dict)
    lists: dict[str, ContactList] = field(default_factory=dict)
    webhooks: dict[str, Webhook] = field(default_factory=dict)

    @property
    def wallet(self) -> "Account":
        """The account whose credits are spent: its own, or its payer's."""
        return self if self.payer is None else self.payer.wallet

    @property
    def balance(self) -> int:
        """The credits that can be spent."""
        return self.wallet.credits


class Accounts:
    """All accounts, found by name or token."""

    def __init__(self) -> None:
        self._by_name: dict[str, Account] = {}
        self._by_token: dict[str, Account] = {}

    def __iter__(self) -> Iterator[Account]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def __getitem__(self, username: str) -> Account:
        return self._by_name[username]

    def add(self, account: Account) -> None:
        """Let an account call the API."""
        self._by_name[account.username] = account
        self._by_token[account.token] = account

    def named(self, username: str) -> Account | None:
        """Give the account with a name, if there is one."""
        return self._by_name.get(username)

    def with_password(self, username: str, password: str) -> Account | None:
        """Give the account these credentials open."""
        account = self._by_name.get(username)
        return account if account is not None and account.password == password else None

    def with_token(self, token: str) -> Account | None:
        """Give the account a token opens."""
        return self._by_token.get(token)
