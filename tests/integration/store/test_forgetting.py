"""One person is erased from every family of keys, in every state of what they are in."""

import random
from datetime import UTC, datetime

import pytest

from dispatcher.domain.campaign import DroppedRow
from dispatcher.domain.erasure import Person, Proof
from dispatcher.domain.fates import Exclusion, Receipt, RecipientState
from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.domain.packing import Batch, pack, unpack
from dispatcher.domain.timing import Timing
from dispatcher.store.batches import Outcome
from dispatcher.store.claims import SendClaim, left_in
from dispatcher.store.erasure import Count
from dispatcher.store.keys import Key
from dispatcher.store.replies import blob
from dispatcher.store.withdrawals import Withdrawal
from tests.support.bench import FIRST_NUMBER, START_MS, Bench, upload_of
from tests.support.books import check_counters, check_money, check_transitions

NUMBER = FIRST_NUMBER + 1
ADA = Person(number=NUMBER)
HOUR = 3_600_000


def erase(bench: Bench, person: Person = ADA) -> Count:
    return bench.account.erasure.erase(person)


def look(bench: Bench, person: Person = ADA) -> Proof:
    return bench.store.search().find(person)


def check(bench: Bench, campaign: str = "c1") -> None:
    check_counters(bench, campaign)
    check_money(bench, [campaign])
    check_transitions(bench, campaign)


def meant(claim: SendClaim) -> list[int]:
    """Give whom a claimed batch would be posted to."""
    return [claim.batch.numbers[place] for place in left_in(claim.fates)]


def states(bench: Bench) -> list[str]:
    return [result.state.value for result in bench.results()]


def test_whoever_is_not_quoted_yet_is_left_out_of_the_quote(bench: Bench) -> None:
    bench.account.ledger.approve_server(quiet_ms=0)
    bench.submit()

    count = erase(bench)

    assert (count.recipients, count.waiting) == (1, 0)
    assert look(bench).is_clean
    check(bench)
    claim = bench.claim_quote("c1")
    assert left_in(claim.fates) == [0]
    bench.account.batches.record_quote(claim, cost=1, credits_left=100, exclusions={})
    bench.quote("c1", credits_left=100)
    assert meant(bench.claim()) == [FIRST_NUMBER]
    check(bench)
    assert bench.status().reasons == {"forgotten": 1}


def test_a_quote_under_way_does_not_bring_them_back(bench: Bench) -> None:
    bench.account.ledger.approve_server(quiet_ms=0)
    bench.submit(recipients=2)
    claim = bench.claim_quote("c1")

    erase(bench)
    bench.account.batches.record_quote(
        claim, cost=2, credits_left=100, exclusions={1: Exclusion.BLACKLISTED}
    )

    assert bench.status().reasons == {"forgotten": 1}
    assert meant(bench.claim()) == [FIRST_NUMBER]
    check(bench)


def test_whoever_was_not_sent_to_yet_is_not(bench: Bench) -> None:
    bench.ready()

    erase(bench)

    assert look(bench).is_clean
    claim = bench.claim()
    assert meant(claim) == [FIRST_NUMBER]
    bench.accept(claim)
    check(bench)
    assert [(result.number, result.state.value) for result in bench.results()][:2] == [
        (str(FIRST_NUMBER), "sent"),
        ("", "not sent"),
    ]


@pytest.mark.parametrize("credits_left", [1000, 0])
def test_a_batch_of_nobody_else_is_never_sent(bench: Bench, credits_left: int) -> None:
    bench.ready(recipients=2, batch_size=1, credits_left=credits_left)

    erase(bench)

    record = bench.account.batches.read("c1", 1)
    assert record is not None
    assert record.state is BatchState.EMPTY
    check(bench)


def test_a_campaign_of_nobody_else_ends(bench: Bench) -> None:
    bench.ready(recipients=1)

    erase(bench, Person(number=FIRST_NUMBER))

    assert bench.status().state is CampaignState.FINISHED
    assert bench.status().reasons == {"forgotten": 1}
    check(bench)


