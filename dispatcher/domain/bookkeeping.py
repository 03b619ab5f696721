"""Decides by what a balance lost which batches were sent whose answers were lost.

Only the books of an account that nobody else spends from can say so, and only when nothing else
may have changed the balance: the caller sees to that. Here it is arithmetic.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import combinations

MOST = 10
"""Batches that are looked at together; more could be combined in too many ways."""

SPENDER_HEEDED = timedelta(days=1)
"""For so long nothing is proven by a balance that somebody else was seen to spend from."""

_MARGIN = 20


def margin(quote: int) -> int:
    """Give how far what a batch costs may be from its quote, as when people left it meanwhile.

    A twentieth; but never so far that it might have cost nothing.
    """
    return min(quote - 1, -(-quote // _MARGIN)) if quote > 0 else 0


def decide(lost: int, quotes: Sequence[int], *, guessed: int = 0) -> Mapping[int, bool] | None:
    """Say which batches were sent, by place; None when nothing explains what was lost.

    Of all combinations that may have cost what was lost, one must do so to the credit; said is
    then only what all of them agree on. A batch costs less than its quote when the API leaves
    people out whom it blacklisted since. Alone it is then left unexplained; of several, or beside
    credits that were guessed, each is taken to cost anything from one credit to its quote, so
    that mostly only the loss of nothing, or of everything, decides. What cost nothing reached
    nobody.

    Args:
        lost: credits the balance lost beyond what is known to have been spent.
        quotes: what each batch should have cost.
        guessed: credits that were entered into the books without the API having told them.
    """
    if len(quotes) > MOST or min(quotes, default=1) <= 0:
        return {}
    places = range(len(quotes))
    feasible = []
    is_exact = False
    for size in range(len(quotes) + 1):
        for chosen in combinations(places, size):
            cost = sum(quotes[place] for place in chosen)
            slack = sum(margin(quotes[place]) for place in chosen)
            least = len(chosen) if len(quotes) > 1 or guessed else cost - slack
            if least - guessed <= lost <= cost + slack + guessed:
                feasible.append(frozenset(chosen))
                is_exact = is_exact or lost == cost
    if not feasible:
        return None
    if not is_exact:
        return {}
    return {
        place: place in feasible[0]
        for place in places
        if len({place in chosen for chosen in feasible}) == 1
    }
