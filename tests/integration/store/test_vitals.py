"""What whoever watches is told of an account, and that it is what a recount comes to."""

import socketserver
import threading
from collections import Counter
from typing import Any

import pytest

from dispatcher.domain.lifecycle import BatchState, CampaignState, HoldReason
from dispatcher.domain.vitals import AccountVitals, Line, Waiting
from dispatcher.errors import StoreUnavailableError
from dispatcher.settings import Settings
from dispatcher.store.batches import Outcome
from dispatcher.store.erasure import Terms
from dispatcher.store.keys import Key, Keys
from dispatcher.store.vitals import Looker, Vitals, server_clock
from tests.support.bench import ACCOUNT, SEND_LEASE_MS, Bench
from tests.support.books import check_standing
from tests.support.paced import take


def vitals(bench: Bench) -> AccountVitals:
    return Vitals(bench.client, bench.keys, clock=lambda _: bench.now_ms).read()


def tick(bench: Bench) -> None:
    bench.account.ledger.tick()


def test_an_account_that_was_never_used_has_nothing_and_owes_nothing(bench: Bench) -> None:
    found = vitals(bench)

    assert {waiting.count for waiting in found.standing.values()} == {0}
    assert found.money.balance is None
    assert found.ticked is None
    assert found.waiting == 0


def test_campaigns_are_counted_where_they_stand_and_since_when(bench: Bench) -> None:
    bench.submit("waits", batch_size=1)
    bench.ready("sends")
    bench.advance(5_000)
    bench.ready("later", credits_left=3)

    found = vitals(bench)

    assert found.standing[CampaignState.QUEUED] == Waiting(count=1, oldest=5)
    assert found.standing[CampaignState.SENDING] == Waiting(count=1, oldest=5)
    assert found.standing[HoldReason.CREDITS] == Waiting(count=1, oldest=0)
    assert found.batches[BatchState.READY] == 8
    assert found.waiting == 6
    check_standing(bench)


def test_of_very_many_campaigns_some_are_looked_into_and_all_count(bench: Bench) -> None:
    for n in range(210):
        bench.submit(f"c{n}", recipients=3, batch_size=1)

    assert vitals(bench).waiting == 200 * 3 + 10


def test_what_a_budget_keeps_waiting_is_no_work_for_more_workers(bench: Bench) -> None:
    bench.submit("quotes", recipients=9, batch_size=1)
    bench.ready("c1", recipients=40, batch_size=2)
    assert vitals(bench).paced == 0

    take(bench, "c1", rate=2)
    found = vitals(bench)

    assert found.waiting == 9 + 19
    assert found.paced == 19 - 2 * 5 // 2


def test_a_pause_that_the_api_asked_for_keeps_all_of_it_waiting(bench: Bench) -> None:
    bench.submit("quotes", recipients=4, batch_size=1)
    bench.ready("c1", recipients=6, batch_size=2)
    bench.account.pacing.lower(retry_after_ms=60_000)

    assert vitals(bench).paced == 4 + 3
    bench.advance(56_000)
    assert vitals(bench).paced == 0


def test_a_stop_keeps_what_is_to_be_sent_waiting_and_no_quote(bench: Bench) -> None:
    bench.submit("quotes", recipients=4, batch_size=1)
    bench.ready("c1", recipients=6, batch_size=2)
    bench.account.ledger.stop(by="ada")

    assert vitals(bench).paced == 3


def test_what_is_sent_one_at_a_time_while_an_answer_is_lost_waits(bench: Bench) -> None:
    bench.ready("c1", recipients=12, batch_size=2)
    account = bench.keys.of(Key.ACCOUNT)
    bench.client.hset(account, "serial_until", bench.now_ms + 1)
    one_at_a_time = vitals(bench).paced
    bench.advance(1)

    assert one_at_a_time == 5
    assert vitals(bench).paced == 0


def test_what_waits_for_the_quiet_after_a_failover_is_no_work_until_it_is_nearly_over(
    bench: Bench,
) -> None:
    bench.ready("c1", recipients=12, batch_size=2)
    bench.client.hset(bench.keys.of(Key.ACCOUNT), "quiet_until", bench.now_ms + 5_001)
    quiet = vitals(bench).paced
    bench.advance(1)

    assert quiet == 6
    assert vitals(bench).paced == 0


