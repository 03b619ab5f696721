"""Campaign statuses as a test wants them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from dispatcher import BatchState, CampaignState, CampaignStatus, RecipientState

QUOTED = CampaignStatus(
    id="orders",
    account="default",
    state=CampaignState.SENDING,
    hold=None,
    rows=10,
    invalid=1,
    duplicated=1,
    recipients=8,
    recipient_states={RecipientState.WAITING: 7, RecipientState.NOT_SENT: 3},
    reasons={"invalid row": 1, "duplicated row": 1, "blacklisted": 1},
    batches=2,
    list_batches=0,
    batch_states={BatchState.READY.value: 2},
    quoted=2,
    estimate=8,
    quote=7,
    cost=0,
    need=None,
    have=None,
    receipts=0,
    alarms=0,
    error=None,
    send_at=None,
    withdrawn=0,
    credits_returned=0,
    created_at=datetime(2026, 11, 22, 8, 0, tzinfo=UTC),
    changed_at=datetime(2026, 11, 22, 8, 0, tzinfo=UTC),
)


def a_status(**changes: Any) -> CampaignStatus:  # noqa: ANN401 - any field
    """Give the status of a quoted campaign of ten rows, with these fields changed."""
    return replace(QUOTED, **changes)
