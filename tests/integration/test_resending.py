"""Sending again to those who did not get a campaign, and to nobody else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dispatcher import Campaign, ConflictError, InputError, PushType, Recipient
from dispatcher.domain.fates import Receipt, RecipientState
from dispatcher.domain.lifecycle import CampaignState, HoldReason
from dispatcher.domain.packing import Batch, pack
from dispatcher.domain.routes import Render
from dispatcher.domain.suppressions import SuppressionSource
from dispatcher.domain.unknowns import OnUnknown
from dispatcher.errors import ErasedError
from dispatcher.resending import Changes
from dispatcher.store.erasure import Terms
from dispatcher.store.keys import Key
from dispatcher.store.suppressions import Addition
from tests.support.bench import START_MS
from tests.support.list_campaigns import make_given, submit_given, texts_of
from tests.support.works import FOUR, Works

C, R = CampaignState, RecipientState
T0 = datetime.fromtimestamp(START_MS / 1000, UTC)
TEMPLATE = "Bonjour {prenom|client}, rendez-vous {date}"


def heard(works: Works, campaign: str, codes: list[int | None]) -> None:
    """Merge one receipt for each recipient, in order; None for nobody."""
    first = works.bench.record_field(campaign, "first")
    works.account.store.receipts.merge(
        Receipt(sequence=first + n, code=code, ticket=_ticket(works, campaign, n), at=T0)
        for n, code in enumerate(codes)
        if code is not None
    )


def _ticket(works: Works, campaign: str, n: int) -> str:
    return works.bench.results(campaign)[n].ticket or ""


def numbers(works: Works, campaign: str) -> list[str]:
    return [row.number for row in works.bench.results(campaign)]


def undelivered(works: Works, *codes: int | None) -> str:
    campaign = works.submit()
    works.run(campaign)
    heard(works, campaign, list(codes))
    return campaign


def test_exactly_those_who_did_not_get_it_are_sent_to_again(works: Works) -> None:
    campaign = undelivered(works, 3, 2, None, 11)
    dispatcher = works.resources.dispatcher

    made = dispatcher.resend(campaign, ["undelivered"])

    assert (made.recipients, made.is_new, made.passed_over) == (2, True, 0)
    assert numbers(works, made.id) == [FOUR[1], FOUR[3]]
    assert works.hints.moves[-1] == (made.id, C.QUEUED)
    assert dispatcher.status(made.id).resend_of == campaign
    assert dispatcher.status(campaign).resends == (made.id,)
    assert works.run(made.id).state is C.SENT
    assert [len(entry["messages"]) for entry in works.sandbox.ledger()] == [2, 2, 2]
    assert "resend" in [event.what for event in dispatcher.events(campaign)]


def test_a_reason_chooses_those_alone(works: Works) -> None:
    campaign = undelivered(works, 3, 2, 12, 11)

    made = works.resources.dispatcher.resend(campaign, "network_error,undelivered:expired")

    assert numbers(works, made.id) == FOUR[2:]


def test_repeating_it_gives_the_same_campaign_and_others_get_no_second_one(works: Works) -> None:
    campaign = undelivered(works, 3, 2, None, 11)
    dispatcher = works.resources.dispatcher
    first = dispatcher.resend(campaign, ["undelivered"])
    heard(works, campaign, [3, 2, 2, 11])

    again = dispatcher.resend(campaign, ["undelivered"])
    wider = dispatcher.resend(campaign, ["undelivered", "refused"])

    assert (again.id, again.is_new, again.recipients) == (first.id, False, 2)
    assert wider.id != first.id
    assert (wider.recipients, wider.passed_over) == (1, 2)
    assert numbers(works, wider.id) == [FOUR[2]]
    with pytest.raises(InputError, match="all 3 are sent to by other campaigns already"):
        dispatcher.resend(campaign, ["undelivered"], changes=Changes(id="third"))
    with pytest.raises(ConflictError):
        dispatcher.resend(campaign, ["refused"], changes=Changes(id=first.id))
    assert works.bench.client.keys("*upload*") == []


def test_a_resend_of_which_nothing_came_can_be_made_again(works: Works) -> None:
    campaign = undelivered(works, 3, 2, 3, 3)
    dispatcher = works.resources.dispatcher
    dropped = dispatcher.resend(campaign, ["undelivered"], changes=Changes(needs_approval=True))
    assert works.run(dropped.id).hold is HoldReason.APPROVAL
    dispatcher.cancel(dropped.id)

    again = dispatcher.resend(campaign, ["undelivered"])

    assert (again.is_new, again.recipients) == (True, 1)
    assert again.id == f"{dropped.id}-2"
    assert dispatcher.resend(campaign, ["undelivered"]).id == again.id


def test_a_chain_of_resends_reaches_nobody_twice(works: Works) -> None:
    campaign = undelivered(works, 2, 2, 2, 3)
    dispatcher = works.resources.dispatcher
    first = dispatcher.resend(campaign, ["undelivered"])
    works.run(first.id)
    heard(works, first.id, [2, 2, None])
    # A late receipt: the first message arrived after all.
    heard(works, campaign, [3, 2, 2, 3])

    second = dispatcher.resend(first.id, ["undelivered"])

    assert numbers(works, second.id) == [FOUR[1]]
    assert second.passed_over == 1
    assert dispatcher.status(second.id).resend_of == first.id
    assert dispatcher.status(first.id).resends == (second.id,)
    works.run(second.id)
    heard(works, second.id, [3])
    for source in (campaign, first.id):
        with pytest.raises(InputError, match="sent to by other campaigns already"):
            dispatcher.resend(source, ["undelivered"], changes=Changes(id="once-more"))


@pytest.mark.parametrize("word", ["sent", "unknown", "delivered", "waiting", "scheduled"])
def test_whoever_got_it_or_may_get_it_cannot_be_asked_for(works: Works, word: str) -> None:
    campaign = works.submit()

    with pytest.raises(InputError, match="got the message, or may get it"):
        works.resources.dispatcher.resend(campaign, ["undelivered", word])


def test_a_lost_answer_is_not_sent_again(works: Works) -> None:
    works.fail("POST /send", "drop_after")
    campaign = works.submit()
    assert works.run(campaign).recipient_states == {R.UNKNOWN: 2, R.SENT: 2}

    with pytest.raises(InputError, match="nobody of campaign") as refusal:
        works.resources.dispatcher.resend(
            campaign, ["undelivered", "refused", "cancelled", "expired", "not sent"]
        )
    (problem,) = refusal.value.problems
    assert f"dispatcher explain {campaign} NUMBER" in problem.fix


def test_refused_and_cancelled_ones_are_sent_to_again(works: Works) -> None:
    works.fail("POST /send", "status_before:-7")
    campaign = works.submit()
    works.run(campaign)

    made = works.resources.dispatcher.resend(campaign, ["refused"])

    assert numbers(works, made.id) == FOUR[:2]
    assert works.run(made.id).state is C.SENT


@pytest.mark.parametrize("render", [Render.HERE, Render.LISTS])
def test_each_gets_the_text_they_would_have_got_under_the_same_id(
    works: Works, render: Render
) -> None:
    people = [
        Recipient(FOUR[0], id="a", fields={"prenom": "Ada", "date": "mardi"}),
        Recipient(FOUR[1], id="b", fields={"date": " jeudi "}),
        Recipient(FOUR[2], fields={"prenom": "Zoé", "date": "mardi {9 h}"}),
    ]
    dispatcher = works.resources.dispatcher
    campaign = dispatcher.submit(
        Campaign(text=TEMPLATE, recipients=people, sender="Boutique", render=render)
    )
    works.run(campaign)
    before = texts_of(works.sandbox)
    heard(works, campaign, [2, 2, 2])
    works.sandbox.control("POST", "reset")

    made = dispatcher.resend(campaign, ["undelivered"])

    assert works.run(made.id).state is C.SENT
    assert texts_of(works.sandbox) == before
    assert before[FOUR[1]] == "Bonjour client, rendez-vous jeudi"
    assert {row.id for row in works.bench.results(made.id)} == {"a", "b", None}
    assert {entry["sender"] for entry in works.sandbox.ledger()} == {"Boutique"}
    assert dispatcher.status(made.id).list_batches == (render is Render.LISTS)


def test_what_it_was_submitted_with_stays_unless_it_is_changed(works: Works) -> None:
    dispatcher = works.resources.dispatcher
    later = datetime.now(UTC) + timedelta(days=2)
    campaign = dispatcher.submit(
        Campaign(
            text="Soldes",
            recipients=FOUR,
            sender="Boutique",
            producer="shop",
            on_unknown=OnUnknown.ASSUME_SENT,
            pushtype=PushType.ADVERTISING,
            send_at=later,
            max_lateness=timedelta(hours=3),
        ),
    )
    dispatcher.cancel(campaign)

    made = dispatcher.resend(campaign, ["cancelled"])
    old = works.account.store.campaigns.definition(campaign)
    new = works.account.store.campaigns.definition(made.id)
    assert replace(new, kinship=None) == old
    assert new.producer == "shop"
    dispatcher.cancel(made.id)
    sooner = later - timedelta(days=1)
    changed = dispatcher.resend(
        campaign, ["cancelled"], changes=Changes(sender="Magasin", send_at=sooner)
    )

    definition = works.account.store.campaigns.definition(changed.id)
    assert definition.message.sender == "Magasin"
    assert definition.timing.send_at == sooner.replace(
        microsecond=sooner.microsecond // 1000 * 1000
    )


def test_given_lists_whose_values_are_not_kept_are_refused(works: Works) -> None:
    campaign = submit_given(works, make_given(works))
    works.run(campaign)
    heard(works, campaign, [2, 2, 2, 2])

    with pytest.raises(InputError, match="merged by the API from lists of yours"):
        works.resources.dispatcher.resend(campaign, ["undelivered"])


def test_two_who_choose_the_same_people_at_once_do_not_both_get_them(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = undelivered(works, 2, 2, 3, 3)
    dispatcher = works.resources.dispatcher
    campaigns = works.account.store.campaigns
    submit = campaigns.submit
    others: list[str] = []

    def late(submission: object) -> bool:
        if not others:
            others.append("other")
            monkeypatch.setattr(campaigns, "submit", submit)
            dispatcher.resend(campaign, ["undelivered"], changes=Changes(id="other"))
        return submit(submission)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(campaigns, "submit", late)

    with pytest.raises(InputError, match="all 2 are sent to by other campaigns already"):
        dispatcher.resend(campaign, ["undelivered"])

    assert dispatcher.status(campaign).resends == ("other",)
    assert works.bench.client.keys("*upload*") == []


def test_people_who_were_erased_are_not_sent_to(works: Works) -> None:
    campaign = undelivered(works, 2, 2, 3, 3)
    name = works.bench.keys.of(Key.RECIPIENTS, campaign)
    works.bench.client.hset(name, "0", pack(Batch(numbers=[0, int(FOUR[1])])))

    made = works.resources.dispatcher.resend(campaign, ["undelivered"])

    assert numbers(works, made.id) == [FOUR[1]]


def test_whoever_is_suppressed_meanwhile_is_not_sent_to_again(works: Works) -> None:
    campaign = undelivered(works, 2, 2, 3, 3)
    works.account.store.suppressions.add(
        Addition(numbers=[int(FOUR[0])], source=SuppressionSource.REPLY, at=T0)
    )

    made = works.resources.dispatcher.resend(campaign, ["undelivered"])

    assert made.recipients == 1
    assert works.run(made.id).state is C.SENT
    assert [len(entry["messages"]) for entry in works.sandbox.ledger()] == [2, 2, 1]


def test_whoever_a_resend_did_not_reach_either_is_left_to_a_resend_of_that(works: Works) -> None:
    campaign = undelivered(works, 2, 3, 3, 3)
    dispatcher = works.resources.dispatcher
    first = dispatcher.resend(campaign, ["undelivered"])
    works.run(first.id)
    heard(works, first.id, [2])

    with pytest.raises(InputError, match="all 1 are sent to by other campaigns already"):
        dispatcher.resend(campaign, ["undelivered"], changes=Changes(id="another"))

    assert dispatcher.resend(first.id, ["undelivered"]).recipients == 1


def test_what_was_erased_is_neither_sent_again_nor_explained_nor_a_gap(works: Works) -> None:
    campaign = undelivered(works, 2, 3, 3, 3)
    dispatcher = works.resources.dispatcher
    made = dispatcher.resend(campaign, ["undelivered"])
    terms = Terms(people=0, records=10**12, strangers=10**12)
    works.bench.advance(1)
    while works.account.store.erasure.retain(terms):
        works.bench.advance(1)
    assert dispatcher.status(campaign).erased_at is not None
    assert dispatcher.status(made.id).erased_at is None

    with pytest.raises(ErasedError):
        dispatcher.resend(campaign, ["refused"])
    with pytest.raises(ErasedError):
        dispatcher.resend(made.id, ["refused"])
    with pytest.raises(ErasedError):
        dispatcher.explain(campaign, FOUR[0])
    assert dispatcher.check(campaign).findings == ()
