"""What a listing shows otherwise than it was sent proves no absence."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dispatcher.domain.listings import Listed, Listing, Sought, look_up
from dispatcher.domain.unknowns import Decision, OnUnknown, UnknownBatch

PARIS = ZoneInfo("Europe/Paris")
TEXT = "Bonjour, votre commande est en route"


def sought(at: datetime) -> Sought:
    """Give a batch whose answer was lost at a time."""
    batch = UnknownBatch(
        campaign="c1",
        n=0,
        attempt=1,
        claimed_at=at,
        since=at,
        due_at=None,
        recipients=2,
        quote=2,
        policy=OnUnknown.RESEND,
        why="",
    )
    return Sought(batch=batch, text=TEXT, total=2, begun=at, ended=at)


@pytest.mark.parametrize("hour", [0, 1], ids=["the first", "the second"])
@pytest.mark.parametrize("text", [TEXT, f"{TEXT} STOP"], ids=["equal", "changed"])
def test_what_was_sent_in_the_hour_that_comes_twice_is_never_absent(hour: int, text: str) -> None:
    at = datetime(2027, 10, 31, hour, 40, tzinfo=UTC)
    later = at + timedelta(hours=2)
    mine = Listed(
        ticket="1", text=text, total=2, created=datetime(2027, 10, 31, 2, 40, tzinfo=PARIS), cost=2
    )
    next_one = Listed(
        ticket="2", text="Une autre annonce", total=2, created=later.astimezone(PARIS), cost=2
    )
    listing = Listing(
        campaigns=[mine, next_one],
        claimed={"2": later},
        is_complete=True,
        asked_at=later + timedelta(minutes=5),
    )

    (finding,) = look_up([sought(at)], listing)

    assert finding.verdict is (Decision.SENT if text == TEXT else Decision.OPEN)


@pytest.mark.parametrize(("text", "verdict"), [(TEXT, "absent"), ("C'est prêt & payé", "open")])
def test_what_the_api_may_show_in_other_characters_is_never_absent(text: str, verdict: str) -> None:
    at = datetime(2027, 6, 1, 9, 0, tzinfo=UTC)
    later = at + timedelta(hours=2)
    listing = Listing(
        campaigns=[Listed(ticket="2", text="Une autre annonce", total=9, created=later, cost=9)],
        claimed={"2": later},
        is_complete=True,
        asked_at=later + timedelta(minutes=5),
    )

    (finding,) = look_up([replace(sought(at), text=text)], listing)

    assert finding.verdict is Decision(verdict)
