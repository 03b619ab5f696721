"""Opens the API client of an account, for commands that ask the API themselves."""

from dispatcher.settings import AccountSettings, Settings
from dispatcher.smsfactor import Credentials, Deadlines, Dialect, SmsFactor, Wire


def api_of(settings: Settings, account: str) -> SmsFactor:
    """Open the client of an account.

    Raises:
        SettingsError: there is no such account, or the API's URL cannot be used.
    """
    return SmsFactor(
        _credentials(settings.account(account)),
        base_url=settings.api_url,
        wire=Wire[settings.wire.upper()],
        dialect=Dialect[settings.dialect.upper()],
        deadlines=Deadlines(connect=settings.connect_timeout, total=settings.http_deadline),
        allow_plain_http=settings.allow_plain_http,
    )


def _credentials(account: AccountSettings) -> Credentials:
    if account.token is not None:
        return Credentials(token=account.token.get_secret_value())
    password = account.password.get_secret_value() if account.password else None
    return Credentials(username=account.username, password=password)
