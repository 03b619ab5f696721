import contextlib

import jsonschema  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.documents import read_document, submit_schema
from dispatcher.domain.campaign import BadRows, Recipient
from dispatcher.domain.message import PushType
from dispatcher.domain.routes import Render
from dispatcher.errors import InputError

SMALL: dict[str, object] = {
    "idempotency_key": "spring sale",
    "text": "Bonjour",
    "recipients": ["33639980001"],
}


def problems(document: object) -> list[tuple[str, int | None]]:
    with pytest.raises(InputError) as caught:
        read_document(document)
    assert all(problem.fix for problem in caught.value.problems)
    return [(problem.field, problem.row) for problem in caught.value.problems]


def test_the_smallest_document_takes_every_default() -> None:
    campaign, key = read_document(SMALL)

    assert key == "spring sale"
    assert campaign.id is None
    assert campaign.recipients == [Recipient("33639980001", None, 1)]
    assert campaign.pushtype is PushType.ALERT
    assert campaign.bad_rows is BadRows.REJECT
    assert not campaign.needs_approval


def test_everything_a_document_may_say_is_kept() -> None:
    campaign, key = read_document(
        {
            "id": "spring",
            "text": "Bonjour <-short->",
            "recipients": ["0639980001", {"number": "+33 6 39 98 00 02", "id": "customer 2"}],
            "sender": "SHOP",
            "pushtype": "advertising",
            "links": ["https://shop.example"],
            "account": "shop",
            "bad_rows": "skip",
            "needs_approval": True,
        }
    )

    assert key is None
    assert (campaign.id, campaign.account, campaign.sender) == ("spring", "shop", "SHOP")
    assert campaign.recipients == [
        Recipient("0639980001", None, 1),
        Recipient("+33 6 39 98 00 02", "customer 2", 2),
    ]
    assert campaign.pushtype is PushType.ADVERTISING
    assert campaign.links == ("https://shop.example",)
    assert campaign.bad_rows is BadRows.SKIP
    assert campaign.needs_approval


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"text": ""}, [("text", None)]),
        ({"text": None}, [("text", None)]),
        ({"text": "a\ud800"}, [("text", None)]),
        ({"recipients": []}, [("recipients", None)]),
        ({"recipients": "33639980001"}, [("recipients", None)]),
        ({"recipients": ["33639980001", 33639980002]}, [("recipients", 2)]),
        ({"recipients": ["1" * 65]}, [("recipients", 1)]),
        ({"recipients": [{"id": "a"}]}, [("recipients.number", 1)]),
        ({"recipients": [{"number": "1", "name": "Zoé"}]}, [("recipients", 1)]),
        ({"recipients": [{"number": "1", "fields": {"a": 7}}]}, [("recipients.fields", 1)]),
        ({"lists": []}, [("lists", None)]),
        ({"render": "there"}, [("render", None)]),
        ({"sender": "123456789012"}, [("sender", None)]),
        ({"pushtype": "spam"}, [("pushtype", None)]),
        ({"bad_rows": "keep"}, [("bad_rows", None)]),
        ({"delay": "tomorrow"}, [("document", None)]),
        ({"text": "", "pushtype": "spam"}, [("text", None), ("pushtype", None)]),
        ({"idempotency_key": None}, [("idempotency_key", None)]),
        ({"idempotency_key": ""}, [("idempotency_key", None)]),
        ({"idempotency_key": "k" * 257}, [("idempotency_key", None)]),
    ],
)
def test_what_is_wrong_is_named_by_field_and_row(
    change: dict[str, object], found: list[tuple[str, int | None]]
) -> None:
    assert problems({**SMALL, **change}) == found


@pytest.mark.parametrize("document", [None, [], "text", 7, [SMALL]])
def test_what_is_no_document_is_refused(document: object) -> None:
    assert problems(document) == [("document", None)]


@pytest.mark.parametrize(
    "change",
    [
        {"recipients": [{"number": 33639980001}, {"no": "33639980002"}]},
        {"+33639980001": "Bonjour"},
        {"recipients": [{"number": "33639980002", "Bonjour 33639980001": "b"}]},
        {"recipients": [{"number": "33639980002", "fields": {"Bonjour 33639980001": 7}}]},
        {"recipients": [{"33639980001": "Bonjour"}]},
        {"recipients": {"33639980001": "Bonjour"}},
    ],
)
def test_no_problem_quotes_a_number_or_the_text(change: dict[str, object]) -> None:
    with pytest.raises(InputError) as caught:
        read_document({**SMALL, **change})

    assert "3363998000" not in str(caught.value)
    assert "Bonjour" not in str(caught.value)


def test_a_field_that_is_not_known_is_answered_with_those_that_are() -> None:
    with pytest.raises(InputError, match=r"row 1, recipients: .* not known .*number, id, fields"):
        read_document({**SMALL, "recipients": [{"number": "33639980002", "name": "Ada"}]})
    with pytest.raises(InputError, match=r"document: .* not known .*idempotency_key, .*send_at"):
        read_document({**SMALL, "delay": "tomorrow"})


def test_the_schema_describes_what_is_accepted() -> None:
    schema = submit_schema()

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(SMALL, schema)
    assert set(schema["required"]) == {"text"}
    assert all("description" in field for field in schema["properties"].values())


@pytest.mark.parametrize("example", submit_schema()["examples"])
def test_every_example_follows_the_schema_and_is_read(example: dict[str, object]) -> None:
    jsonschema.validate(example, submit_schema())

    campaign, _ = read_document(example)

    assert bool(campaign.lists) != bool(campaign.recipients)


def test_fields_of_recipients_are_kept() -> None:
    people = [{"number": "33639980001", "fields": {"Prénom": "Ada"}}, "33639980002"]

    campaign, _ = read_document({**SMALL, "recipients": people})

    assert campaign.recipients == [
        Recipient("33639980001", None, 1, {"Prénom": "Ada"}),
        Recipient("33639980002", None, 2),
    ]


def test_a_campaign_may_go_to_lists() -> None:
    document = {"id": "spring", "text": "Salut {info1}", "lists": ["7", "8"], "render": "here"}

    campaign, _ = read_document({**document, "replace_characters": True})

    assert (campaign.lists, campaign.recipients) == (("7", "8"), ())
    assert (campaign.render, campaign.replace_characters) == (Render.HERE, True)


@pytest.mark.parametrize("change", [{}, {"lists": ["7"], "recipients": ["33639980001"]}])
def test_recipients_or_lists_are_given_and_not_both(change: dict[str, object]) -> None:
    document: dict[str, object] = {"id": "spring", "text": "Bonjour", **change}

    assert problems(document) == [("recipients", None)]
    assert not jsonschema.Draft202012Validator(submit_schema()).is_valid(document)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(
    document=st.dictionaries(
        st.sampled_from([*SMALL, "sender", "links", "id", "bad_rows", "lists", "render"]),
        ANYTHING,
        max_size=5,
    )
)
def test_a_document_is_a_campaign_or_a_list_of_problems(document: dict[str, object]) -> None:
    with contextlib.suppress(InputError):
        read_document({**SMALL, **document})
