"""A scenario of lost answers, for tests that run every script twice."""

from dispatcher.domain.unknowns import Decision, Source
from dispatcher.store.scripts import Script
from dispatcher.store.unknowns import Precautions
from tests.faults.rig import Rig
from workers.steps.send import send_next

RECIPIENTS = 5

OF_LOST_ANSWERS = (
    Script.REVIEW_UNKNOWNS,
    Script.TAKE_RECONCILING,
    Script.SETTLE_UNKNOWN,
    Script.ARM_PROBE,
    Script.OPEN_BOOKS,
    Script.CLOSE_BOOKS,
)
"""The scripts that the scenario runs."""


def lost_answers(rig: Rig) -> list[str]:
    """Answers are lost, the books are read, and a person decides what became of the batches."""
    unknowns = rig.account.store.unknowns
    unknowns.review(Precautions(dedicated=True, most=3, span_ms=600_000, cool_down_ms=0))
    campaigns = []
    decisions = (Decision.SENT, Decision.NOT_SENT, Decision.ABANDON)
    for decision in decisions:
        campaigns.append(rig.submit_quoted(RECIPIENTS))
        fault = "drop_after" if decision is Decision.SENT else "drop_before"
        rig.plan("POST /send", fault)
        send_next(rig.account, campaigns[-1])
    unknowns.take_turn(lease_ms=1)
    unknowns.arm_probe(cool_down_ms=0)
    books = unknowns.open_books()
    unknowns.close_books(books.name, {"base": 1}, strike=("read",))
    unknowns.end_turn(pause_ms=1)
    for campaign, decision in zip(campaigns, decisions, strict=True):
        batch = unknowns.read(campaign, 0)
        assert batch is not None
        unknowns.settle([batch.finding(decision, Source.OPERATOR, "by a test")])
    rig.account.store.ledger.start()
    rig.settle()
    return campaigns
