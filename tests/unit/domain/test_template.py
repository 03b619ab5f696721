import re
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from dispatcher.domain.template import (
    Slot,
    Template,
    escape,
    field_key,
    parse_template,
    survives_lists,
)
from dispatcher.errors import InputError
from dispatcher.sandbox.text import merged

# What the API, and we, could misread, in parts that may meet.
PARTS = ["[", "]", "info", "[info1]", "[info2]", "2]", "<", "-", ">", "short", "<-short->", "\\"]
PARTS += [
    "{",
    "}",
    "{{",
    "|",
    "%s",
    "{0}",
    "$1",
    "&amp;",
    "é",
    "\n",
    " ",
    "",
    "\N{WAVING HAND SIGN}",
]
odd_texts = st.lists(st.sampled_from(PARTS) | st.text(max_size=3), max_size=8).map("".join)
names = st.sampled_from(["prenom", "Date RDV", "info1", "info4", "x", "n°"])
slots = st.builds(Slot, names, st.none() | st.sampled_from(["", "client", "<-short->", "[info2]"]))


@st.composite
def templates(draw: st.DrawFn) -> Template:
    written = ""
    for part in draw(st.lists(odd_texts | slots, max_size=8)):
        if isinstance(part, Slot):
            default = "" if part.default is None else f"|{part.default}"
            written += f"{{{part.field}{default}}}"
        else:
            written += escape(part)
    return Template.parse(written)


@pytest.mark.parametrize(
    ("text", "pieces", "slots"),
    [
        ("", (), ()),
        ("Bonjour", ("Bonjour",), ()),
        ("Bonjour {prenom}.", ("Bonjour ", 0, "."), (("prenom", None),)),
        ("{prenom|client}", (0,), (("prenom", "client"),)),
        ("{prenom|}", (0,), (("prenom", ""),)),
        ("{ Prénom | cher client }", (0,), (("Prénom", " cher client "),)),
        ("{a|b|c}", (0,), (("a", "b|c"),)),
        ("{a}{b}", (0, 1), (("a", None), ("b", None))),
        ("{Prénom} {prenom} {PRENOM|}", (0, " ", 0, " ", 1), (("Prénom", None), ("PRENOM", ""))),
        ("[info2] {info2}", (0, " ", 0), (("info2", None),)),
        ("[info0] [info5] [INFO1] [info1", ("[info0] [info5] [INFO1] [info1",), ()),
        ("{{prenom}}", ("{prenom}",), ()),
        ("{{{prenom}}}", ("{", 0, "}"), (("prenom", None),)),
        ("{[}info1]", ("[info1]",), ()),
        ("%s %(x)s {{0}}", ("%s %(x)s {0}",), ()),
        ("{" + "x" * 64 + "}", (0,), (("x" * 64, None),)),
    ],
)
def test_fields_are_read(
    text: str, pieces: tuple[str | int, ...], slots: tuple[tuple[str, str | None], ...]
) -> None:
    template = Template.parse(text)

    assert template.pieces == pieces
    assert template.slots == slots


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("Bonjour {prenom", [9]),
        ("{", [1]),
        ("Bonjour prenom}", [15]),
        ("{}", [1]),
        ("a { } b", [3]),
        ("{|client}", [1]),
        ("{?!}", [1]),
        ("{a{b}", [1]),
        ("{{a}", [4]),
        ("{a}}", [4]),
        ("é{" + "x" * 65 + "}", [2]),
        ("} {} {", [1, 3, 6]),
    ],
)
def test_a_wrong_field_is_told_with_its_place_and_a_fix(text: str, places: list[int]) -> None:
    with pytest.raises(InputError) as refused:
        Template.parse(text)

    problems = refused.value.problems
    assert [problem.field for problem in problems] == ["text"] * len(places)
    assert [problem.message.split("at character ")[1] for problem in problems] == [
        *map(str, places)
    ]
    assert all(problem.fix for problem in problems)


def test_the_columns_asked_for_are_listed_once_as_written_first() -> None:
    template = Template.parse("{Prénom|toi} {date_rdv} {prenom} {Date RDV|bientôt} [info1]")

    assert template.fields == ("Prénom", "date_rdv", "info1")
    assert not template.is_plain
    assert Template.parse("Bonjour {{vous}}").is_plain


def test_a_text_is_rendered_with_one_value_for_each_slot() -> None:
    template = Template.parse("{a} {b|x} {{}} % {a}.")

    assert template.render(["{b}", "100 %"]) == "{b} 100 % {} % {b}."
    assert Template.parse("a {{b}}").render([]) == "a {b}"
    with pytest.raises(ValueError, match="1 values for 2 fields"):
        template.render(["x"])
    with pytest.raises(ValueError, match="3 values for 2 fields"):
        template.render(["x", "y", "z"])


def test_fields_become_those_of_lists() -> None:
    template = Template.parse("{a}, {b}, {a}, {c|}, {c|d}")

    assert template.wire() == "[info1], [info2], [info1], [info3], [info4]"
    assert template.wire([4, 1, 2, 2]) == "[info4], [info1], [info4], [info2], [info2]"


@pytest.mark.parametrize("places", [None, [1, 2, 3, 4, 5], [0, 1, 2, 3, 4], [1]])
def test_a_list_has_four_values_and_no_more(places: list[int] | None) -> None:
    template = Template.parse("{a}{b}{c}{d}{e}")

    with pytest.raises(ValueError, match="values"):
        template.wire(places)