def test_a_lost_answer_shows_with_its_age_and_its_price(bench: Bench) -> None:
    bench.ready("c1")
    claim = bench.claim("c1")
    bench.record(claim, Outcome.UNKNOWN, why="no answer")
    bench.advance(900_000)

    found = vitals(bench)

    assert found.unknown == Waiting(count=1, oldest=900)
    assert found.money.at_stake == 2
    assert [(each.name, each.quote) for each in found.lost] == [(f"c1/{claim.n}", 2)]
    assert found.batches[BatchState.UNKNOWN] == 1


def test_a_send_without_a_trace_and_a_campaign_that_stands_still_are_counted(bench: Bench) -> None:
    bench.ready("c1")
    bench.claim("c1")
    bench.submit("c2")
    bench.advance(SEND_LEASE_MS + 1)
    overdue = vitals(bench).overdue

    tick(bench)
    found = vitals(bench)

    assert overdue["sends"].count == 1
    assert overdue["campaigns"].count == 2
    assert found.leases_lost == 1
    assert found.renudges == 2
    assert found.ticked == 0
    assert found.overdue["sends"] == Waiting()


def test_campaigns_older_than_the_count_are_entered_by_ticks_and_once(bench: Bench) -> None:
    for n in range(450):
        bench.submit(f"c{n}", recipients=1, batch_size=1)
    bench.ready("moves", recipients=3, batch_size=1)
    _forget_the_count(bench)
    bench.accept(bench.claim("moves"), ticket="t1")
    bench.account.campaigns.cancel("c7")

    tick(bench)
    midway = vitals(bench)
    for _ in range(4):
        tick(bench)

    assert not midway.is_counted
    assert vitals(bench).is_counted
    check_standing(bench)
    bench.advance(1)
    bench.submit("younger")
    check_standing(bench)


def test_campaigns_whose_records_go_are_counted_no_longer(bench: Bench) -> None:
    bench.submit("goes", recipients=4, batch_size=2)
    bench.account.campaigns.cancel("goes")
    bench.submit("stays")
    terms = Terms(people=1_000, records=5_000, strangers=1_000)

    bench.advance(2_000)
    while bench.account.erasure.retain(terms):
        pass
    erased = vitals(bench)
    bench.advance(5_000)
    while bench.account.erasure.retain(terms):
        pass
    gone = vitals(bench)

    assert erased.over[CampaignState.CANCELLED] == 1
    assert erased.batches[BatchState.CANCELLED] == 2
    assert gone.over[CampaignState.CANCELLED] == 0
    assert gone.batches[BatchState.CANCELLED] == 0
    check_standing(bench)


def test_a_count_that_is_wrong_is_mended(bench: Bench) -> None:
    bench.ready("c1", recipients=6, batch_size=2)
    bench.client.hset(bench.keys.of(Key.TALLY), "batch ready", "77")
    with pytest.raises(AssertionError):
        check_standing(bench)

    bench.account.ledger.count_anew()
    bench.claim("c1")
    for _ in range(3):
        tick(bench)

    assert vitals(bench).is_counted
    check_standing(bench)


def test_a_budget_is_told_as_the_scripts_reckon_it(bench: Bench) -> None:
    bench.client.hset(bench.keys.of(Key.ACCOUNT), "rate", "100")
    bench.account.pacing.lower(retry_after_ms=4_000)
    bench.advance(7_000)

    found, pace = vitals(bench).rate, bench.account.pacing.read()

    assert found.budget == pace.rate
    assert found.effective == pytest.approx(pace.effective)
    assert found.effective != found.budget
    assert (found.paused * 1000, found.lowered) == (pace.paused_ms, 1)


def test_what_waits_in_streams_is_told_by_the_servers_clock(bench: Bench) -> None:
    bench.account.receipts.append([b"{}"])
    tick(bench)
    now = server_clock(bench.client)

    found = Vitals(bench.client, bench.keys, clock=lambda _: now + 30_000).read()

    assert found.receipts.count == 1
    assert found.receipts.oldest == pytest.approx(30, abs=2)
    assert found.replies == Waiting()


def test_what_was_merged_since_the_last_tick_waits_no_longer(bench: Bench) -> None:
    bench.account.receipts.append([b"{}"])
    tick(bench)
    bench.client.delete(bench.keys.of(Key.RECEIPTS))

    assert vitals(bench).receipts == Waiting()


