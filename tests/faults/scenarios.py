"""What campaigns go through while every script is run twice, and which scripts each shows."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from dispatcher import Campaign, FromTask, Schedule, Verdict
from dispatcher.domain.feed import EventKind
from dispatcher.domain.occurrences import occurrence_id
from dispatcher.errors import StateError
from dispatcher.store.batches import Outcome, SendRecord
from dispatcher.store.callbacks import Delivery, Ending, Settlement
from dispatcher.store.claims import SendClaim
from dispatcher.store.scripts import Script
from dispatcher.store.withdrawals import Withdrawal
from tests.faults.budgets import OF_BUDGETS, a_budget
from tests.faults.forgetting import people_who_are_forgotten
from tests.faults.lost_answers import OF_LOST_ANSWERS, lost_answers
from tests.faults.rig import Rig, WorkerDiedError
from workers.milestones import Milestone
from workers.steps.progress import Progress
from workers.steps.quote import quote_next
from workers.steps.replies import link_next
from workers.steps.schedules import run_next
from workers.steps.send import send_next

RECIPIENTS = 5
PEOPLE = [f"3363998{place:04d}" for place in range(RECIPIENTS)]

Scenario = Callable[[Rig], list[str]]
"""Runs campaigns and gives their ids."""


def everything_goes_well(rig: Rig) -> list[str]:
    campaign = rig.submit(RECIPIENTS)
    rig.settle()
    return [campaign]


def a_price_to_approve(rig: Rig) -> list[str]:
    dispatcher = rig.resources.dispatcher
    early = dispatcher.submit(Campaign(recipients=PEOPLE, text="a", needs_approval=True))
    late = dispatcher.submit(Campaign(recipients=PEOPLE, text="b", needs_approval=True))
    dispatcher.approve(early, by="anybody")
    rig.settle()
    dispatcher.approve(late, by="anybody")
    rig.settle()
    return [early, late]


def cancelled_campaigns(rig: Rig) -> list[str]:
    campaigns = [
        rig.resources.dispatcher.submit(Campaign(recipients=PEOPLE, text=text, needs_approval=True))
        for text in ("queued", "quoting", "quoted", "sent")
    ]
    queued, quoting, quoted, sent = campaigns
    rig.resources.dispatcher.cancel(queued)
    quote_next(rig.account, quoting)
    rig.resources.dispatcher.cancel(quoting)
    rig.settle()
    rig.resources.dispatcher.cancel(quoted)
    rig.resources.dispatcher.approve(sent, by="anybody")
    rig.settle()
    with suppress(StateError):
        rig.resources.dispatcher.cancel(sent)
    quote_next(rig.account, queued)
    sending = rig.submit_quoted(RECIPIENTS)
    send_next(rig.account, sending)
    rig.resources.dispatcher.cancel(sending)
    return [*campaigns, sending]


def for_later(rig: Rig) -> str:
    """Have the API take a campaign of one batch for tomorrow."""
    people = [f"3363998{place:04d}" for place in range(2)]
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    campaign = rig.resources.dispatcher.submit(
        Campaign(recipients=people, text="later", send_at=tomorrow)
    )
    rig.settle()
    return campaign


def tomorrow_comes(rig: Rig) -> None:
    """Let the API send whatever of it was not taken back."""
    rig.sandbox.control("POST", "clock", {"advance": 2 * 86_400})


def paused_campaigns(rig: Rig) -> list[str]:
    dispatcher = rig.resources.dispatcher
    later = for_later(rig)
    campaigns = [rig.submit(RECIPIENTS), rig.submit_quoted(RECIPIENTS), later]
    for campaign in [*campaigns, *campaigns]:
        dispatcher.pause(campaign)
    rig.settle()
    for campaign in campaigns:
        dispatcher.resume(campaign)
    dispatcher.cancel(campaigns[-1])
    rig.settle()
    tomorrow_comes(rig)
    return campaigns


def withdrawals(rig: Rig) -> list[str]:
    unreached, lost = for_later(rig), for_later(rig)
    rig.resources.dispatcher.cancel(unreached)
    batches = rig.account.store.withdrawals
    claim = batches.claim(lease_ms=60_000)
    assert claim is not None
    batches.record(claim, Withdrawal.NOT_MADE, why="no connection")
    rig.settle()
    rig.resources.dispatcher.cancel(lost)
    # Asked again, the API says that there is none of that ticket.
    rig.plan("DELETE /send/:id", "drop_after")
    rig.settle()
    tomorrow_comes(rig)
    return [unreached, lost]


def a_stopped_account(rig: Rig) -> list[str]:
    campaign = rig.submit_quoted(RECIPIENTS)
    rig.resources.dispatcher.stop(by="anybody")
    rig.settle()
    rig.resources.dispatcher.start()
    rig.settle()
    return [campaign]


def a_schedule(rig: Rig) -> list[str]:
    schedules = rig.resources.dispatcher.schedules
    campaign = Campaign(recipients=PEOPLE, text="a")
    schedules.create(Schedule("0 * * * *", "UTC", campaign=campaign, id="hourly"))
    schedules.pause("hourly")
    schedules.resume("hourly")
    rig.advance(3600)
    rig.settle()
    schedules.delete("hourly")
    rig.settle()
    found = rig.account.store.campaigns.newest(100)
    assert found
    return found


def an_occurrence_of_a_producer(rig: Rig) -> list[str]:
    dispatcher = rig.resources.dispatcher
    schedule = Schedule(
        "0 * * * *",
        "UTC",
        campaign=Campaign(text="a"),
        id="hourly",
        audience=FromTask(task="shop.send", queue="shop"),
    )
    first = dispatcher.schedules.create(schedule).runs[0]
    rig.advance(3600)
    while run_next(rig.account) is Progress.MADE:
        pass
    campaign = dispatcher.submit(
        Campaign(recipients=PEOPLE, text="a", id=occurrence_id("hourly", first))
    )
    rig.advance(180)
    run_next(rig.account)
    dispatcher.schedules.delete("hourly")
    rig.settle()
    return [campaign]


def quotes_that_fail(rig: Rig) -> list[str]:
    campaigns = []
    for fault in ("http_before:502", "status_before:-4", "status_before:-3", "status_before:-1"):
        rig.plan("POST /send/simulate", fault)
        campaigns.append(rig.submit(RECIPIENTS))
        quote_next(rig.account, campaigns[-1])
    rig.settle()
    return campaigns


def sends_that_fail(rig: Rig) -> list[str]:
    faults = (
        "status_before:-5",
        "status_before:-3",
        "status_before:-1",
        "drop_after",
        "drop_before",
    )
    campaigns = []
    for fault in faults:
        campaigns.append(rig.submit_quoted(RECIPIENTS))
        rig.plan("POST /send", fault)
        send_next(rig.account, campaigns[-1])
    rig.settle()
    return campaigns


def a_send_given_back(rig: Rig) -> list[str]:
    campaign = rig.submit_quoted(RECIPIENTS)
    batches = rig.account.store.batches
    claim = batches.claim_send(campaign, operation="given back", deadline_ms=60_000)
    assert isinstance(claim, SendClaim)
    batches.record_send(
        SendRecord(campaign=campaign, n=claim.n, attempt=claim.attempt, outcome=Outcome.NOT_SENT)
    )
    rig.settle()
    return [campaign]


def a_worker_that_dies(rig: Rig) -> list[str]:
    campaigns = [rig.submit_quoted(RECIPIENTS), rig.submit_quoted(RECIPIENTS)]
    for campaign, milestone in zip(campaigns, (Milestone.CLAIMED, Milestone.ANSWERED), strict=True):
        rig.interrupt.die_at(milestone)
        with suppress(WorkerDiedError):
            send_next(rig.account, campaign)
    rig.settle()
    return campaigns


def a_late_stop(rig: Rig) -> list[str]:
    campaign = rig.submit_quoted(RECIPIENTS)
    number = next(rig.account.store.results.of(campaign)).number
    rig.sandbox.control("POST", "blacklist", {"destinations": [number]})
    rig.settle()
    return [campaign]


def a_top_up(rig: Rig) -> list[str]:
    rig.sandbox.control("POST", "credits", {"credits": 2})
    campaigns = [rig.submit(RECIPIENTS), rig.submit(RECIPIENTS)]
    rig.settle()
    quote_next(rig.account, campaigns[0])
    rig.sandbox.control("POST", "credits", {"credits": 100_000})
    rig.settle()
    return campaigns


def callbacks(rig: Rig) -> list[str]:
    campaigns = everything_goes_well(rig)
    store, here = rig.account.store, "endpoint"
    store.outbox.tell("default", EventKind.REPLY, {}, token="reply-1")
    for token, ending in enumerate([*Ending, Ending.DELIVERED]):
        assert store.callbacks.due({"default": here}) == ["default"]
        found = store.callbacks.take(
            "default", token=str(token), endpoint=here, lease_ms=1_000, kinds=()
        )
        assert isinstance(found, Delivery)
        store.callbacks.settle(found, Settlement(ending=ending), endpoint=here)
        letters = [letter.entry for letter in store.callbacks.dead("default")]
        store.callbacks.replay("default", letters, after=3)
    return campaigns


def receipts_that_never_come(rig: Rig) -> list[str]:
    campaign = rig.submit(RECIPIENTS)
    rig.settle()
    rig.advance(rig.account.settings.receipt_wait.total_seconds())
    rig.settle()
    return [campaign]


def people_who_answer(rig: Rig) -> list[str]:
    campaign = rig.submit(RECIPIENTS)
    rig.settle()
    bodies = [
        json.dumps({"from": PEOPLE[place], "message": text}).encode()
        for place, text in enumerate(("OUI", "STOP", "non stop", "ne stoppez pas"))
    ]
    rig.account.store.replies.append("mo", bodies)
    link_next(rig.account)
    replies = rig.resources.dispatcher.replies
    for reply, verdict in zip(list(replies.to_review()), Verdict, strict=True):
        replies.judge(reply.id, verdict, by="anybody")
    return [campaign]


SITUATIONS: dict[Script, dict[str, Scenario]] = {
    Script.SUBMIT: {"": everything_goes_well},
    Script.CLAIM_QUOTE: {
        "queued": everything_goes_well,
        "quoting": everything_goes_well,
        "cancelled": cancelled_campaigns,
        "held credits": a_top_up,
    },
    Script.RECORD_QUOTE: {"quoting": everything_goes_well},
    Script.FAIL_QUOTE: {
        "retry": quotes_that_fail,
        "reject": quotes_that_fail,
        "credits": quotes_that_fail,
        "credentials": quotes_that_fail,
    },
    Script.APPROVE: {"queued": a_price_to_approve, "held approval": a_price_to_approve},
    Script.CANCEL: {
        "queued": cancelled_campaigns,
        "quoting": cancelled_campaigns,
        "held approval": cancelled_campaigns,
        "sending": cancelled_campaigns,
        "scheduled": withdrawals,
        "sent": cancelled_campaigns,
    },
    Script.TELL: {"": callbacks},
    Script.DUE_CALLBACKS: {"": callbacks},
    Script.TAKE_CALLBACK: {"": callbacks},
    Script.SETTLE_CALLBACK: {"": callbacks},
    Script.REPLAY_CALLBACKS: {"": callbacks},
    Script.CLAIM_SEND: {"sending": everything_goes_well, "sent": everything_goes_well},
    Script.BEGIN_POST: {"sending": everything_goes_well},
    Script.RECORD_SEND: {
        "accepted": everything_goes_well,
        "refused": sends_that_fail,
        "not sent": a_send_given_back,
        "no credits": sends_that_fail,
        "no credentials": sends_that_fail,
        "unknown": sends_that_fail,
    },
    **{script: {"": lost_answers} for script in OF_LOST_ANSWERS},
    **{script: {situation: a_budget} for script, situation in OF_BUDGETS.items()},
    Script.EXCLUDE: {"sending": a_late_stop},
    Script.OBSERVE_BALANCE: {"": a_top_up},
    Script.BEGIN_CHECK: {"": a_top_up},
    Script.RESUME: {"held credits": a_top_up, "held credentials": quotes_that_fail},
    Script.TICK: {"": a_worker_that_dies},
    Script.MERGE_RECEIPTS: {"": a_worker_that_dies},
    Script.APPROVE_SERVER: {"": everything_goes_well},
    Script.PAUSE: {
        "queued": paused_campaigns,
        "sending": paused_campaigns,
        "scheduled": paused_campaigns,
        "held paused": paused_campaigns,
    },
    Script.UNPAUSE: {"held paused": paused_campaigns},
    Script.STOP: {"": a_stopped_account},
    Script.CLAIM_WITHDRAWAL: {"": paused_campaigns},
    Script.RECORD_WITHDRAWAL: {
        "gone": withdrawals,
        "refused": withdrawals,
        "lost": withdrawals,
        "not made": withdrawals,
    },
    Script.PUT_SCHEDULE: {"": a_schedule},
    Script.ADVANCE_SCHEDULE: {"": a_schedule},
    Script.CLAIM_SCHEDULE: {"": a_schedule},
    Script.DELETE_SCHEDULE: {"": a_schedule},
    Script.READ_CLOCK: {"": a_schedule},
    Script.CLAIM_AWAITED: {"": an_occurrence_of_a_producer},
    Script.SETTLE_AWAITED: {"queued": an_occurrence_of_a_producer},
    Script.KEEP_REPLY: {"": people_who_answer},
    Script.JUDGE_REPLY: {"": people_who_answer},
    Script.SUPPRESS: {"": people_who_answer},
    Script.MAKE_GROUP: {"": a_worker_that_dies},
    Script.ERASE: dict.fromkeys(("sending", "scheduled"), people_who_are_forgotten),
    Script.SWAP: {"": people_who_are_forgotten},
}
