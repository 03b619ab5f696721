import dataclasses
from datetime import UTC, datetime

import pytest

from dispatcher.domain import campaign, fates, message, packing
from dispatcher.domain.campaign import (
    Campaign,
    CampaignStatus,
    DroppedRow,
    Recipient,
    RecipientResult,
)
from dispatcher.domain.fates import RecipientState
from dispatcher.domain.lifecycle import CampaignState, HoldReason

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SECRET = ("Bonjour", "33639980001")


def status(**more: object) -> CampaignStatus:
    fields: dict[str, object] = dict.fromkeys(
        (field.name for field in dataclasses.fields(CampaignStatus)), 0
    )
    fields |= {"state": CampaignState.SENDING, "hold": None, "recipient_states": {}}
    return CampaignStatus(**{**fields, **more})  # type: ignore[arg-type]  # filled by name above


@pytest.mark.parametrize("module", [campaign, fates, message, packing])
def test_every_value_is_frozen_and_built_by_keyword(module: object) -> None:
    values = [
        member
        for member in vars(module).values()
        if isinstance(member, type) and dataclasses.is_dataclass(member)
    ]

    assert values
    for value in values:
        parameters = vars(value)["__dataclass_params__"]
        assert parameters.frozen, value
        assert all(field.kw_only for field in dataclasses.fields(value)), value


@pytest.mark.parametrize(
    "shown",
    [
        repr(Campaign(recipients=["33639980001"], text="Bonjour")),
        repr(Campaign(recipients=["33639980001"], text="Bonjour").message),
        repr(RecipientResult(number="33639980001", id="a", state=RecipientState.SENT)),
        repr(DroppedRow(number="33639980001", id="a", reason="duplicate")),
    ],
)
def test_no_repr_shows_a_text_or_a_number(shown: str) -> None:
    assert not any(secret in shown for secret in SECRET)


def test_a_recipient_shows_nothing_of_itself_in_a_traceback() -> None:
    assert "33639980001" not in repr(Recipient("33639980001", "customer 7", 3))


@pytest.mark.parametrize(
    ("state", "is_over"),
    [
        (CampaignState.QUEUED, False),
        (CampaignState.QUOTING, False),
        (CampaignState.SENDING, False),
        (CampaignState.HELD, False),
        (CampaignState.SENT, False),
        (CampaignState.FINISHED, True),
        (CampaignState.CANCELLED, True),
        (CampaignState.REJECTED, True),
    ],
)
def test_a_campaign_is_over_at_its_end(state: CampaignState, *, is_over: bool) -> None:
    assert status(state=state, hold=HoldReason.CREDITS).is_over is is_over


def test_rows_and_fates_have_to_add_up() -> None:
    states = {RecipientState.SENT: 3, RecipientState.NOT_SENT: 2}

    assert status(rows=5, recipient_states=states).is_conserved
    assert not status(rows=6, recipient_states=states).is_conserved
