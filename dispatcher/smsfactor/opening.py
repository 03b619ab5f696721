"""Opens the client of an account that is configured."""

from dataclasses import replace

from dispatcher.account_settings import AccountSettings
from dispatcher.errors import SettingsError
from dispatcher.settings import Settings
from dispatcher.smsfactor.client import SmsFactor
from dispatcher.smsfactor.credentials import Credentials
from dispatcher.smsfactor.dialect import Dialect
from dispatcher.smsfactor.exchange import Deadlines
from dispatcher.smsfactor.watching import Watch, ignore
from dispatcher.smsfactor.wire import Wire


def open_client(
    settings: Settings, account: str, *, listing: float | None = None, watch: Watch = ignore
) -> SmsFactor:
    """Open the client of an account.

    Args:
        settings: where the API is, and how to talk to it.
        account: its name in the settings.
        listing: seconds a reply of many contacts may take; None gives it the usual time.
        watch: told of each call when it is over.

    Raises:
        SettingsError: there is no such account, or the API's URL cannot be used.
    """
    usual = Deadlines(connect=settings.connect_timeout, total=settings.http_deadline)
    credentials = _credentials(settings.account(account))
    try:
        return SmsFactor(
            credentials,
            base_url=settings.api_url,
            wire=Wire[settings.wire.upper()],
            dialect=Dialect[settings.dialect.upper()],
            deadlines=usual if listing is None else replace(usual, listing=listing),
            allow_plain_http=settings.allow_plain_http,
            watch=watch,
        )
    except SettingsError as error:
        raise SettingsError(_in_our_words(str(error))) from None


def _in_our_words(says: str) -> str:
    """Name the variable in place of the client's own argument."""
    return says.replace("base_url", "DISPATCHER_API_URL", 1).replace(
        "allow plain http", "set DISPATCHER_ALLOW_PLAIN_HTTP=true"
    )


def _credentials(account: AccountSettings) -> Credentials:
    if account.token is not None:
        return Credentials(token=account.token.get_secret_value())
    password = account.password.get_secret_value() if account.password else None
    return Credentials(username=account.username, password=password)
