import json
from typing import Any
from urllib.parse import quote_plus
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.sandbox.bodies import NO_BODY, GsmBlock, ListReference, MessagePart, read_body
from dispatcher.sandbox.statuses import RefusedError, Status

XML_TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=30
)
REFUSALS = (Status.BAD_XML, Status.BAD_JSON, Status.BAD_DATA)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["sms", "message", "text", "recipients", "gsm", "value", "lists", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
ANY_XML = st.recursive(
    XML_TEXT.map(escape),
    lambda inner: st.tuples(
        st.sampled_from(["sms", "message", "text", "recipients", "gsm", "value", "lists"]),
        st.lists(inner, max_size=3),
    ).map(lambda pair: f"<{pair[0]} a='b'>{''.join(pair[1])}</{pair[0]}>"),
    max_leaves=12,
)


@given(st.text(max_size=40), st.lists(st.text(max_size=12), max_size=4))
def test_json_says_what_it_says(text: str, values: list[str]) -> None:
    gsm = [{"value": value, "gsmsmsid": str(place)} for place, value in enumerate(values)]
    document = {"sms": {"message": {"text": text}, "recipients": {"gsm": gsm}}}

    sms = read_body(json.dumps(document, ensure_ascii=False).encode(), "").sms

    assert sms is not None
    assert isinstance(sms.message, MessagePart)
    assert sms.message.text == text
    assert isinstance(sms.recipients, GsmBlock)
    assert [one.value for one in sms.recipients.all] == values


@given(XML_TEXT, XML_TEXT)
def test_xml_says_the_same_as_json(text: str, id_: str) -> None:
    document = (
        f"<sms><message><text>{escape(text)}</text></message><recipients>"
        f"<gsm gsmsmsid={quoteattr(id_)}>336</gsm>"
        f"<gsm><value>336</value><gsmsmsid>{escape(id_)}</gsmsmsid></gsm>"
        "</recipients></sms>"
    )

    sms = read_body(document.encode(), "").sms

    assert sms is not None
    assert isinstance(sms.message, MessagePart)
    assert sms.message.text == text
    assert isinstance(sms.recipients, GsmBlock)
    first, second = sms.recipients.all
    assert (first.value, first.gsmsmsid) == ("336", id_)
    assert first == second


def refusal(raw: bytes, content_type: str) -> Status | None:
    try:
        read_body(raw, content_type)
    except RefusedError as error:
        return error.status
    return None


@given(st.binary(max_size=200), st.sampled_from(["", "application/json", "text/xml"]))
def test_no_bytes_are_worse_than_refused(raw: bytes, content_type: str) -> None:
    assert refusal(raw, content_type) in {None, Status.BAD_XML, Status.BAD_JSON, Status.BAD_DATA}


@given(ANY_JSON)
def test_no_json_is_worse_than_refused(document: Any) -> None:  # noqa: ANN401
    assert refusal(json.dumps(document).encode(), "application/json") in {
        None,
        Status.BAD_JSON,
        Status.BAD_DATA,
    }


@given(ANY_XML)
def test_no_xml_is_worse_than_refused(document: str) -> None:
    # What begins like JSON is read as JSON, whatever the header says.
    assert refusal(document.encode(), "application/xml") in {None, *REFUSALS}


@given(st.binary(max_size=200), st.text(max_size=30))
def test_no_multipart_form_is_worse_than_refused(raw: bytes, boundary: str) -> None:
    content_type = f"multipart/form-data; boundary={boundary}"

    assert refusal(b"--" + raw, content_type) in {None, *REFUSALS}


@given(st.text(max_size=30))
def test_a_form_variable_is_unquoted(text: str) -> None:
    document = json.dumps({"sms": {"message": {"text": text}}}, ensure_ascii=False)

    sms = read_body(f"a=b&data={quote_plus(document)}".encode(), "").sms

    assert sms is not None
    assert isinstance(sms.message, MessagePart)
    assert sms.message.text == text


@pytest.mark.parametrize("raw", [b"", b" \n", b"[]", b" [] ", b"\xef\xbb\xbf", b"<other/>"])
def test_an_empty_body_says_nothing(raw: bytes) -> None:
    assert read_body(raw, "") == NO_BODY


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", Status.BAD_JSON),
        ("text/xml", Status.BAD_XML),
        ("", Status.BAD_DATA),
    ],
)
def test_what_is_neither_json_nor_xml_is_what_it_was_called(
    content_type: str, status: Status
) -> None:
    with pytest.raises(RefusedError) as refused:
        read_body(b"hello", content_type)

    assert refused.value.status is status


def test_xml_keeps_its_own_encoding() -> None:
    document = '<?xml version="1.0" encoding="ISO-8859-1"?><list><name>Été</name></list>'

    body = read_body(document.encode("latin-1"), "")

    assert body.list is not None
    assert body.list.name == "Été"


def test_one_thing_is_a_list_of_one() -> None:
    body = read_body(
        b'{"sms":{"recipients":{"gsm":{"value":"1"}},"lists":{"value":[2,"3 "]},'
        b'"message":{"links":" x "}}}',
        "",
    )

    assert body.sms is not None
    assert isinstance(body.sms.recipients, GsmBlock)
    assert [one.value for one in body.sms.recipients.all] == ["1"]
    assert isinstance(body.sms.lists, ListReference)
    assert body.sms.lists.ids == ["2", "3"]
    assert isinstance(body.sms.message, MessagePart)
    assert body.sms.message.urls == ["x"]