@pytest.mark.parametrize(
    "text",
    [
        "Bonjour {a}",
        "{a}{b}{c}{d}",
        "[{{a}}] {a}",
        "[fin] {a} [debut]",
        "Voir <-short-> {a} <-short->",
        "2 < 3 {a}",
        "{a} [",
        "{a}<-",
        "{a}[i",
    ],
)
def test_a_text_the_api_reads_as_meant_fits_lists(text: str) -> None:
    assert Template.parse(text).fits_lists


@pytest.mark.parametrize(
    "text",
    [
        "{a}{b}{c}{d}{e}",
        "[{a}]",
        "[i{a}",
        "[info{a}",
        "[ INFO{a}",
        "[info5] {a}",
        "{[}info1] {a}",
        "{a} [Info1]",
        "<{a}",
        "<-{a}",
        "<--sho{a}",
        "<-short{a}",
        "<-short--{a}",
        "{a} <-{b}",
    ],
)
def test_a_text_the_api_could_misread_does_not_fit_lists(text: str) -> None:
    assert not Template.parse(text).fits_lists


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Zoé",
        "12 €",
        "{x}",
        "info2]",
        "short->",
        "a < b",
        "-",
        "A & B",
        "x" * 100,
        "L\u2019\u00e9t\u00e9\u2026",
        "漢",
    ],
)
def test_ordinary_values_survive_lists(value: str) -> None:
    assert survives_lists(value)


@pytest.mark.parametrize(
    "value",
    [
        "[info2]",
        "[",
        "<-short->",
        "<-",
        "a <",
        " a",
        "a ",
        "a\xa0",
        "a\nb",
        "a\n",
        "a\tb",
        "\x00",
        "a\u2028b",
        "x" * 101,
        "\N{WAVING HAND SIGN}",
        "\ud83d",
    ],
)
def test_values_at_risk_do_not_survive_lists(value: str) -> None:
    assert not survives_lists(value)


@pytest.mark.parametrize(
    ("text", "values", "kept"),
    [
        ("{a} <-short->", ["Zoé"], True),
        ("{a}", ["<-short"], True),
        ("{a} <-short->", ["<-"], True),
        ("{a} <-short->", ["<-short->"], False),
        ("{a}->", ["<-short"], False),
        ("<-{a}", ["short->"], False),
        ("<-{a}{b}->", ["sh", "ort"], False),
        ("<-sho{a}rt->", [""], False),
        ("{a}{b}", ["<-sho", "rt->"], False),
    ],
)
def test_a_value_that_makes_a_link_tag_is_noticed(
    text: str, values: list[str], *, kept: bool
) -> None:
    assert Template.parse(text).keeps_tags(values) is kept


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Prénom", "prenom"),
        (" PRENOM ", "prenom"),
        ("Pre\N{COMBINING ACUTE ACCENT}nom", "prenom"),
        ("Date_de-R.D.V", "datederdv"),
        ("Straße", "strasse"),
        ("N° client", "nclient"),
        ("№", "no"),
        ("Имя", "имя"),
        ("_-_", ""),
    ],
)
def test_columns_are_told_apart_by_letters_and_digits_only(name: str, key: str) -> None:
    assert field_key(name) == key


def test_texts_stay_out_of_reprs_and_are_parsed_once() -> None:
    template = parse_template("Votre code est {code|secret}")

    assert repr(template) == "Template(<2 pieces>, fields=('code',))"
    assert parse_template("Votre code est {code|secret}") is template


@given(odd_texts)
@example("{{}}")
@example("[info1]")
def test_an_escaped_text_stands_for_itself(text: str) -> None:
    template = Template.parse(escape(text))

    assert template.is_plain
    assert template.render([]) == text


@given(odd_texts, odd_texts)
def test_escaped_texts_stand_for_themselves_beside_each_other_and_fields(a: str, b: str) -> None:
    assert Template.parse(escape(a) + escape(b)).render([]) == a + b
    assert Template.parse(f"{escape(a)}{{x}}{escape(b)}").render(["v"]) == f"{a}v{b}"


@given(odd_texts)
def test_a_text_is_read_without_empty_or_divided_pieces_or_refused(text: str) -> None:
    with suppress(InputError):
        pieces = Template.parse(text).pieces

        assert "" not in pieces
        assert all(not (type(a) is type(b) is str) for a, b in pairwise(pieces))


@given(templates(), st.data())
def test_rendering_puts_each_value_in_its_place(template: Template, data: st.DataObject) -> None:
    values = [data.draw(odd_texts) for _ in template.slots]

    naive = ""
    for piece in template.pieces:
        naive += piece if isinstance(piece, str) else values[piece]

    assert template.render(values) == naive


def one_by_one(text: str, infos: list[str]) -> str:
    for number, info in enumerate(infos, start=1):
        text = text.replace(f"[info{number}]", info)
    return text


def backwards(text: str, infos: list[str]) -> str:
    for number in range(4, 0, -1):
        text = re.sub(rf"(?i)\[\s*info{number}\s*\]", lambda _, n=number: infos[n - 1], text)  # type: ignore[misc]  # mypy cannot infer a lambda's default
    return text


@given(templates(), st.data())
def test_however_the_api_merges_people_get_the_text_rendered(
    template: Template, data: st.DataObject
) -> None:
    assume(template.fits_lists)
    values = [data.draw(odd_texts.filter(survives_lists)) for _ in template.slots]

    wire = template.wire()
    infos = [*values, "never"][: len(values)] + ["never"] * (4 - len(values))

    assert merged(wire, infos) == template.render(values)
    assert one_by_one(wire, infos) == template.render(values)
    assert backwards(wire, infos) == template.render(values)
    assert template.keeps_tags(values)
