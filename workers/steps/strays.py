"""Brings home what was posted to the wrong hook, as when one address was given for both.

A STOP must not be missed because somebody mixed up two fields in a back office.
"""

from collections.abc import Sequence

import structlog

from dispatcher.domain.receipts import BrokenReceiptError, ForeignReceiptError, read_receipt
from dispatcher.domain.replies import BrokenReplyError
from dispatcher.domain.stop_words import Intent
from dispatcher.domain.suppressions import SuppressionSource
from dispatcher.domain.timing import utc_now
from dispatcher.store.inbox import Hook
from dispatcher.store.suppressions import Addition
from workers.resources import Account

_log = structlog.get_logger("workers.strays")


def forward_replies(account: Account, bodies: Sequence[bytes]) -> list[bytes]:
    """Heed and keep the replies among bodies that are no receipts; give the rest."""
    replies, rest, stops = [], [], []
    for body in bodies:
        try:
            found = account.reply_reader.read(body, is_stop=False, received_at=utc_now())
        except BrokenReplyError:
            rest.append(body)
        else:
            replies.append(body)
            stops += [found.number] if found.intent is Intent.STOP and found.number else []
    if stops:
        addition = Addition(
            numbers=stops,
            source=SuppressionSource.REPLY,
            at=utc_now(),
            reason="asked for it in a reply",
        )
        account.store.suppressions.add(addition)
    if replies:
        account.store.replies.append(Hook.MO.value, replies)
        _log.warning("replies posted as receipts", account=account.name, count=len(replies))
    return rest


def forward_receipts(account: Account, bodies: Sequence[bytes]) -> list[bytes]:
    """Keep the receipts among bodies that are no replies; give the rest."""
    receipts, rest = [], []
    for body in bodies:
        try:
            read_receipt(body, account.receipt_key, received_at=utc_now())
        except (BrokenReceiptError, ForeignReceiptError):
            rest.append(body)
        else:
            receipts.append(body)
    if receipts:
        account.store.receipts.append(receipts)
        _log.warning("receipts posted as replies", account=account.name, count=len(receipts))
    return rest
