"""Turns the fields of records in Redis into the values of the domain."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from dispatcher.domain.campaign import CampaignStatus
from dispatcher.domain.fates import Exclusion, ReceiptCode, RecipientState, code_of
from dispatcher.domain.feed import DEFAULT_PRODUCER
from dispatcher.domain.lifecycle import BatchState, CampaignState, HoldReason

STATE_OF_BATCH: Mapping[BatchState, RecipientState] = {
    BatchState.READY: RecipientState.WAITING,
    BatchState.EMPTY: RecipientState.NOT_SENT,
    BatchState.SENDING: RecipientState.SENDING,
    BatchState.SCHEDULED: RecipientState.SCHEDULED,
    BatchState.WITHDRAWING: RecipientState.SCHEDULED,
    BatchState.DOUBTFUL: RecipientState.UNKNOWN,
    BatchState.ACCEPTED: RecipientState.SENT,
    BatchState.REFUSED: RecipientState.REFUSED,
    BatchState.UNKNOWN: RecipientState.UNKNOWN,
    BatchState.ABANDONED: RecipientState.UNKNOWN,
    BatchState.CANCELLED: RecipientState.CANCELLED,
    BatchState.EXPIRED: RecipientState.EXPIRED,
}

_STILL_SENT = (ReceiptCode.NOT_SENT, ReceiptCode.SENT)


def moment(milliseconds: str | int) -> datetime:
    """Turn the milliseconds scripts write into an aware datetime."""
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def explain_fate(fate: int) -> tuple[RecipientState, str]:
    """Give the state a fate byte means, and the reason in the receipt's or quote's own word."""
    code = code_of(fate)
    if code is None:
        return RecipientState.NOT_SENT, Exclusion(fate).name.lower()
    if code not in ReceiptCode.__members__.values():
        return RecipientState.SENT, f"receipt code {code}"
    name = ReceiptCode(code).name.lower()
    if code == ReceiptCode.DELIVERED:
        return RecipientState.DELIVERED, name
    return (RecipientState.SENT if code in _STILL_SENT else RecipientState.UNDELIVERED), name


def status_of(campaign: str, account: str, fields: Mapping[str, str]) -> CampaignStatus:
    """Build a status from a campaign's record."""
    return _status_of(campaign, account, fields, *_count_recipients(fields))


def _status_of(
    campaign: str,
    account: str,
    fields: Mapping[str, str],
    states: Mapping[RecipientState, int],
    reasons: Mapping[str, int],
) -> CampaignStatus:
    return CampaignStatus(
        id=campaign,
        account=account,
        producer=fields.get("producer", DEFAULT_PRODUCER),
        state=CampaignState(fields["state"]),
        hold=HoldReason(fields["hold"]) if fields.get("hold") else None,
        rows=int(fields["rows"]),
        invalid=int(fields["invalid"]),
        duplicated=int(fields["duplicated"]),
        suppressed=int(fields.get("suppressed", 0)),
        recipients=int(fields["recipients"]),
        recipient_states=states,
        reasons=reasons,
        batches=int(fields["batches"]),
        list_batches=int(fields.get("list_batches", 0)),
        batch_states=_positive(fields, "batches:"),
        quoted=int(fields.get("quoted", 0)),
        estimate=int(fields.get("estimate", 0)),
        quote=int(fields.get("quote", 0)),
        cost=int(fields.get("cost", 0)),
        need=int(fields["need"]) if "need" in fields else None,
        have=int(fields["have"]) if "have" in fields else None,
        receipts=int(fields.get("receipts", 0)),
        alarms=int(fields.get("alarms", 0)),
        replies=int(fields.get("replies", 0)),
        stops=int(fields.get("stops", 0)),
        error=fields.get("error") or None,
        send_at=moment(fields["send_at"]) if int(fields.get("send_at", 0)) else None,
        withdrawn=int(fields.get("withdrawn", 0)),
        credits_returned=int(fields.get("credits_returned", 0)),
        created_at=moment(fields["created_at"]),
        changed_at=moment(fields["changed_at"]),
        unnamed=int(fields.get("unnamed", 0)),
        findings=_findings(fields),
        checked_at=moment(fields["checked_at"]) if "checked_at" in fields else None,
        resend_of=fields.get("resend_of"),
        resends=tuple(fields.get("resends", "").split()),
        erased_at=moment(fields["erased_at"]) if "erased_at" in fields else None,
        late_receipts=int(fields.get("late_receipts", 0)),
    )


def _findings(fields: Mapping[str, str]) -> tuple[str, ...]:
    found = msgspec.json.decode(fields.get("findings", "[]"), type=list[str])
    return tuple(dict.fromkeys([fields["gap"], *found] if "gap" in fields else found))


def _positive(fields: Mapping[str, str], prefix: str) -> dict[str, int]:
    return {
        name.removeprefix(prefix): int(value)
        for name, value in fields.items()
        if name.startswith(prefix) and int(value)
    }


def _count_recipients(
    fields: Mapping[str, str],
) -> tuple[Counter[RecipientState], Counter[str]]:
    states: Counter[RecipientState] = Counter()
    reasons: Counter[str] = Counter()
    for batch_state, count in _positive(fields, "b:").items():
        states[STATE_OF_BATCH[BatchState(batch_state)]] += count
    for fate, count in _positive(fields, "f:").items():
        state, reason = explain_fate(int(fate))
        states[state] += count
        if state in (RecipientState.NOT_SENT, RecipientState.UNDELIVERED):
            reasons[reason] += count
    for dropped in ("invalid", "duplicated", "suppressed"):
        if count := int(fields.get(dropped, 0)):
            states[RecipientState.NOT_SENT] += count
            reasons[f"{dropped} row"] += count
    return states, reasons
