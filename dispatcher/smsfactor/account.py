from dataclasses import dataclass, field

from dispatcher.smsfactor.bodies import AccountBody
from dispatcher.smsfactor.caller import Caller, needed_integer, needed_text


@dataclass(frozen=True, kw_only=True, slots=True)
class NewAccount:
    """An account to create; its repr shows the country only (document, POST /account).

    Attributes:
        password: what the account's own calls will be signed with.
        phone: a number to reach its holder, in any form.
        country_code: ISO 3166 alpha-2, such as `fr`.
    """

    email: str = field(repr=False)
    password: str = field(repr=False)
    firstname: str = field(repr=False)
    lastname: str = field(repr=False)
    city: str = field(repr=False)
    phone: str = field(repr=False)
    address1: str = field(repr=False)
    address2: str = field(default="", repr=False)
    zip: str = field(repr=False)
    country_code: str


class Account(Caller):
    """The routes about the account itself."""

    def credits(self) -> int:
        """Give the balance (document, GET /credits)."""
        return needed_integer(self._read("/credits"), "credits")

    def create_account(self, account: NewAccount) -> str:
        """Create an account of its own; give its id (document, POST /account)."""
        return self._create(account)

    def create_sub_account(self, account: NewAccount, *, unlimited: bool) -> str:
        """Create an account below this one; give its id (document, POST /account, `isChild`).

        Args:
            account: who it is for.
            unlimited: it draws on this account's credits, instead of some of its own.
        """
        return self._create(account, child=1, unlimited=int(unlimited))

    def _create(
        self, account: NewAccount, *, child: int | None = None, unlimited: int | None = None
    ) -> str:
        body = AccountBody(
            email=account.email,
            password=account.password,
            firstname=account.firstname,
            lastname=account.lastname,
            city=account.city,
            phone=account.phone,
            address1=account.address1,
            address2=account.address2,
            zip=account.zip,
            country_code=account.country_code,
            isChild=child,
            unlimited=unlimited,
        )
        private = (account.email, account.password, account.phone, account.address1)
        return needed_text(
            self._change("POST", "/account", ("account", body), private=private), "id"
        )
