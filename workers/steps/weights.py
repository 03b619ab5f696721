"""Counts the segments of a batch, by which the account's budget is used up."""

from collections.abc import Sequence

from dispatcher.domain.template import parse_template
from dispatcher.store.claims import QuoteClaim
from workers.resources import Account
from workers.steps.wire import is_given, message_of


def weight_of(account: Account, claim: QuoteClaim, places: Sequence[int]) -> int | None:
    """Count the segments that some of a batch get; None leaves it to the price.

    Nobody but the API knows the texts of lists that are not ours.
    """
    if is_given(claim):
        return None
    census = account.preparation.census_of(claim.message, account.name)
    if claim.batch.infos is None:
        return census.add_many(message_of(claim).text, 1) * len(places)
    if account.settings.account(account.name).rate is None:
        return None
    template = parse_template(claim.message.text)
    values = list(zip(*claim.batch.infos, strict=True))
    return sum(census.add([template.render(values[place]) for place in places]))
