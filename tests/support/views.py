"""Views of made-up accounts, as a monitor might see them."""

from dataclasses import replace
from typing import Any

from dispatcher.broker import BrokerVitals
from dispatcher.domain.lifecycle import TERMINAL, BatchState, CampaignState, HoldReason
from dispatcher.domain.vitals import (
    STANDINGS,
    AccountVitals,
    Line,
    Lost,
    Money,
    Rate,
    ServerVitals,
    Waiting,
)
from dispatcher.monitoring.state import View
from dispatcher.queueing import QueueName

KINDS = ("campaigns", "batches", "sends", "holds", "schedules", "withdrawals")

QUIET = AccountVitals(
    account="default",
    standing=dict.fromkeys(STANDINGS, Waiting()),
    over=dict.fromkeys(TERMINAL, 0),
    batches=dict.fromkeys(BatchState, 0),
    waiting=0,
    paced=0,
    overdue=dict.fromkeys(KINDS, Waiting()),
    unknown=Waiting(),
    in_flight=0,
    money=Money(balance=1000, balance_age=12, reserved=0, exposed=0, spent=0, at_stake=0),
    receipts=Waiting(),
    replies=Waiting(),
    to_review=0,
    strangers=0,
    malformed={},
    alarms=0,
    callbacks=0,
    dead=0,
    outboxes=0,
    ticked=0.5,
    renudges=0,
    leases_lost=0,
    parked=None,
    stopped_by=None,
    is_breaker_open=False,
    is_counted=True,
    rate=Rate(budget=None, effective=None, paused=0, waits=0, waited=0, lowered=0),
)
"""An account nobody has to look at."""

TROUBLED = replace(
    QUIET,
    account="shop",
    standing={
        **QUIET.standing,
        CampaignState.SENDING: Waiting(count=3, oldest=95),
        HoldReason.CREDITS: Waiting(count=2, oldest=7200),
        HoldReason.APPROVAL: Waiting(count=1, oldest=400),
    },
    over={**QUIET.over, CampaignState.FINISHED: 12_345},
    batches={**QUIET.batches, BatchState.READY: 70, BatchState.UNKNOWN: 2},
    waiting=41,
    paced=11,
    overdue={**QUIET.overdue, "campaigns": Waiting(count=3, oldest=130)},
    unknown=Waiting(count=2, oldest=1900),
    money=Money(balance=50, balance_age=30, reserved=40, exposed=20, spent=9000, at_stake=2000),
    receipts=Waiting(count=9, oldest=75),
    to_review=4,
    malformed={"dlr": 3},
    alarms=1,
    dead=5,
    ticked=300,
    parked="credentials",
    stopped_by="ada",
    is_breaker_open=True,
    is_counted=False,
    rate=Rate(budget=80, effective=40, paused=3, waits=12, waited=3.5, lowered=1),
    newest=(
        Line(
            id="spring-<b>sale</b>",
            state=CampaignState.HELD,
            hold=HoldReason.CREDITS,
            recipients=5000,
            batches=5,
            settled=2,
            cost=2000,
            alarms=1,
            age=95,
        ),
    ),
    lost=(Lost(name="spring-sale/3", age=1900, quote=1000),),
)
"""One where everything is the matter at once."""

SERVER = ServerVitals(used_memory=90 << 20, max_memory=100 << 20, is_log_fine=False, replicas=1)
BROKER = BrokerVitals(queues=dict.fromkeys(QueueName, 2), unacked=3)


def view(**changes: Any) -> View:  # noqa: ANN401 - any field of a view
    """Make a view of both accounts."""
    usual: dict[str, Any] = {"server": SERVER, "accounts": (QUIET, TROUBLED), "broker": BROKER}
    return View(**{**usual, **changes})


AWAY = View(server=None, accounts=(), broker=None, why="Redis did not answer (ConnectionError)")
