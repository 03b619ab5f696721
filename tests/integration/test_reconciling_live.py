"""Lost answers of a real sandbox, found again in its own list of campaigns and by its balance."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher import Campaign, OnUnknown
from dispatcher.domain.lifecycle import CampaignState
from tests.support.bench import Bench
from tests.support.sandbox import Receiver, Sandbox, running_sandbox
from tests.support.works import Hints, Works, settings_for
from workers.resources import Resources
from workers.steps.progress import Progress
from workers.steps.quote import quote_next
from workers.steps.reconcile import reconcile
from workers.steps.send import send_next
from workers.steps.tick import tick

DIALECTS = ("live", "v1")
ACCOUNT = {"live": {}, "v1": {"dedicated": True}}


@pytest.fixture(scope="module", params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def sandbox(dialect: str) -> Iterator[Sandbox]:
    with running_sandbox("--port", "0", "--dialect", dialect) as sandbox:
        yield sandbox


@pytest.fixture
def works(redis_url: str, sandbox: Sandbox, tmp_path: Path, dialect: str) -> Iterator[Works]:
    sandbox.control("POST", "reset")
    sandbox.control("DELETE", "faults")
    bench, hints = Bench(redis_url), Hints()
    usual = settings_for(redis_url, sandbox, tmp_path)
    account = usual.accounts["default"].model_copy(update=ACCOUNT[dialect])
    changes = {"dialect": dialect, "accounts": {"default": account}, "batch_size": 10}
    resources = Resources(
        usual.model_copy(update=changes),
        hints,  # type: ignore[arg-type]  # a stand-in for the broker
        open_store=lambda _: bench.store,
    )
    yield Works(bench, sandbox, Receiver(), resources, hints)
    resources.close()


def catch_up(works: Works) -> None:
    """Set the bench's clock by the sandbox's, which cannot be stopped."""
    now_ms = int(works.sandbox.control("GET", "health")["now"] * 1000)
    works.bench.advance(now_ms - works.bench.now_ms)


def look(works: Works, *, after: float) -> None:
    works.sandbox.control("POST", "clock", {"advance": after})
    catch_up(works)
    tick(works.account)
    reconcile(works.account)


def send(works: Works, text: str, *, fault: str | None = None) -> str:
    catch_up(works)
    campaign = works.resources.dispatcher.submit(
        Campaign(recipients=["33639980001"], text=text, on_unknown=OnUnknown.RESEND)
    )
    works.account.store.ledger.approve_server(quiet_ms=0)
    while quote_next(works.account, campaign) is Progress.MADE:
        pass
    if fault:
        works.fail("POST /send", fault)
    assert send_next(works.account, campaign) is Progress.MADE
    return campaign


@pytest.mark.parametrize("fault", ["drop_after", "drop_before"])
def test_a_lost_answer_is_settled_and_nobody_is_sent_to_twice(works: Works, fault: str) -> None:
    catch_up(works)
    look(works, after=601)
    send(works, "Avant tout le reste")
    look(works, after=61)
    lost = send(works, "Bonjour a vous, madame", fault=fault)
    assert works.bench.status(lost).batch_states == {"unknown": 1}
    works.sandbox.control("POST", "clock", {"advance": 1})
    send(works, "Tout autre chose, 0123456789")

    for seconds in (130, 16, 61, 61):
        look(works, after=seconds)
    send_next(works.account, lost)

    status = works.check(lost)
    assert (status.state, status.alarms) == (CampaignState.SENT, 0)
    texts = [entry["text"] for entry in works.sandbox.ledger()]
    assert texts.count("Bonjour a vous, madame") == 1