def test_campaigns_are_listed_as_the_last_tick_saw_them(bench: Bench) -> None:
    bench.ready("c1", recipients=6, batch_size=2)
    bench.accept(bench.claim("c1"), ticket="t1")
    bench.record(bench.claim("c1"), Outcome.UNKNOWN, why="no answer")
    bench.advance(1)
    bench.ready("c2", recipients=4, batch_size=2, credits_left=0)
    assert vitals(bench).newest == ()

    tick(bench)
    bench.advance(5_000)

    assert vitals(bench).newest == (
        Line(
            id="c2",
            state=CampaignState.HELD,
            hold=HoldReason.CREDITS,
            recipients=4,
            batches=2,
            settled=0,
            cost=0,
            alarms=0,
            age=5,
        ),
        Line(
            id="c1",
            state=CampaignState.SENDING,
            hold=None,
            recipients=6,
            batches=3,
            settled=1,
            cost=2,
            alarms=0,
            age=5.001,
        ),
    )


def test_two_accounts_are_told_apart(bench: Bench) -> None:
    bench.submit("c1")
    other = Vitals(bench.client, Keys("sms", "other"), clock=lambda _: bench.now_ms).read()

    assert other.account == "other"
    assert other.standing[CampaignState.QUEUED].count == 0
    assert vitals(bench).account == ACCOUNT


def fill_up(bench: Bench, campaigns: range) -> None:
    with bench.client.pipeline(transaction=False) as pipe:
        for n in campaigns:
            record: dict[Any, Any] = {"state": "finished", "hold": "", "changed_at": bench.now_ms}
            pipe.hset(bench.keys.of(Key.CAMPAIGN, f"old{n}"), mapping=record)
            pipe.zadd(bench.keys.of(Key.CAMPAIGNS), {f"old{n}": bench.now_ms + n})
            pipe.zadd(bench.keys.of(Key.STANDING, "sent"), {f"old{n}": bench.now_ms + n})
        pipe.execute()
    tick(bench)


def cost_of_looking(bench: Bench) -> tuple[Counter[str], int]:
    """Give how often Redis runs each command for one look, and the bytes it answers."""

    def spent() -> tuple[Counter[str], int]:
        stats = bench.client.info("commandstats")
        calls = Counter({name: value["calls"] for name, value in stats.items()})
        del calls["cmdstat_info"]
        return calls, bench.client.info("stats")["total_net_output_bytes"]

    calls, answered = spent()
    nothing = spent()[1] - answered
    calls, answered = spent()
    vitals(bench)
    more, then = spent()
    return more - calls, then - answered - nothing


def test_looking_costs_the_same_whatever_the_account_holds(bench: Bench) -> None:
    fill_up(bench, range(20))
    calls, answered = cost_of_looking(bench)
    fill_up(bench, range(20, 20_000))

    more_calls, more_answered = cost_of_looking(bench)

    found = vitals(bench)
    assert found.standing[CampaignState.SENT].count == 20_000
    assert len(found.newest) == 20
    assert more_calls == calls
    assert more_answered < answered + 1_000


def test_a_server_that_is_away_is_told_at_once() -> None:
    looker = Looker(Settings.model_validate({"redis_url": "redis://127.0.0.1:9/0"}))

    with pytest.raises(StoreUnavailableError):
        looker.server()
    with pytest.raises(StoreUnavailableError):
        looker.account(ACCOUNT)


def test_a_server_that_still_reads_its_data_is_not_there_yet() -> None:
    class Loading(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline():
                self.wfile.write(b"-LOADING Redis is loading the dataset in memory\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Loading) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        port = server.server_address[1]
        looker = Looker(Settings.model_validate({"redis_url": f"redis://127.0.0.1:{port}/0"}))
        with pytest.raises(StoreUnavailableError):
            looker.server()
        looker.close()
        server.shutdown()
        thread.join()


def test_the_server_tells_of_its_memory_and_its_log(redis_url: str) -> None:
    looker = Looker(Settings.model_validate({"redis_url": redis_url}))

    found = looker.server()
    looker.close()

    assert found.used_memory > 0
    assert found.max_memory > 0
    assert found.is_log_fine


def _forget_the_count(bench: Bench) -> None:
    """Leave an account as one that was used before anything was counted."""
    with bench.client.pipeline() as pipe:
        for name in (*bench.listed(Key.CAMPAIGNS),):
            pipe.hdel(bench.keys.of(Key.CAMPAIGN, name), "stands")
        for state in (*CampaignState, *(f"held {each.value}" for each in HoldReason)):
            place = state.value if isinstance(state, CampaignState) else state
            pipe.delete(bench.keys.of(Key.STANDING, place))
        pipe.delete(bench.keys.of(Key.TALLY))
        pipe.hdel(bench.keys.of(Key.ACCOUNT), "counted")
        pipe.execute()
