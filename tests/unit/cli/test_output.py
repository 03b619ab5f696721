import io

import pytest
from rich.console import Console

from dispatcher.cli.output import count, is_live, listing, pairs


@pytest.mark.parametrize(
    ("number", "noun", "words"),
    [
        (1, "credit", "1 credit"),
        (2000, "credit", "2,000 credits"),
        (0, "batch", "0 batches"),
    ],
)
def test_a_count_agrees_with_its_noun(number: int, noun: str, words: str) -> None:
    assert count(number, noun) == words


def test_pairs_are_aligned_and_no_value_is_taken_for_markup() -> None:
    assert pairs("Title", [("a", "[red]1"), ("long", "2")]).plain == (
        "Title\na     [red]1\nlong  2"
    )


def test_a_listing_shows_cells_as_they_are() -> None:
    stream = io.StringIO()

    Console(file=stream, width=60).print(listing("Title", ("row",), [("[bold]1",)]))

    assert "[bold]1" in stream.getvalue()


@pytest.mark.parametrize(("term", "live"), [("xterm", True), ("dumb", False)])
def test_a_dumb_terminal_is_not_written_over(term: str, *, live: bool) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, _environ={"TERM": term})

    assert is_live(console) is live
