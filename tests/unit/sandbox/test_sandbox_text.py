import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.sandbox.text import LINK_TAG, is_personalised, merged, segments, with_short_links


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("éèàùÇ" * 32, 1),
        ("€" * 80, 1),
        ("€" * 80 + "a", 2),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("ç" * 70, 1),
        ("ç" * 71, 2),
        ("ç" * 134, 2),
        ("ç" * 135, 3),
        ("\u2019" + "a" * 70, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("a" * 66 + "😀" + "a" * 66, 3),
    ],
)
def test_a_text_is_cut_by_its_alphabet(text: str, count: int) -> None:
    assert segments(text) == count


@given(st.text(max_size=700))
def test_segments_are_never_more_than_units_need(text: str) -> None:
    units = len(text.encode("utf-16-le")) // 2

    assert 1 <= segments(text) <= max(1, -(-units // 66))


@pytest.mark.parametrize("tag", ["<-short->", "<--short-->", "<------short----->", LINK_TAG])
def test_every_spelling_of_a_tag_becomes_a_link_as_long_as_the_documents(tag: str) -> None:
    text = with_short_links(f"a {tag} b", ["https://example.com/"])

    assert text == "a sbx.example/00001 b"
    assert len(text) == len(f"a {LINK_TAG} b")


def test_tags_beyond_the_links_stay_and_links_beyond_the_tags_are_dropped() -> None:
    assert with_short_links("<-short-><-short->", ["x"]) == "sbx.example/00001<-short->"
    assert with_short_links("<-short->", ["x", "y"]) == "sbx.example/00001"
    assert with_short_links("<-short->", []) == "<-short->"


def test_fields_are_merged_where_they_stand() -> None:
    infos = ("Jean", "", "[info1]", r"\1")

    assert merged("[info1]/[info2]/[info3]/[info4]/[info5]", infos) == r"Jean//[info1]/\1/[info5]"
    assert is_personalised("Bonjour [info4]")
    assert not is_personalised("Bonjour [info5] [nom]")
