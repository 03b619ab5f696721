from tests.support.bench import FIRST_NUMBER, Bench

FIRST, SECOND, THIRD = range(FIRST_NUMBER, FIRST_NUMBER + 3)
STRANGER = FIRST_NUMBER + 99


def places(bench: Bench, *numbers: int) -> list[tuple[str, int, int]]:
    return [
        (found.campaign, found.n, found.place) for found in bench.account.finder.everywhere(numbers)
    ]


def test_somebody_is_found_in_every_campaign_the_newest_first(bench: Bench) -> None:
    bench.submit("c1", recipients=3, batch_size=2)
    bench.advance(1)
    bench.submit("c2", recipients=3, batch_size=3)

    assert places(bench, THIRD) == [("c2", 0, 2), ("c1", 1, 0)]
    assert places(bench, FIRST, SECOND) == [("c2", 0, 0), ("c2", 0, 1), ("c1", 0, 0), ("c1", 0, 1)]
    assert places(bench, STRANGER) == []


def test_a_campaign_of_many_batches_is_looked_through(bench: Bench) -> None:
    bench.submit("c1", recipients=130, batch_size=1)

    assert places(bench, FIRST_NUMBER + 129) == [("c1", 129, 0)]


def test_many_campaigns_are_looked_through(bench: Bench) -> None:
    for n in range(201):
        bench.submit(f"c{n}", recipients=1, batch_size=1)

    assert len(places(bench, FIRST)) == 201


def test_a_campaign_whose_contacts_are_not_read_yet_has_nobody(bench: Bench) -> None:
    assert list(bench.account.finder.within("none", [FIRST])) == []
