import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.replies import BrokenReplyError, PostedReply, ReplyReader
from dispatcher.domain.stop_words import Intent

READER = ReplyReader("FR", ["baja"])
NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
NUMBER = 33639980001
KEY = b"k" * 32


def body(**changes: object) -> bytes:
    fields = {
        "date": "2026-11-22T20:00:00+01:00",
        "message": "STOP",
        "from": str(NUMBER),
        **changes,
    }
    return json.dumps({name: value for name, value in fields.items() if value is not ...}).encode()


def read(content: bytes, *, is_stop: bool = False) -> PostedReply:
    return READER.read(content, is_stop=is_stop, received_at=NOW)


def test_a_reply_is_read_as_the_document_shows_it() -> None:
    assert read(body()) == PostedReply(
        number=NUMBER,
        sender=str(NUMBER),
        text="STOP",
        at=datetime(2026, 11, 22, 19, 0, tzinfo=UTC),
        intent=Intent.STOP,
    )


@pytest.mark.parametrize(
    "sender", ["0639980001", "06 39 98 00 01", "+33639980001", "0033639980001", 33639980001]
)
def test_the_sender_is_one_number_however_it_is_written(sender: str | int) -> None:
    assert read(body(**{"from": sender})).number == NUMBER


@pytest.mark.parametrize(
    ("sender", "number"),
    [("36105", 0), ("OVH", 0), ("", 0), ("999999999999", 999999999999), ("1" * 16, 0)],
)
def test_a_sender_that_no_plan_knows_is_kept_as_it_came(sender: str, number: int) -> None:
    found = read(body(**{"from": sender}))

    assert (found.number, found.sender) == (number, sender)


@pytest.mark.parametrize("text", [None, ..., "", 5, "Bonjour"])
def test_the_stop_webhook_is_a_stop_whatever_was_written(text: object) -> None:
    assert read(body(message=text), is_stop=True).intent is Intent.STOP


def test_words_that_were_added_count() -> None:
    assert read(body(message="Baja!")).intent is Intent.STOP


def test_the_stop_webhook_tells_our_id() -> None:
    assert read(body(account_id=7, last_message_id=123)).gsmsmsid == "123"


@pytest.mark.parametrize(
    "content",
    [
        body(date=1795910400),
        body(date={"date": "2026-11-22"}),
        body(date=False, last_message_id=False),
        body(last_message_id=[]),
        b"\xef\xbb\xbf" + body(),
        body(message="STOP \ud83d"),
        f'{{"from": "{NUMBER}", "message": "ARR\u00caT"}}'.encode("cp1252"),
        f'{{"from": "{NUMBER}", "message": "STOP\n"}}'.encode(),
    ],
)
def test_a_stop_is_not_missed_for_what_stands_beside_it(content: bytes) -> None:
    found = read(content)

    assert (found.number, found.intent, found.gsmsmsid) == (NUMBER, Intent.STOP, "")
    assert found.identity(KEY)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b"null",
        b"<xml/>",
        body(**{"from": ...}),
        body(**{"from": ["0639980001"]}),
        body(message={"text": "STOP"}),
        b"[" * 100_000,
    ],
)
def test_what_is_no_reply_is_told(content: bytes) -> None:
    with pytest.raises(BrokenReplyError):
        read(content)


@given(st.binary())
def test_any_bytes_are_a_reply_or_told_to_be_none(content: bytes) -> None:
    try:
        read(content)
    except BrokenReplyError:
        return


def test_a_reply_has_one_name_by_whichever_webhook_it_comes() -> None:
    by_reply = read(body()).identity(KEY)
    by_stop = read(body(account_id=7, last_message_id="1"), is_stop=True).identity(KEY)

    assert by_reply == by_stop == read(body(**{"from": "0639980001"})).identity(KEY)
    assert by_reply != read(body(message="STOP!")).identity(KEY)
    assert by_reply != read(body(date="2026-11-22T20:00:01+01:00")).identity(KEY)
    assert by_reply != read(body()).identity(b"x" * 32)


def test_number_and_text_are_in_no_repr() -> None:
    shown = repr(read(body(message="un secret")))

    assert "secret" not in shown
    assert "39980001" not in shown
