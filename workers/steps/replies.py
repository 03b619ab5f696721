"""Links received replies to the campaigns they answer, and keeps them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog

from dispatcher.domain.replies import BrokenReplyError, PostedReply, Reached
from dispatcher.errors import StoreError, StoreFullError, StoreUnavailableError
from dispatcher.store.inbox import Hook
from dispatcher.store.mobile_replies import PostedReplies
from workers.resources import Account
from workers.steps.progress import Progress
from workers.steps.strays import forward_receipts

_log = structlog.get_logger("workers.replies")


@dataclass(frozen=True, slots=True)
class _Found:
    """A reply beside the body it was read from."""

    reply: PostedReply
    hook: str
    body: bytes


def link_next(account: Account) -> Progress:
    """Keep the replies that came since; who asked for a STOP was suppressed by the receiver."""
    entries = account.store.replies.take()
    if not entries:
        return Progress.NONE
    found = list(_read(account, entries))
    reached = account.store.reach.last_before(each.reply for each in found)
    for each, whom in zip(found, reached, strict=True):
        _keep(account, each, whom)
    account.store.replies.confirm([posted.entry for posted in entries])
    return Progress.MADE


def _read(account: Account, entries: Sequence[PostedReplies]) -> Iterable[_Found]:
    """Give the replies; what is none goes into quarantine."""
    for posted in entries:
        broken = []
        for body in posted.bodies:
            try:
                reply = account.reply_reader.read(
                    body, is_stop=posted.hook == Hook.STOP.value, received_at=posted.received_at
                )
            except BrokenReplyError:
                broken.append(body)
            else:
                yield _Found(reply, posted.hook, body)
        _quarantine(account, posted.hook, forward_receipts(account, broken))


def _keep(account: Account, found: _Found, reached: Reached | None) -> None:
    identity = found.reply.identity(account.receipt_key)
    try:
        account.store.replies.keep(identity, found.reply, reached=reached)
    except (StoreUnavailableError, StoreFullError):
        raise
    except StoreError:
        # One that Redis refuses must not keep the others waiting.
        _quarantine(account, found.hook, [found.body])


def _quarantine(account: Account, hook: str, bodies: Sequence[bytes]) -> None:
    if bodies:
        account.store.quarantine.add(hook, bodies)
        _log.warning("webhooks unreadable", account=account.name, hook=hook, count=len(bodies))
