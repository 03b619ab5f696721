"""Erases what was kept for long enough, and people who wait for their batch to be settled."""

from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from dispatcher.domain.schedules import ScheduleState
from dispatcher.store.erasure import Terms
from dispatcher.store.schedules import ScheduleRecord, stored_definition
from workers.resources import Account

_log = structlog.get_logger("workers.retention")

# Receipts that match nothing may still be explained for as long.
_STRANGERS_KEPT = timedelta(days=14)


def retain_all(account: Account) -> None:
    """Erase what is due of an account, in parts that let others in between."""
    settings = account.settings
    terms = Terms(
        people=_ms(settings.retention),
        records=_ms(settings.record_kept),
        strangers=_ms(_STRANGERS_KEPT),
    )
    while account.store.erasure.retain(terms):
        pass
    if waiting := account.store.erasure.erase_next():
        _log.info("people wait to be erased", account=account.name, batches=waiting)
    now = account.store.schedules.now()
    for record in account.store.schedules.all():
        _retain_schedule(account, record, now)


def _retain_schedule(account: Account, record: ScheduleRecord, now: datetime) -> None:
    """Erase the text and audience of a schedule that is over; in the end, forget it."""
    status = record.status
    if status.state is not ScheduleState.OVER:
        return
    age = now - status.changed_at
    if age > account.settings.record_kept:
        account.store.schedules.delete(status.id)
    elif age > account.settings.retention and (status.schedule.campaign.text or record.frozen):
        bare = replace(status.schedule, campaign=replace(status.schedule.campaign, text=""))
        account.store.erasure.erase_schedule(status.id, record.version, stored_definition(bare))


def _ms(span: timedelta) -> int:
    return int(span / timedelta(milliseconds=1))
