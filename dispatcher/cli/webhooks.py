"""`dispatcher webhooks`: has the API post receipts, replies and STOP to the receiver."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from dispatcher.account_settings import AccountSettings
from dispatcher.cli.checks import is_reachable_url
from dispatcher.cli.output import listing, say, stdout, write_json
from dispatcher.cli.session import AccountOption, JsonOption
from dispatcher.errors import SettingsError
from dispatcher.settings import Settings
from dispatcher.smsfactor import SmsFactor, Webhook, WebhookType
from dispatcher.smsfactor.opening import open_client
from dispatcher.store.inbox import Hook
from dispatcher.web.keyring import Keyring

_TYPES = {Hook.DLR: WebhookType.RECEIPT, Hook.MO: WebhookType.REPLY, Hook.STOP: WebhookType.STOP}
_NEW, _THERE, _REMOVED = "registered", "was registered", "removed"

_HELP = """Say where the API posts receipts and replies.

Example: dispatcher webhooks register https://hooks.example.com
"""

_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=_HELP)


def add_commands(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(_app, name="webhooks")


# A callback keeps `register` a command of its own, and the group open for others.
@_app.callback()
def _webhooks() -> None: ...


@_app.command()
def register(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="Where the API reaches the receiver: https://HOST.")
    ],
    *,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have receipts, replies and STOP posted to the receiver (live dialect).

    The account's webhook secret and signature are those of the settings; what the receiver's
    address had with an older secret is removed. Repeating it is safe. With the v1 dialect, the
    addresses are shown: enter them in SMSFactor's back office.

    Example: dispatcher webhooks register https://hooks.example.com
    """
    settings = Settings.from_env()
    name = account or settings.default_account
    found = settings.account(name)
    base = _base(url)
    Keyring({name: found})
    if settings.dialect != "live":
        say("The v1 dialect has no call for this: enter these in SMSFactor's back office.")
        rows = [(hook, f"{base}/SECRET/{hook.value}", "to be entered") for hook in _V1_HOOKS]
    else:
        with open_client(settings, name) as api:
            rows = list(_register(api, base, found))
    if as_json:
        write_json([{"hook": hook.value, "url": shown, "what": what} for hook, shown, what in rows])
        return
    table = [(hook.value, shown, what) for hook, shown, what in rows]
    stdout().print(listing(f"Webhooks of account {name}", ("hook", "URL", ""), table))


_V1_HOOKS = (Hook.DLR, Hook.MO)


def _base(url: str) -> str:
    if not is_reachable_url(url):
        raise typer.BadParameter("give the receiver's URL, such as https://hooks.example.com")
    return f"{url.rstrip('/')}/webhooks"


def _register(
    api: SmsFactor, base: str, account: AccountSettings
) -> Iterator[tuple[Hook, str, str]]:
    """Register what is missing, then remove what is old: nothing is lost in between."""
    if account.webhook_secret is None:
        raise SettingsError("the account has no webhook secret: set ...__WEBHOOK_SECRET")
    secret = account.webhook_secret.get_secret_value()
    signature = account.webhook_signature
    there = api.webhooks()
    for hook, kind in _TYPES.items():
        wanted, shown = f"{base}/{secret}/{hook.value}", f"{base}/SECRET/{hook.value}"
        ours = [
            each for each in there if each.type == kind.value and each.url.startswith(f"{base}/")
        ]
        if any(each.url == wanted for each in ours):
            yield hook, shown, _THERE
        else:
            api.create_webhook(
                kind, wanted, signature=signature.get_secret_value() if signature else None
            )
            yield hook, shown, _NEW
        yield from _remove(api, [each for each in ours if each.url != wanted], hook, base)


def _remove(
    api: SmsFactor, old: Sequence[Webhook], hook: Hook, base: str
) -> Iterator[tuple[Hook, str, str]]:
    for each in old:
        api.delete_webhook(each.id)
        yield hook, f"{base}/OLD SECRET/{hook.value}", _REMOVED
