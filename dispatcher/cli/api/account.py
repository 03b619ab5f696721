"""The account itself: its balance, and accounts created from it."""

from typing import Annotated

import typer

from dispatcher.cli.api.calling import ApiCall, api_command
from dispatcher.cli.api.secret import read_secret
from dispatcher.cli.output import count
from dispatcher.smsfactor import NewAccount

Email = Annotated[str, typer.Option(help="Its user name, and where its holder is written to.")]
FirstName = Annotated[str, typer.Option("--firstname", help="The holder's first name.")]
LastName = Annotated[str, typer.Option("--lastname", help="The holder's last name.")]
City = Annotated[str, typer.Option(help="The holder's town.")]
Phone = Annotated[str, typer.Option(help="The holder's number, in any form.")]
Address = Annotated[str, typer.Option("--address", help="Street and house.")]
Address2 = Annotated[str, typer.Option("--address2", help="A second line of the address.")]
Zip = Annotated[str, typer.Option("--zip", help="Postal code.")]
Country = Annotated[str, typer.Option(metavar="CC", help="Two letters, such as fr.")]


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
def create(  # noqa: PLR0913 - each is a field the API wants
    call: ApiCall,
    *,
    email: Email,
    first_name: FirstName,
    last_name: LastName,
    city: City,
    phone: Phone,
    address: Address,
    address2: Address2 = "",
    zip_code: Zip,
    country: Country = "fr",
) -> None:
    """Create an account of its own.

    Calls POST /account.
    Its password is asked for, or read from the first line of standard input.

    Example: dispatcher api account create --email ada@example.com --firstname Ada
    --lastname Martin --city Lyon --phone 0639980001 --address '1 rue Haute' --zip 69001
    """
    call.confirm(f"Create an account for {email}?")
    new = NewAccount(
        email=email,
        password=read_secret("password of the new account"),
        firstname=first_name,
        lastname=last_name,
        city=city,
        phone=phone,
        address1=address,
        address2=address2,
        zip=zip_code,
        country_code=country,
    )
    _tell(call, call.api.create_account(new))


@api_command(changes=True)
def create_sub(  # noqa: PLR0913 - each is a field the API wants
    call: ApiCall,
    *,
    email: Email,
    first_name: FirstName,
    last_name: LastName,
    city: City,
    phone: Phone,
    address: Address,
    address2: Address2 = "",
    zip_code: Zip,
    country: Country = "fr",
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
    call.confirm(f"Create a sub-account for {email} {whose}?")
    new = NewAccount(
        email=email,
        password=read_secret("password of the new account"),
        firstname=first_name,
        lastname=last_name,
        city=city,
        phone=phone,
        address1=address,
        address2=address2,
        zip=zip_code,
        country_code=country,
    )
    _tell(call, call.api.create_sub_account(new, unlimited=unlimited))


def _tell(call: ApiCall, account_id: str) -> None:
    call.show({"id": account_id}, f"account {account_id} is created")


_HELP = """Create accounts.

Example: dispatcher api account create --help
"""
