"""GET /credits, POST /account and GET /link/short/…/tag."""

from dispatcher.sandbox.calls import Call
from dispatcher.sandbox.engine import Engine
from dispatcher.sandbox.events import AccountOpened
from dispatcher.sandbox.replies import Reply
from dispatcher.sandbox.statuses import RefusedError, Status
from dispatcher.sandbox.text import LINK_TAG


def show_credits(engine: Engine, call: Call) -> Reply:
    """Answer GET /credits; the balance is a text, as in the document."""
    del engine
    return Reply(fields={"credits": str(call.account.balance)})


def show_link_tag(engine: Engine, call: Call) -> Reply:
    """Answer GET /link/short/{advertising|alert}/tag."""
    del engine, call
    return Reply(fields={"tag": LINK_TAG})


def create_account(engine: Engine, call: Call) -> Reply:
    """Answer POST /account; the new account has no credits, or its parent's if unlimited."""
    wanted = call.body.account
    email = (wanted.email or "").strip() if wanted else ""
    if wanted is None or not email or not wanted.password:
        raise RefusedError(Status.BAD_DATA, "email et password sont requis")
    if engine.world.accounts.named(email) is not None:
        raise RefusedError(Status.BAD_DATA, "Ce compte existe déjà")
    id_ = str(len(engine.world.accounts) + 1)
    shares = _is_true(wanted.is_child) and _is_true(wanted.unlimited)
    engine.world.open_account(
        AccountOpened(
            id=id_,
            username=email,
            password=str(wanted.password),
            token=f"sandbox-token-{id_}",
            payer=call.account.username if shares else None,
        )
    )
    return Reply(fields={"id": id_})


def _is_true(flag: str | int | bool | None) -> bool:  # noqa: FBT001 - what callers send
    return str(flag).strip().lower() in {"1", "true"}
