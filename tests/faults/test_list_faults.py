"""Calls of the way through lists that fail, before or after the API did as it was told."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.smsfactor import SmsFactor
from dispatcher.smsfactor.bodies import ListBody
from dispatcher.smsfactor.lists import Lists
from dispatcher.smsfactor.replies import ListReply
from tests.faults.list_path import Mailings
from tests.faults.rig import Rig, make_settings, rigged, store_on_test_clock
from tests.support.polling import eventually
from tests.support.sandbox import Receiver, Sandbox
from workers.milestones import Milestone

SLOW = 1.7
DEADLINE = 1.5
"""Seconds; an answer that takes as long as `SLOW` is not waited for."""
PATIENT = 30.0
"""Where nothing is slow but the machine."""

FAULTS = (
    "drop_before",
    "drop_after",
    "http_before:500",
    "http_after:500",
    "garbage_after",
    "truncated_after",
    f"slow_before:{SLOW}",
    f"slow_after:{SLOW}",
)
_UNACCEPTED = ("drop_before", "http_before:500")


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call that fails once: the first of its route after a milestone was passed, if any."""

    route: str
    after: Milestone | None = None
    is_given: bool = False
    lost_before: str | None = None
    """A route whose answer is lost before, which is what leads to the call."""


CALLS = {
    "creating a list": Call(route="POST /list"),
    "adding contacts": Call(route="POST /list", after=Milestone.LIST_CREATED),
    "looking for a list": Call(route="GET /lists", lost_before="POST /list"),
    "removing duplicates": Call(route="PUT /list/deduplicate/:id"),
    "verifying a list": Call(route="GET /list/:id"),
    "simulating": Call(route="POST /send/lists/simulate"),
    "reading given lists": Call(route="GET /list/:id", is_given=True),
    "simulating given lists": Call(route="POST /send/lists/simulate", is_given=True),
    "reading given lists again": Call(
        route="GET /list/:id", after=Milestone.CLAIMED, is_given=True
    ),
}


@pytest.fixture
def http_deadline(request: pytest.FixtureRequest) -> float:
    case = getattr(request.node, "callspec", None)
    fault = str(case.params.get("fault")) if case else ""
    return DEADLINE if fault.startswith("slow") else PATIENT


@pytest.fixture
def mailings(
    redis_url: str, sandbox: Sandbox, receiver: Receiver, tmp_path: Path, http_deadline: float
) -> Iterator[Mailings]:
    times = {"connect_timeout": http_deadline / 2, "http_deadline": http_deadline}
    settings = make_settings(redis_url, sandbox.url, tmp_path).model_copy(update=times)
    sandbox.control("DELETE", "faults")
    with rigged(settings, sandbox, receiver, store_on_test_clock) as rig:
        yield Mailings(rig)
    sandbox.control("DELETE", "faults")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_failed_call_before_the_post_costs_nothing(
    call: Call, fault: str, mailings: Mailings
) -> None:
    rig = mailings.rig
    (mailings.submit_given if call.is_given else mailings.submit)()
    if call.lost_before is not None:
        rig.plan(call.lost_before, "drop_after")
    if call.after is None:
        rig.plan(call.route, fault)
    else:
        rig.interrupt.at(call.after, lambda: rig.plan(call.route, fault))

    rig.settle()
    rig.receive()

    assert _struck(rig, call.route, fault)
    if fault.startswith("slow_before"):
        _wait_for_slow_calls()
    assert mailings.states() == [CampaignState.FINISHED]
    assert mailings.violations() == []


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("submit", "posts"), [(Mailings.submit, 2), (Mailings.submit_given, 1)], ids=["own", "given"]
)
def test_a_failed_post_is_never_repeated(
    submit: Callable[[Mailings], str], posts: int, fault: str, mailings: Mailings
) -> None:
    rig = mailings.rig
    submit(mailings)
    rig.plan("POST /send/lists", fault)

    rig.settle()

    accepted = posts - (fault in _UNACCEPTED)
    eventually(lambda: len(rig.sandbox.ledger()) >= accepted)
    rig.receive()
    assert _struck(rig, "POST /send/lists", fault)
    assert len(rig.sandbox.ledger()) == accepted
    # A reply that was only cut off may still show its ticket.
    may_be_accepted = [BatchState.ACCEPTED] * (fault not in _UNACCEPTED)
    assert mailings.first_batches()[0] in (BatchState.UNKNOWN, *may_be_accepted)
    assert mailings.violations() == []


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    "route", ["GET /lists", "GET /list/:id", "DELETE /list/contact/:id"], ids=str
)
def test_a_cleanup_that_fails_is_done_again(route: str, fault: str, mailings: Mailings) -> None:
    rig = mailings.rig
    mailings.submit()
    rig.settle()
    rig.receive()
    rig.plan(route, fault)

    mailings.clean()

    assert _struck(rig, route, fault)
    assert mailings.violations() == []


def test_lists_that_are_made_twice_by_one_call_are_sent_to_once(
    mailings: Mailings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SmsFactor, "_post_list", _twice(Lists._post_list))
    mailings.submit()

    mailings.rig.settle()
    mailings.rig.receive()

    assert len(mailings.rig.account.api.lists()) == 4
    assert mailings.states() == [CampaignState.FINISHED]
    assert mailings.violations() == []


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_lost_or_repeated_while_one_call_in_six_fails(
    seed: int, mailings: Mailings
) -> None:
    rig = mailings.rig
    for _ in range(5):
        mailings.submit()
        mailings.submit_given()
    shares = {"drop_before": 0.05, "drop_after": 0.08, "http_after:500": 0.04}
    rig.sandbox.control("POST", "faults", {"faults": shares, "seed": seed})

    rig.settle(rounds=30)
    rig.sandbox.control("DELETE", "faults")
    rig.settle()
    rig.receive()

    assert set(mailings.states()) <= {CampaignState.FINISHED, CampaignState.HELD}
    assert mailings.violations() == []


def _wait_for_slow_calls() -> None:
    """Let the API do at last what was given up; the cleanup, an hour later, finds it done."""
    end = time.monotonic() + SLOW
    eventually(lambda: time.monotonic() > end)


def _struck(rig: Rig, route: str, fault: str) -> bool:
    injected = rig.sandbox.control("GET", "faults")["injected"]
    return bool(injected.get(f"{route} {fault.partition(':')[0]}"))


def _twice(post: Callable[[Lists, ListBody], ListReply]) -> Callable[[Lists, ListBody], ListReply]:
    """Have the API do what it is told, and do it again."""

    def post_twice(api: Lists, body: ListBody) -> ListReply:
        post(api, body)
        return post(api, body)

    return post_twice
