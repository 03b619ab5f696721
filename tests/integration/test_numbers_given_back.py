"""Numbers go in as they come out, be they texts or integers."""

import pytest

from dispatcher import Campaign
from dispatcher.errors import InputError
from tests.support.works import Works

NUMBER = 33639980001


def test_whoever_is_on_a_list_is_named_by_what_the_list_says(works: Works) -> None:
    suppressions = works.resources.dispatcher.suppressions
    assert suppressions.add([NUMBER]).new == 1
    (entry,) = suppressions.all()
    assert entry.number is not None

    (standing,) = suppressions.check([entry.number])

    assert standing.suppression == entry
    assert suppressions.remove(entry.number, reason="asked to", by="ada")
    assert suppressions.remove_all([str(NUMBER)], reason="asked to", by="ada") == 0
    assert works.resources.dispatcher.forget(entry.number).is_complete


def test_a_recipient_is_explained_by_an_integer_too(works: Works) -> None:
    dispatcher = works.resources.dispatcher
    campaign = dispatcher.submit(Campaign(text="Bonjour", recipients=[str(NUMBER)]))

    assert dispatcher.explain(campaign, NUMBER) == dispatcher.explain(campaign, str(NUMBER))


@pytest.mark.parametrize("method", ["add", "check"])
def test_one_number_is_no_list_of_numbers(works: Works, method: str) -> None:
    with pytest.raises(InputError, match="numbers: it is a str"):
        getattr(works.resources.dispatcher.suppressions, method)("0639980001")
