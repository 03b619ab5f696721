import pytest

from dispatcher.domain.campaign import Campaign
from dispatcher.domain.checks import problems_of
from dispatcher.domain.feed import DEFAULT_PRODUCER
from dispatcher.preparing import fingerprint_of


@pytest.mark.parametrize("name", ["shop", "a", "shop-2_b", "9" * 32])
def test_producers_are_named_in_small_letters(name: str) -> None:
    assert problems_of(Campaign(text="Bonjour", producer=name)) == []


@pytest.mark.parametrize("name", ["", "Shop", "a:b", "shop\n", "é", "9" * 33, "a b"])
def test_other_names_are_refused_with_the_field_and_a_fix(name: str) -> None:
    (problem,) = problems_of(Campaign(text="Bonjour", producer=name))

    assert (problem.field, bool(problem.fix)) == ("producer", True)


def test_a_producer_of_a_wrong_type_is_a_problem_and_no_crash() -> None:
    (problem,) = problems_of(Campaign(text="Bonjour", producer=7))  # type: ignore[arg-type]  # on purpose

    assert problem.message == "it is a int"


def test_whose_campaign_it_is_belongs_to_its_content() -> None:
    prints = {
        fingerprint_of(campaign, campaign.message, None)
        for producer in (DEFAULT_PRODUCER, "shop", "club")
        for campaign in [Campaign(text="Bonjour", producer=producer)]
    }

    assert len(prints) == 3
