import pytest

from dispatcher.domain.campaign import Campaign
from dispatcher.domain.checks import is_storable_id, problems_of, problems_of_key
from dispatcher.domain.routes import Render


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
        {"sender": "A"},
        {"sender": "12345678901"},
        {"id": "A"},
        {"id": "2026-11:spring_sale.v2@shop+1"},
        {"id": "x" * 100},
        {"text": "Bonjour {prenom|client}, {{le}} {date} [info1]"},
        {"text": "{a} {b} {c} {d} {e}"},
        {"text": "{a} {b} {c} {d}", "render": Render.LISTS},
        {"text": "{a} {b} {c} {d} {e}", "render": Render.HERE},
        {"recipients": (), "lists": ("12", "list-A_b")},
        {"recipients": (), "lists": ["12"], "text": "{info1} [info4] {Info 2|x}"},
        {"recipients": (), "lists": ("x" * 64,), "render": Render.HERE},
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
        ({"text": "<-short->"}, "links"),
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
        ({"text": "Bonjour {prenom"}, "text"),
        ({"text": "Bonjour prenom}"}, "text"),
        ({"text": "Bonjour {}"}, "text"),
        ({"text": "{" + "x" * 65 + "}"}, "text"),
        ({"text": "{a} {b} {c} {d} {e}", "render": Render.LISTS}, "render"),
        ({"text": "{[}info1] {a}", "render": Render.LISTS}, "render"),
        ({"render": "here"}, "render"),
        ({"lists": "12"}, "lists"),
        ({"recipients": (), "lists": ("",)}, "lists"),
        ({"recipients": (), "lists": ("1/2",)}, "lists"),
        ({"recipients": (), "lists": ("x" * 65,)}, "lists"),
        ({"recipients": (), "lists": ("1\n",)}, "lists"),
        ({"recipients": (), "lists": (12,)}, "lists"),
        ({"recipients": (), "lists": ("12", "13", "12")}, "lists"),
        ({"recipients": ["33639980001"], "lists": ("12",)}, "lists"),
        ({"recipients": iter(()), "lists": ("12",)}, "lists"),
        ({"recipients": (), "lists": ("12",), "text": "{info5}"}, "text"),
        ({"recipients": (), "lists": ("12",), "text": "{prenom|x}"}, "text"),
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


def test_every_place_where_a_template_is_wrong_is_told() -> None:
    assert fields(text="{} and {b") == ["text", "text"]


def test_lists_that_are_wrong_are_told_by_their_place() -> None:
    found = problems_of(Campaign(text="Bonjour", lists=("1", "a b", "3", "é")))

    assert [problem.message for problem in found] == [
        "list 2 is no id of a list",
        "list 4 is no id of a list",
    ]


def test_a_field_that_lists_do_not_have_is_named_with_those_they_have() -> None:
    (problem,) = problems_of(Campaign(text="{info1} {prenom}", lists=("12",)))

    assert problem.message == "lists have no field {prenom}"
    assert "{info1} to {info4}" in problem.fix


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
