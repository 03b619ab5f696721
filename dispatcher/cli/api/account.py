"""The account itself: its balance, and accounts created from it."""

from dataclasses import dataclass
from typing import Annotated

import typer

from dispatcher.cli.api.calling import ApiCall, api_command
from dispatcher.cli.api.secret import read_secret
from dispatcher.cli.output import count
from dispatcher.cli.shared_options import with_options
from dispatcher.smsfactor import NewAccount


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """The options that say whose a new account is."""

    email: Annotated[str, typer.Option(help="Its user name, and where its holder is written to.")]
    first_name: Annotated[str, typer.Option("--firstname", help="The holder's first name.")]
    last_name: Annotated[str, typer.Option("--lastname", help="The holder's last name.")]
    city: Annotated[str, typer.Option(help="The holder's town.")]
    phone: Annotated[str, typer.Option(help="The holder's number, in any form.")]
    address: Annotated[str, typer.Option("--address", help="Street and house.")]
    address2: Annotated[str, typer.Option("--address2", help="A second line of the address.")] = ""
    zip_code: Annotated[str, typer.Option("--zip", help="Postal code.")]
    country: Annotated[str, typer.Option(metavar="CC", help="Two letters, such as fr.")] = "fr"

    def new_account(self) -> NewAccount:
        """Give the account to create, its password asked for or read."""
        return NewAccount(
            email=self.email,
            password=read_secret("password of the new account"),
            firstname=self.first_name,
            lastname=self.last_name,
            city=self.city,
            phone=self.phone,
            address1=self.address,
            address2=self.address2,
            zip=self.zip_code,
            country_code=self.country,
        )


def add_commands(group: typer.Typer) -> None:
    """Add `credits` and `account`."""
    accounts = typer.Typer(name="account", help=_HELP, no_args_is_help=True)
    accounts.command("create")(create)
    accounts.command("create-sub")(create_sub)
    group.command("credits")(show_credits)
    group.add_typer(accounts)


@api_command()
def show_credits(call: ApiCall) -> None:
    """Ask for the balance.

    Calls GET /credits.

    Example: dispatcher api credits --account shop
    """
    balance = call.api.credits()
    call.show({"credits": balance}, count(balance, "credit"))


@api_command(changes=True)
@with_options(Holder)
def create(holder: Holder, call: ApiCall) -> None:
    """Create an account of its own.

    Calls POST /account.
    Its password is asked for, or read from the first line of standard input.

    Example: dispatcher api account create --email ada@example.com --firstname Ada
    --lastname Martin --city Lyon --phone 0639980001 --address '1 rue Haute' --zip 69001
    """
    call.confirm(f"Create an account for {holder.email}?")
    _tell(call, call.api.create_account(holder.new_account()))


@api_command(changes=True)
@with_options(Holder)
def create_sub(
    holder: Holder,
    call: ApiCall,
    *,
    unlimited: Annotated[
        bool, typer.Option("--unlimited", help="It spends this account's credits, not its own.")
    ] = False,
) -> None:
    """Create an account below this one.

    Calls POST /account, `isChild`.
    Its password is asked for, or read from the first line of standard input.

    Example: dispatcher api account create-sub --unlimited --email ada@example.com
    --firstname Ada --lastname Martin --city Lyon --phone 0639980001
    --address '1 rue Haute' --zip 69001
    """
    whose = "that spends this one's credits" if unlimited else "with credits of its own"
    call.confirm(f"Create a sub-account for {holder.email} {whose}?")
    _tell(call, call.api.create_sub_account(holder.new_account(), unlimited=unlimited))


def _tell(call: ApiCall, account_id: str) -> None:
    call.show({"id": account_id}, f"account {account_id} is created")


_HELP = """Create accounts.

Example: dispatcher api account create --help
"""
