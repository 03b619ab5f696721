"""The calls that cost and change nothing, against the real API; see the marker `live`."""

import os
from collections.abc import Iterator

import pytest

from dispatcher.domain.message import Message, PushType
from dispatcher.smsfactor import Credentials, Destination, Dialect, SmsFactor, Wire

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        "SMSFACTOR_TOKEN" not in os.environ and "SMSFACTOR_USERNAME" not in os.environ,
        reason="needs SMSFACTOR_TOKEN, or SMSFACTOR_USERNAME and SMSFACTOR_PASSWORD",
    ),
]


@pytest.fixture(params=Wire, ids=lambda wire: wire.name.lower())
def api(request: pytest.FixtureRequest) -> Iterator[SmsFactor]:
    token = os.environ.get("SMSFACTOR_TOKEN")
    credentials = (
        Credentials(token=token)
        if token
        else Credentials(
            username=os.environ["SMSFACTOR_USERNAME"], password=os.environ["SMSFACTOR_PASSWORD"]
        )
    )
    dialect = Dialect.LIVE if token else Dialect.V1
    with SmsFactor(credentials, wire=Wire(request.param), dialect=dialect) as client:
        yield client


def test_the_balance_is_a_number(api: SmsFactor) -> None:
    assert api.credits() >= 0


def test_a_simulation_costs_nothing(api: SmsFactor) -> None:
    before = api.credits()

    quote = api.simulate(Message(text="Bonjour"), [Destination("33639980001", "m1")])

    assert (quote.ticket, quote.total) == (None, 1)
    assert api.credits() == before


def test_lists_and_blacklist_are_read(api: SmsFactor) -> None:
    assert all(found.id for found in api.lists())
    assert all(found.destination for found in api.blacklist())


@pytest.mark.parametrize("pushtype", PushType)
def test_the_link_tag_is_a_tag(api: SmsFactor, pushtype: PushType) -> None:
    assert "short" in api.link_tag(pushtype)
