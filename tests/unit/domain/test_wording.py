from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.packing import Batch
from dispatcher.domain.wording import Wording, wire_text
from dispatcher.errors import InputError, Problem


def bound(
    text: str,
    columns: Sequence[str] = ("prenom", "date"),
    *,
    replaces: bool = False,
    has_links: bool = False,
) -> Wording:
    wording = Wording(text, replaces=replaces, has_links=has_links)
    wording.bind(columns)
    return wording


def value_of(
    value: object, *, text: str = "{prenom}", replaces: bool = False
) -> tuple[str, ...] | Problem:
    """Give what a recipient with this one value gets, by the way of one row."""
    wording = bound(text, replaces=replaces)
    return wording.values_of({"prenom": value})  # type: ignore[dict-item]  # what Python lets through


def problem_of(wording: Wording, columns: Sequence[str]) -> Problem:
    with pytest.raises(InputError) as caught:
        wording.bind(columns)

    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    "column", ["prenom", "Prénom", "PRENOM", "pré-nom", " prenom ", "Pre_nom.", "pre\u0301nom"]
)
def test_case_accents_and_punctuation_of_a_column_do_not_matter(column: str) -> None:
    wording = bound("Bonjour {prenom}", ["nom", column])

    assert wording.values_of({"nom": "Durand", column: "Ana"}) == ("Ana",)
    assert wording.values_of_all([{"nom": "Durand", column: "Ana"}]) == [("Ana",)]


def test_a_column_named_exactly_so_comes_before_one_that_is_alike() -> None:
    wording = bound("{Prénom}", ["prenom", "Prénom"])

    assert wording.values_of({"prenom": "Ana", "Prénom": "Bob"}) == ("Bob",)


def test_a_field_that_may_mean_several_columns_is_not_guessed() -> None:
    problem = problem_of(Wording("{prenom}"), ["Prénom", "nom", "PRENOM"])

    assert problem.field == "text"
    assert problem.message == "{prenom} may mean any of 'Prénom', 'PRENOM'"


def test_a_default_does_not_settle_which_of_several_columns_is_meant() -> None:
    assert "may mean any of" in problem_of(Wording("{a|x}"), ["A", "Á"]).message


@pytest.mark.parametrize(
    ("field", "nearest"), [("prenm", "Prénom"), ("ville", "Ville de naissance"), ("dat", "date")]
)
def test_an_unknown_field_names_the_nearest_column_and_all_there_are(
    field: str, nearest: str
) -> None:
    columns = ["Prénom", "date", "Ville de naissance"]

    problem = problem_of(Wording(f"{{{field}}}"), columns)

    assert problem.message == f"it has the field {{{field}}}, and no column is named so"
    assert problem.fix == f"the nearest is {nearest!r}; all are: {', '.join(columns)}"


def test_recipients_without_any_field_are_told_so() -> None:
    problem = problem_of(Wording("Bonjour {prenom}"), [])

    assert problem.message == "it has the field {prenom}, and the recipients have none"
    assert "{{ for a brace" in problem.fix


def test_all_unknown_fields_are_told_at_once_each_once() -> None:
    with pytest.raises(InputError) as caught:
        Wording("{a} {b} {prenom} {b}").bind(["prenom"])

    assert [problem.message for problem in caught.value.problems] == [
        "it has the field {a}, and no column is named so",
        "it has the field {b}, and no column is named so",
    ]


def test_a_template_without_fields_needs_no_columns() -> None:
    plain, open_one = Wording("Bonjour {{a}}"), Wording("Bonjour {a}")

    assert plain.is_bound
    assert not open_one.is_bound
    open_one.bind(["a"])
    assert open_one.is_bound


def test_a_default_stands_in_for_a_column_a_row_or_a_value_that_is_missing() -> None:
    wording = bound("{prenom|client} {ville|}", ["prenom"])

    assert wording.values_of({"prenom": "Ana"}) == ("Ana", "")
    assert wording.values_of({"prenom": " "}) == ("client", "")
    assert wording.values_of({}) == ("client", "")
    assert wording.values_of(None) == ("client", "")


def test_a_column_that_only_later_rows_have_is_found_there() -> None:
    wording = bound("{ville|ici}", ["prenom"])

    assert wording.values_of({"prenom": "Ana", "Ville": "Lyon"}) == ("Lyon",)
    assert wording.values_of_all([{"prenom": "Ana", "Ville": "Lyon"}]) is None


def test_one_column_may_have_several_defaults() -> None:
    wording = bound("{prenom|toi} {prenom|vous} {Prénom|toi}")

    assert wording.values_of({"prenom": ""}) == ("toi", "vous")
    assert wording.values_of({"prenom": "Ana"}) == ("Ana", "Ana")


