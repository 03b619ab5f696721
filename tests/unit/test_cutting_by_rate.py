"""How many people one POST goes to on an account that has a budget."""

import pytest
from pydantic import SecretStr

from dispatcher.account_settings import AccountSettings
from dispatcher.domain.message import Message
from dispatcher.domain.routes import Kept, Render
from dispatcher.domain.template import parse_template
from dispatcher.preparing import Preparation
from dispatcher.settings import Settings

MANY = 6000
SHORT, LONG = "Bonjour", "x" * 161


def first_batch(
    text: str, rate: float | None, *, render: Render = Render.AUTO, **sizes: int
) -> int:
    """Cut many people into batches; give how many the first has."""
    account = AccountSettings(token=SecretStr("secret"), rate=rate)
    preparation = Preparation(Settings(accounts={"shop": account}, **sizes))  # type: ignore[arg-type]  # sizes are integers
    template = parse_template(text)
    sorter = preparation.sorter_for(Message(text=text), template, render, "shop")
    values = [(str(place),) for place in range(MANY)] if template.slots else []
    kept = Kept(range(MANY), [None] * MANY, values, list(map(template.render, values)))
    return len(next(sorter.add(kept)).numbers)


@pytest.mark.parametrize(
    ("text", "rate", "people"),
    [
        (SHORT, None, 1000),
        (SHORT, 100, 10),
        (LONG, 100, 5),
        (SHORT, 0.5, 1),
        (LONG, 15, 1),
        (SHORT, 1_000_000, 1000),
    ],
)
def test_a_post_takes_a_tenth_of_a_second(text: str, rate: float | None, people: int) -> None:
    assert first_batch(text, rate) == people


@pytest.mark.parametrize(("rate", "people"), [(None, 5000), (100, 50), (0.5, 1)])
def test_a_list_takes_half_a_second(rate: float | None, people: int) -> None:
    assert first_batch("Bonjour {nom}", rate, render=Render.LISTS) == people


def test_no_post_takes_more_than_it_would_without_a_budget() -> None:
    assert first_batch(SHORT, 100, batch_size=3) == 3
