"""Every example of the API document is accepted, and answered in the shape it shows."""

import json
from typing import Any

import pytest
from lxml import etree

from tests.support.document_examples import (
    AUTHENTICATED_JSON,
    AUTHENTICATED_XML,
    CREATE_LIST,
    EXAMPLES,
    Example,
)
from tests.support.sandbox import HEADERS, JSON, XML, Sandbox


@pytest.fixture
def names(sandbox: Sandbox) -> dict[str, str]:
    """Make the lists, the contact and the scheduled campaign the examples speak of."""
    lists = [sandbox.call("POST", "/list", CREATE_LIST.json).json["id"] for _ in range(2)]
    contact = sandbox.call("GET", f"/list/{lists[0]}").json["list"][0]["id"]
    ticket = sandbox.send("33639980304", delay="2099-06-15T15:00:00+00:00").json["ticket"]
    return {"list": lists[0], "other": lists[1], "contact": contact, "ticket": ticket}


def filled(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def json_shape(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Give the keys in order with their types; of a list, the shape of its first record."""
    if isinstance(value, dict):
        return [(key, json_shape(inner)) for key, inner in value.items()]
    return [json_shape(value[0])] if isinstance(value, list) else type(value).__name__


def xml_shape(element: Any) -> Any:  # noqa: ANN401 - lxml has no types
    """Give the tags in order, repeated ones once."""
    children = {child.tag: xml_shape(child) for child in element}
    return [element.tag, list(children.values())]


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_a_json_example_is_answered_as_the_document_shows(
    sandbox: Sandbox, names: dict[str, str], example: Example
) -> None:
    body = filled(example.json, names) or None

    answer = sandbox.call(example.method, filled(example.path, names), body)

    assert json_shape(answer.json) == json_shape(json.loads(example.json_reply))
    assert answer.json["status"] == 1


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_an_xml_example_is_answered_as_the_document_shows(
    sandbox: Sandbox, names: dict[str, str], example: Example
) -> None:
    body = filled(example.xml, names) or None

    answer = sandbox.call(
        example.method, filled(example.path, names), body, headers={**HEADERS, **XML}
    )

    reply = etree.fromstring(answer.body)
    assert xml_shape(reply) == xml_shape(etree.fromstring(example.xml_reply))
    assert reply.findtext("status") == "1"


@pytest.mark.parametrize(("body", "accept"), [(AUTHENTICATED_JSON, JSON), (AUTHENTICATED_XML, XML)])
def test_the_examples_with_credentials_in_the_body_are_accepted(
    sandbox: Sandbox, body: str, accept: dict[str, str]
) -> None:
    sandbox.call("POST", "/send", body, headers=accept)

    (campaign,) = sandbox.ledger()
    assert campaign["messages"][0]["gsmsmsid"] == "100"


def test_the_examples_links_are_shortened_in_order(sandbox: Sandbox) -> None:
    sandbox.call("POST", "/send", EXAMPLES["send links"].xml)

    assert sandbox.ledger()[0]["sent_text"] == (
        "Bonjour,sbx.example/00001 voici le lien 1 : sbx.example/00002"
        " et voici le lien 2 :<-short->"
    )
