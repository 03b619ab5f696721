from dispatcher.store.families import FAMILIES, STREAMS, Ends, People, ending, holding
from dispatcher.store.keys import Key


def test_of_every_family_of_keys_it_is_said_how_it_ends_and_who_is_in_it() -> None:
    assert list(FAMILIES) == list(Key)


def test_what_ends_with_a_campaign_is_named_by_its_id() -> None:
    per_campaign = {*ending(Ends.WITH_PEOPLE), *ending(Ends.WITH_BATCHES)}

    assert all(key.value.endswith(":") for key in per_campaign)
    assert Key.RECIPIENTS in per_campaign


def test_nobody_is_kept_for_ever() -> None:
    for people in set(People) - {People.NOBODY}:
        for key in holding(people):
            assert FAMILIES[key].ends is not Ends.NEVER, key


def test_streams_that_end_by_age_are_told_from_what_is_sorted_by_time() -> None:
    for key in STREAMS:
        assert FAMILIES[key].ends in (Ends.AS_STRANGERS, Ends.AS_PEOPLE)