@pytest.mark.parametrize(
    ("value", "given_back"),
    [
        (" Ana\t", "Ana"),
        ("\u00a0Ana\u3000", "Ana"),
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("{prenom}", "{prenom}"),
        ("[info2]", "[info2]"),
        ("#1", "#1"),
        ("<-short->", "<-short->"),
        ("😀 é", "😀 é"),
        ("0", "0"),
    ],
)
def test_a_value_is_stripped_and_else_what_the_recipient_reads(value: str, given_back: str) -> None:
    assert value_of(value) == (given_back,)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "it is missing"),
        ("", "it is missing"),
        (" \r\n", "it is missing"),
        (7, "it is a int"),
        (["Ana"], "it is a list"),
        ("a\x07b", "character 2 (U+0007) cannot be sent"),
        ("\ud83d", "character 1 (U+D83D) cannot be sent"),
        ("#N/A", "a formula of the spreadsheet went wrong there"),
        (" #REF! ", "a formula of the spreadsheet went wrong there"),
        ("####", "a formula of the spreadsheet went wrong there"),
    ],
)
def test_a_value_that_nobody_should_read_is_a_problem_of_its_field(
    value: object, message: str
) -> None:
    problem = value_of(value)

    assert isinstance(problem, Problem)
    assert (problem.field, problem.message, problem.row) == ("prenom", message, None)
    assert problem.fix


@pytest.mark.parametrize(
    ("value", "given_back"),
    [
        ("\u201cl\u2019été\u201d\u2026", '"l\'été"...'),
        ("a`b", "a'b"),
        ("a\tb", "a b"),
        ("10°", "10°"),
        ("\u200bAna", "Ana"),
    ],
)
def test_look_alikes_take_the_place_of_dear_characters_where_asked_for(
    value: str, given_back: str
) -> None:
    assert value_of(value, replaces=True) == (given_back,)
    assert value_of(value) == (value,)


def test_a_value_of_which_look_alikes_leave_nothing_is_missing() -> None:
    problem = value_of("\u200b", replaces=True)

    assert isinstance(problem, Problem)
    assert problem.message == "it is missing"
    assert value_of("\u200b ", text="{prenom|client}", replaces=True) == ("client",)


@pytest.mark.parametrize("values", [("<-short->", "x"), ("<", "-short->"), ("x", "<---short-->")])
def test_a_value_must_not_take_the_link_of_a_tag(values: tuple[str, str]) -> None:
    fields = dict(zip(("prenom", "date"), values, strict=True))
    text = "<-short-> {prenom}{date}"

    problem = bound(text, has_links=True).values_of(fields)

    assert isinstance(problem, Problem)
    assert problem.field == "prenom"
    assert "<-short->" in problem.message
    assert bound(text, has_links=True).values_of_all([fields]) is None
    assert bound(text).values_of(fields) == values


@pytest.mark.parametrize("text", ["{", "}", "{}", "{a"])
def test_a_template_that_is_not_well_formed_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        Wording(text)


PIECES = st.sampled_from(
    ("a", "é", " ", "\r\n", "\r", "\t", "`", "\u2019", "\u200b", "#N/A", "#", "\x07", "\ud83d",
     "😀", "<", "-short->", "<-short->", "{prenom}", "[info1]", "\u00a0")
)  # fmt: skip
TEXT = st.lists(PIECES, max_size=3).map("".join)
FIELDS = st.none() | st.dictionaries(
    st.sampled_from(("prenom", "date", "Date")), TEXT | st.none() | st.just(7)
)
ALL_TEXTS = st.fixed_dictionaries({"prenom": TEXT | st.text(max_size=5), "date": TEXT})


@given(
    rows=st.lists(FIELDS, min_size=1, max_size=4) | st.lists(ALL_TEXTS, min_size=1, max_size=4),
    text=st.sampled_from(
        ("{prenom} {date}", "{prenom|client}{date|}", "<-short-> {date}{prenom|}")
    ),
    replaces=st.booleans(),
    has_links=st.booleans(),
)
def test_many_rows_at_once_get_what_each_gets_alone(
    rows: list[Mapping[str, str] | None], text: str, *, replaces: bool, has_links: bool
) -> None:
    wording = bound(text, replaces=replaces, has_links=has_links)

    at_once = wording.values_of_all(rows)

    if at_once is not None:
        assert at_once == [wording.values_of(row) for row in rows]


def test_rows_without_anything_odd_are_read_at_once() -> None:
    rows = [{"prenom": "Ana", "date": "le 3/4"}, {"prenom": " Zoé ", "date": "12\u00a0h"}]

    assert bound("{prenom} {date}").values_of_all(rows) == [("Ana", "le 3/4"), ("Zoé", "12\u00a0h")]


@pytest.mark.parametrize(
    ("batch", "text"),
    [
        (Batch(numbers=[1], shared=("Ana", "{x}")), "{Bonjour} Ana, le {x} Ana"),
        (Batch(numbers=[1], infos=[["Ana"], ["3/4"]]), "{Bonjour} [info1], le [info2] [info1]"),
    ],
    ids=["direct", "by a list"],
)
def test_a_batch_gets_its_own_text_or_the_tags_of_its_list(batch: Batch, text: str) -> None:
    template = "{{Bonjour}} {prenom}, le {date} {prenom}"

    assert wire_text(template, batch, is_given=False) == text


def test_a_plain_text_loses_nothing_but_its_escapes() -> None:
    assert wire_text("{{a}} b", Batch(numbers=[1]), is_given=False) == "{a} b"


def test_lists_of_the_producers_own_keep_the_places_of_their_infos() -> None:
    batch = Batch(numbers=[1])

    assert wire_text("{info3} [info1] {Info 3}", batch, is_given=True) == "[info3] [info1] [info3]"
