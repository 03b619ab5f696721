import pytest

from dispatcher.domain.campaign import Campaign
from dispatcher.domain.checks import is_storable_id, problems_of, problems_of_key


def fields(**campaign: object) -> list[str]:
    told = Campaign(**{"recipients": [], "text": "Bonjour", **campaign})  # type: ignore[arg-type]  # whatever the case says
    return [problem.field for problem in problems_of(told)]


@pytest.mark.parametrize(
    "campaign",
    [
        {},
        {"text": "é" * 5000},
        {"text": "a\tb\r\nc \N{WAVING HAND SIGN}"},
        {"text": "<-short-> <------short----->", "links": ("https://a.example", "https://b.example")},
        {"text": "<-short->"},
        {"sender": "A"},
        {"sender": "12345678901"},
        {"id": "A"},
        {"id": "2026-11:spring_sale.v2@shop+1"},
        {"id": "x" * 100},
    ],
)  # fmt: skip
def test_what_can_be_sent_has_no_problem(campaign: dict[str, object]) -> None:
    assert fields(**campaign) == []


@pytest.mark.parametrize(
    ("campaign", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": " \n\t"}, "text"),
        ({"text": "a\x00b"}, "text"),
        ({"text": "a\x1bb"}, "text"),
        ({"text": "a\ud83d"}, "text"),
        ({"text": "a\ufffe"}, "text"),
        ({"links": ("https://a.example",)}, "links"),
        ({"text": "<-short->", "links": ("https://a.example", "https://b.example")}, "links"),
        ({"text": "<-short->", "links": ("https://a.example/\ud83d",)}, "links"),
        ({"text": "<-short->", "links": ("",)}, "links"),
        ({"sender": ""}, "sender"),
        ({"sender": "123456789012"}, "sender"),
        ({"sender": "Été"}, "sender"),
        ({"sender": "A B"}, "sender"),
        ({"sender": "A\n"}, "sender"),
        ({"id": ""}, "id"),
        ({"id": "x" * 101}, "id"),
        ({"id": ".hidden"}, "id"),
        ({"id": "a/b"}, "id"),
        ({"id": "a{b}"}, "id"),
        ({"id": "a\n"}, "id"),
        ({"id": "é"}, "id"),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_named_with_a_fix(campaign: dict[str, object], field: str) -> None:
    told = Campaign(**{"recipients": [], "text": "Bonjour", **campaign})  # type: ignore[arg-type]  # as above

    [problem] = problems_of(told)

    assert problem.field == field
    assert problem.fix
    assert problem.row is None


def test_all_problems_are_told_at_once() -> None:
    assert fields(text="", sender="too long to show", id="a b") == ["text", "sender", "id"]


def test_a_bad_character_is_named_by_place_and_code() -> None:
    [problem] = problems_of(Campaign(recipients=[], text="Bonjour\x07"))

    assert problem.message == "character 8 (U+0007) cannot be sent"


def test_an_id_may_become_part_of_a_key() -> None:
    assert is_storable_id("spring-sale")
    assert not is_storable_id("spring sale")


@pytest.mark.parametrize("key", ["", "\ud800", "a\0b", 17])
def test_a_key_that_cannot_be_kept_is_named(key: object) -> None:
    (problem,) = problems_of_key(key)

    assert problem.field == "idempotency_key"


@pytest.mark.parametrize("key", [None, "orders-2026-11-22", "été 😀"])
def test_any_other_key_will_do(key: object) -> None:
    assert problems_of_key(key) == []
