"""People who are forgotten in every state of their campaign, on a rig."""

from datetime import UTC, datetime, timedelta

from dispatcher import Campaign
from dispatcher.domain.erasure import Person
from dispatcher.domain.packing import Batch, pack
from tests.faults.rig import Rig

RECIPIENTS = 5
PEOPLE = [f"3363998{place:04d}" for place in range(RECIPIENTS)]


def people_who_are_forgotten(rig: Rig) -> list[str]:
    """Erase somebody from what waits, is quoted, in a POST and at the API for later."""
    erasure, withdraws = rig.account.store.erasure, _for_later(rig)
    campaigns = [rig.submit(RECIPIENTS), rig.submit_quoted(RECIPIENTS), withdraws]
    rig.account.store.campaigns.upload("u1", {0: pack(Batch(numbers=list(map(int, PEOPLE))))})
    for number in PEOPLE[:2]:
        erasure.erase(Person(number=int(number)))
        rig.settle()
        erasure.erase_next()
    rig.settle()
    rig.sandbox.control("POST", "clock", {"advance": 2 * 86_400})
    return campaigns


def _for_later(rig: Rig) -> str:
    """Have the API take a campaign for tomorrow."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    campaign = rig.resources.dispatcher.submit(
        Campaign(recipients=PEOPLE, text="later", send_at=tomorrow)
    )
    rig.settle()
    return campaign
