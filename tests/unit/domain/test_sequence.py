from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.sequence import gsmsmsid, gsmsmsids, read_gsmsmsid

KEY = bytes(range(32))
NUMBERS = st.integers(min_value=1_000_000, max_value=10**15 - 1)


@given(first=st.integers(min_value=0, max_value=2**40), numbers=st.lists(NUMBERS, max_size=40))
def test_each_id_of_a_batch_is_the_one_its_recipient_would_have_alone(
    first: int, numbers: list[int]
) -> None:
    ids = gsmsmsids(KEY, first, numbers)

    alone = [gsmsmsid(KEY, first + place, number) for place, number in enumerate(numbers)]
    assert ids == alone


@given(sequence=st.integers(min_value=0, max_value=2**43 - 1), number=NUMBERS)
def test_an_id_gives_its_sequence_number_back(sequence: int, number: int) -> None:
    value = gsmsmsid(KEY, sequence, number)

    assert read_gsmsmsid(KEY, value, number) == sequence
    assert len(value) <= 19


def test_an_id_means_nothing_for_another_number_sequence_or_account() -> None:
    numbers = list(range(33_639_980_000, 33_639_981_000))
    ids = gsmsmsids(KEY, 5003, numbers)
    shifted = [str(int(value) + (1 << 20)) for value in ids]

    misread = [
        *(
            read_gsmsmsid(KEY, value, number + 1)
            for value, number in zip(ids, numbers, strict=True)
        ),
        *(
            read_gsmsmsid(KEY, value, number)
            for value, number in zip(shifted, numbers, strict=True)
        ),
        *(
            read_gsmsmsid(bytes(32), value, number)
            for value, number in zip(ids, numbers, strict=True)
        ),
    ]

    # A tag has 20 bits, so one guess in a million would do.
    assert misread == [None] * 3000


def test_what_is_no_id_is_not_read() -> None:
    assert read_gsmsmsid(KEY, "", 33_639_980_001) is None
    assert read_gsmsmsid(KEY, "m1", 33_639_980_001) is None
    assert read_gsmsmsid(KEY, "\u0661", 33_639_980_001) is None
    assert read_gsmsmsid(KEY, "1" * 20, 33_639_980_001) is None