def test_what_was_sent_keeps_fate_and_cost(bench: Bench) -> None:
    bench.ready()
    for ticket in ("t0", "t1"):
        bench.accept(bench.claim(), ticket=ticket)
    at = datetime.fromtimestamp(START_MS // 1000, UTC)
    receipts = [
        Receipt(sequence=place, code=3, ticket=f"t{place // 2}", at=at) for place in range(4)
    ]
    bench.account.receipts.merge(receipts)
    before = bench.status()

    erase(bench)

    assert look(bench).is_clean
    assert bench.status() == before
    assert [result.number for result in bench.results()][1] == ""
    assert states(bench) == ["delivered"] * 4
    bench.account.receipts.merge(receipts)
    assert bench.status() == before
    check(bench)


def test_a_post_under_way_is_kept_back_and_they_are_erased_when_it_is_settled(
    bench: Bench,
) -> None:
    bench.ready()
    claim = bench.claim()

    assert erase(bench).waiting == 1
    assert not look(bench).is_clean
    assert bench.begin(claim) == "forgetting"
    assert bench.account.erasure.erase_next() == 1
    bench.record(claim, Outcome.NOT_SENT, why="forgetting")
    assert bench.account.erasure.erase_next() == 0

    assert look(bench).is_clean
    again = bench.claim()
    assert meant(again) == ([FIRST_NUMBER] if again.n == 0 else meant(again))
    assert bench.begin(again) is None
    check(bench)


def test_whoever_is_in_a_post_that_was_made_is_erased_after_its_outcome(bench: Bench) -> None:
    bench.ready()
    claim = bench.claim()
    assert bench.begin(claim) is None

    erase(bench)
    bench.accept(claim)
    bench.account.erasure.erase_next()

    assert look(bench).is_clean
    assert states(bench)[:2] == ["sent", "sent"]
    assert bench.listed(Key.ERASURES) == set()
    check(bench)


def test_of_an_unknown_outcome_they_are_erased_and_never_sent_to_again(bench: Bench) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()
    bench.record(claim, Outcome.UNKNOWN, why="no answer")

    assert erase(bench).waiting == 0
    assert look(bench).is_clean
    assert states(bench) == ["unknown", "unknown"]
    bench.record(claim, Outcome.NOT_SENT, why="proven")

    assert meant(bench.claim()) == [FIRST_NUMBER]
    assert bench.status().reasons == {"forgotten": 1}
    check(bench)


def later(bench: Bench) -> SendClaim:
    """Give a campaign to the API that is to be sent in an hour."""
    at = datetime.fromtimestamp((START_MS + HOUR) / 1000, UTC)
    bench.ready(recipients=2, timing=Timing(send_at=at, handover_at=None, latest=None))
    claim = bench.claim()
    assert bench.accept(claim)[0] is BatchState.SCHEDULED
    return claim


def test_what_the_api_has_for_later_is_taken_back_and_given_again_without_them(
    bench: Bench,
) -> None:
    later(bench)
    assert bench.status().state is CampaignState.SCHEDULED

    assert erase(bench).waiting == 1
    withdrawal = bench.account.withdrawals.claim(lease_ms=1000)
    assert withdrawal is not None
    bench.account.withdrawals.record(withdrawal, Withdrawal.GONE, credits_left=1000)
    assert bench.account.erasure.erase_next() == 0

    assert look(bench).is_clean
    claim = bench.claim()
    assert meant(claim) == [FIRST_NUMBER]
    assert claim.delay is not None
    bench.accept(claim, ticket="t2")
    assert bench.status().state is CampaignState.SCHEDULED
    check(bench)


def test_what_goes_out_in_a_moment_is_left_to_go(bench: Bench) -> None:
    later(bench)
    bench.advance(HOUR - 60_000)

    assert erase(bench).waiting == 1
    assert bench.account.withdrawals.claim(lease_ms=1000) is None
    bench.advance(60_000)
    bench.account.ledger.tick()

    assert bench.account.erasure.erase_next() == 0
    assert look(bench).is_clean
    assert states(bench) == ["sent", "sent"]


def test_ids_and_fields_go_with_the_number(bench: Bench) -> None:
    submission = bench.submission("c1", 2, 2)
    batch = Batch(
        numbers=[FIRST_NUMBER, NUMBER], ids=["a", f"order-{NUMBER}"], infos=[["Bo", "Ada"]]
    )
    bench.account.campaigns.upload(upload_of(submission), {0: pack(batch)})
    bench.account.campaigns.submit(submission)

    erase(bench)

    kept = bench.client.hget(bench.keys.of(Key.RECIPIENTS, "c1"), "0")
    found = unpack(blob(kept))
    assert (list(found.numbers), found.ids, found.infos) == (
        [FIRST_NUMBER, 0],
        ["a", ""],
        [["Bo", ""]],
    )
    assert look(bench).is_clean


def test_rows_that_were_dropped_are_blanked(bench: Bench) -> None:
    submission = bench.submission("c1", 4, 2, duplicated=1, invalid=1, dropped_chunks=1)
    bench.upload(upload_of(submission), 4, 2)
    rows = [
        DroppedRow(number=str(NUMBER), id="again", reason="duplicate"),
        DroppedRow(number="06 39 98 00 02", id=None, reason="invalid: prenom is missing"),
    ]
    bench.account.campaigns.upload_dropped(upload_of(submission), 0, rows)
    bench.account.campaigns.submit(submission)

    count = erase(bench)

    assert (count.recipients, count.entries) == (1, 1)
    assert look(bench).is_clean
    dropped = list(bench.account.campaigns.dropped("c1"))
    assert [(row.number, row.id, row.reason) for row in dropped] == [
        ("", None, "duplicate"),
        ("06 39 98 00 02", None, "invalid: prenom is missing"),
    ]
    check_counters(bench, "c1")


def test_uploads_and_frozen_audiences_lose_them_too(bench: Bench) -> None:
    bench.upload("u1", 4, 2)
    bench.client.copy(bench.keys.of(Key.UPLOAD, "u1"), bench.keys.of(Key.AUDIENCE, "weekly"))

    count = erase(bench)

    assert count.recipients == 2
    assert look(bench).is_clean
    assert bench.client.ttl(bench.keys.of(Key.UPLOAD, "u1")) > 0
    kept = bench.client.hget(bench.keys.of(Key.AUDIENCE, "weekly"), "0")
    assert list(unpack(blob(kept)).numbers) == [FIRST_NUMBER, 0]


def test_two_who_are_erased_at_once_do_not_undo_each_other(bench: Bench) -> None:
    bench.ready(recipients=2)
    as_read = blob(bench.client.hget(bench.keys.of(Key.RECIPIENTS, "c1"), "0"))
    erase(bench, Person(number=FIRST_NUMBER))

    answer = bench.account.erasure._run_erase("c1", 0, as_read, [1])

    assert answer == b"changed"
    assert look(bench, Person(number=FIRST_NUMBER)).is_clean
    erase(bench)
    assert look(bench).is_clean
    assert bench.status().reasons == {"forgotten": 2}
    check(bench)


def test_an_erasure_that_was_cut_off_goes_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dispatcher.store.erasure._BATCHES_AT_ONCE", 1)
    bench.ready("c1")
    bench.ready("c2")

    def break_off(batches: int) -> None:
        if batches == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.account.erasure.erase(ADA, tell=break_off)

    assert [trace.key for trace in look(bench).traces] == ["sms:{default}:recipients:c1"]
    assert erase(bench).recipients == 1
    assert look(bench).is_clean


class Storm:
    """Claims, POSTs and erasures of a campaign of six, in whatever order."""

    def __init__(self, bench: Bench, chance: random.Random) -> None:
        self.bench, self.chance = bench, chance
        self.claims: list[SendClaim] = []
        self.gone: set[int] = set()
        bench.reset()
        bench.ready(recipients=6, batch_size=2)

    def claim(self) -> None:
        operation = str(self.chance.random())
        found = self.bench.account.batches.claim_send("c1", operation=operation, deadline_ms=75_000)
        if isinstance(found, SendClaim):
            self.claims.append(found)

    def post(self) -> None:
        if not self.claims:
            return
        claim = self.claims.pop()
        may_go = self.bench.begin(claim) is None
        assert not (may_go and self.gone & set(meant(claim)))
        outcomes = (Outcome.ACCEPTED, Outcome.UNKNOWN) if may_go else ()
        outcome = self.chance.choice((*outcomes, Outcome.NOT_SENT))
        self.bench.record(claim, outcome, ticket=f"t{claim.n}")

    def forget(self) -> None:
        number = FIRST_NUMBER + self.chance.randrange(6)
        self.gone.add(number)
        erase(self.bench, Person(number=number))

    def finish(self) -> None:
        self.bench.account.erasure.erase_next()

    def end(self) -> None:
        for claim in self.claims:
            self.bench.record(claim, Outcome.UNKNOWN)
        assert self.bench.account.erasure.erase_next() == 0


def test_people_erased_at_any_moment_are_not_sent_to_and_end_up_nowhere(bench: Bench) -> None:
    chance = random.Random(6)
    for _ in range(15):
        storm = Storm(bench, chance)
        for _ in range(12):
            chance.choice((storm.claim, storm.post, storm.forget, storm.finish))()
            check(bench)
        storm.end()

        check(bench)
        assert all(look(bench, Person(number=number)).is_clean for number in storm.gone)
        assert RecipientState.SENDING not in bench.status().recipient_states
