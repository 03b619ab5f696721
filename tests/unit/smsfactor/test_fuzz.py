import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dispatcher.domain.message import Message
from dispatcher.errors import ApiError, OutcomeUnknownError
from dispatcher.smsfactor import Credentials, Destination, SmsFactor
from dispatcher.smsfactor.refusals import settle, settle_send
from dispatcher.smsfactor.transport import ApiReply
from tests.unit.smsfactor import replies_of_the_document as document

API = SmsFactor(Credentials(token="a-token"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
STATUSES = st.integers(-100, 3) | st.sampled_from(["1", "-3", None])
REFUSED = {"-1", "-2", "-3", "-4", "-5", "-6", "-7"}
FIELDS = st.dictionaries(
    st.sampled_from(["status", "message", "details", "cost", "list", "lists"]) | st.text(), VALUES
)
SAMPLES = [value for name, value in vars(document).items() if name.isupper()]
HTTP_STATUSES = st.sampled_from([200, 201, 302, 400, 401, 429, 500])
FAULTS = st.sampled_from([None, TimeoutError()])


@st.composite
def mutated_samples(draw: st.DrawFn) -> bytes:
    return _mutated(draw, draw(st.sampled_from(SAMPLES)))


@st.composite
def broken_samples_with_a_ticket(draw: st.DrawFn) -> bytes:
    body, ticket = draw(
        st.sampled_from(
            [
                (document.SEND_JSON, b'"ticket": "202"'),
                (document.SEND_XML, b"<ticket>202</ticket>"),
            ]
        )
    )
    before, _, after = body.partition(ticket)
    return before[:1] + _mutated(draw, before[1:]) + ticket + _mutated(draw, after)


def _mutated(draw: st.DrawFn, sample: bytes) -> bytes:
    body = bytearray(sample)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(body)))
        body[place : place + draw(st.integers(0, 12))] = draw(st.binary(max_size=6))
    return bytes(body)


BODIES = (
    st.binary()
    | st.text().map(str.encode)
    | mutated_samples()
    | VALUES.map(json.dumps).map(str.encode)
)


@settings(max_examples=500)
@given(body=BODIES, http_status=HTTP_STATUSES, fault=FAULTS)
def test_any_reply_is_read_or_ends_in_an_error_of_ours(
    body: bytes, http_status: int, fault: Exception | None
) -> None:
    reply = ApiReply(http_status=http_status, body=body, fault=fault)

    for judge in (settle, settle_send):
        with suppress(ApiError):
            judge(reply)


def _json_reply(fields: dict[str, object], status: object) -> bytes:
    return json.dumps({"status": status, **fields, "ticket": "4711"}).encode()


def _xml_reply(fields: dict[str, object], status: object) -> bytes:
    del fields
    return f"<response><status>{status}</status><ticket>4711</ticket></response>".encode()


@settings(max_examples=300)
@given(
    fields=FIELDS,
    status=STATUSES,
    write=st.sampled_from([_json_reply, _xml_reply]),
    cut=st.integers(0, 3),
    http_status=HTTP_STATUSES,
    fault=FAULTS,
)
def test_a_reply_that_holds_a_ticket_is_never_read_as_not_sent(
    fields: dict[str, object],
    status: object,
    write: Callable[[dict[str, object], object], bytes],
    cut: int,
    http_status: int,
    fault: Exception | None,
) -> None:
    whole = write(fields, status)
    body = whole[: len(whole) - cut]
    # The reply's own ticket may be cut off where another, inside a field, is not.
    assume(not cut or body.count(b'"ticket"') == 1)

    try:
        _, ticket = settle_send(ApiReply(http_status=http_status, body=body, fault=fault))
    except OutcomeUnknownError:
        assert cut or str(status) in REFUSED
    else:
        assert ticket == "4711"


@settings(max_examples=300)
@given(body=broken_samples_with_a_ticket(), http_status=HTTP_STATUSES)
def test_a_broken_reply_that_holds_a_ticket_is_never_read_as_not_sent(
    body: bytes, http_status: int
) -> None:
    with suppress(OutcomeUnknownError):
        settle_send(ApiReply(http_status=http_status, body=body))


@given(text=st.text(), number=st.text(min_size=1))
def test_any_message_is_sent_or_refused_by_name(text: str, number: str) -> None:
    body = API._to_destinations(Message(text=text), [Destination(number)], None)

    assert body.message.text == text


PIECE = 2_000_000
LARGE: dict[str, bytes] = {
    "brackets": b"[" * PIECE,
    "braces": b'{"a":' * PIECE,
    "keys": b'"status":' * (PIECE // 9),
    "open strings": b'"a":"\\"' * (PIECE // 7),
    "blanks after a number": b'{"ticket":1' + b" " * PIECE,
    "blanks after a key": b'{"ticket"' + b" " * PIECE,
    "digits": b'{"ticket":' + b"1" * PIECE,
    "open elements": b"<a>" * (PIECE // 3),
    "open tickets": b"<ticket>1" * (PIECE // 9),
    "dashes": b"<tag><" + b"-" * PIECE,
    "blanks in an element": b"<ticket>" + b" " * PIECE,
    "attributes": b"<a " + b"b='' " * (PIECE // 5),
    "bomb": b"<!DOCTYPE a [<!ENTITY b '"
    + b"x" * 1000
    + b"'>"
    + b"".join(b"<!ENTITY b%d '%b'>" % (n, b"&b%d;" % (n - 1) * 10) for n in range(1, 9))
    + b"]><a>&b8;</a>",
    "own file": b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/hostname'>]><a><ticket>&b;</ticket></a>",
}


@pytest.mark.timeout(10)
@pytest.mark.parametrize("body", LARGE.values(), ids=LARGE.keys())
def test_a_large_or_hostile_reply_is_judged_quickly(body: bytes) -> None:
    with pytest.raises(OutcomeUnknownError):
        settle_send(ApiReply(http_status=200, body=body))


@pytest.mark.parametrize(
    "body",
    [
        b"<response><ticket>203</ticket><details>&#" + b"1" * 5000 + b";</details>",
        b'{"status":1,"ticket":"203"} <a>&#' + b"1" * 5000 + b";</a>",
    ],
)
def test_a_character_reference_without_end_hides_no_ticket(body: bytes) -> None:
    _, ticket = settle_send(ApiReply(http_status=200, body=body))

    assert ticket == "203"
