import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.fates import Receipt
from dispatcher.domain.receipts import (
    BrokenReceiptError,
    ForeignReceiptError,
    UnaddressedReceipt,
    read_receipt,
)
from dispatcher.domain.sequence import gsmsmsid

KEY = b"k" * 32
NUMBER = 33639980001
OURS = gsmsmsid(KEY, 41, NUMBER)
NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)


def body(**changes: object) -> bytes:
    fields = {
        "date": "2026-11-22T20:00:00+01:00",
        "status": 3,
        "destination": str(NUMBER),
        "message_id": OURS,
        "campaign_id": "1001",
    }
    kept = {name: value for name, value in {**fields, **changes}.items() if value is not ...}
    return json.dumps(kept).encode()


def read(content: bytes) -> Receipt | UnaddressedReceipt:
    return read_receipt(content, KEY, received_at=NOW)


def test_a_receipt_is_read_as_the_document_shows_it() -> None:
    assert read(body()) == Receipt(
        sequence=41, code=3, ticket="1001", at=datetime(2026, 11, 22, 19, 0, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"destination": f"+{NUMBER}"},
        {"destination": NUMBER},
        {"message_id": int(OURS)},
        {"campaign_id": 1001},
        {"status": "3"},
        {"something": {"new": [1]}},
    ],
)
def test_other_ways_to_write_the_same_are_understood(changes: dict[str, object]) -> None:
    assert read(body(**changes)) == read(body())


@pytest.mark.parametrize(
    ("date", "at"),
    [
        ("2026-07-01T12:00:00", datetime(2026, 7, 1, 10, tzinfo=UTC)),
        ("2026-12-01 12:00:00", datetime(2026, 12, 1, 11, tzinfo=UTC)),
        ("2026-12-01T12:00:00Z", datetime(2026, 12, 1, 12, tzinfo=UTC)),
        ("2026-12-01T12:00:00-05:00", datetime(2026, 12, 1, 17, tzinfo=UTC)),
        ("2100-01-01T00:00:00Z", datetime(2100, 1, 1, tzinfo=UTC)),
        ("", NOW),
        ("yesterday", NOW),
        (None, NOW),
        (..., NOW),
        ("0001-01-01T00:00:00+23:59", NOW),
        ("9999-12-31T23:59:59-23:59", NOW),
        ("1970-01-01T00:00:00Z", NOW),
        ("2100-01-01T00:00:01Z", NOW),
    ],
)
def test_dates_are_moments_and_impossible_ones_are_when_it_came(date: object, at: datetime) -> None:
    assert read(body(date=date)).at == at


@pytest.mark.parametrize(
    "changes",
    [
        {"message_id": None},
        {"message_id": ...},
        {"message_id": ""},
        {"message_id": "order-7"},
        {"message_id": str(int(OURS) + 1)},
        {"message_id": "9" * 5000},
        {"message_id": "0"},
    ],
)
def test_a_receipt_without_an_id_of_ours_tells_its_ticket_and_number(
    changes: dict[str, object],
) -> None:
    assert read(body(**changes)) == UnaddressedReceipt(
        ticket="1001",
        number=33639980001,
        code=3,
        at=datetime(2026, 11, 22, 19, 0, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("destination", "number"),
    [("33639980002", 33639980002), ("+33639980002", 33639980002), ("0639980001", 639980001)],
)
def test_an_id_of_ours_beside_another_number_addresses_nobody(
    destination: str, number: int
) -> None:
    found = read(body(destination=destination))

    assert isinstance(found, UnaddressedReceipt)
    assert found.number == number


def test_a_receipt_is_addressed_to_whom_it_turned_out_to_be_about() -> None:
    found = read(body(message_id=None, status=12))

    assert isinstance(found, UnaddressedReceipt)
    assert found.addressed(7) == Receipt(
        sequence=7, code=12, ticket="1001", at=datetime(2026, 11, 22, 19, 0, tzinfo=UTC)
    )


def test_a_receipt_shows_no_number() -> None:
    assert "33639980001" not in repr(read(body(message_id=None)))


@pytest.mark.parametrize("message_id", [OURS, None])
@pytest.mark.parametrize("destination", ["", "unknown", "9" * 16, "9" * 5000, "²", "33-6"])
def test_a_receipt_about_no_phone_number_is_foreign(
    destination: str, message_id: str | None
) -> None:
    with pytest.raises(ForeignReceiptError):
        read(body(destination=destination, message_id=message_id))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        b"<xml/>",
        body(status=...),
        body(status=None),
        body(status=-1),
        body(status=100),
        body(status=10**30),
        body(status="delivered"),
        body(status=3.5),
        body(destination=...),
        body(destination=["33639980001"]),
        body(campaign_id=...),
        body(date=7),
        body(campaign_id="\ud800"),
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"," + body()[1:],
        b'{"status":3,"destination":' + b"9" * 5000 + b',"campaign_id":"1"}',
    ],
    ids=range(20),
)
def test_what_is_no_receipt_is_called_broken(content: bytes) -> None:
    with pytest.raises(BrokenReceiptError):
        read(content)


@given(content=st.binary(max_size=300))
def test_no_bytes_break_the_reading(content: bytes) -> None:
    with pytest.raises((BrokenReceiptError, ForeignReceiptError)):
        read(content)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    changes=st.dictionaries(
        st.sampled_from(("date", "status", "destination", "message_id", "campaign_id", "new")),
        JSON,
        max_size=3,
    )
)
def test_no_field_breaks_the_reading(changes: dict[str, object]) -> None:
    try:
        found = read(body(**changes))
    except (BrokenReceiptError, ForeignReceiptError):
        return
    assert 0 <= found.code < 100
    assert found == read(body(**changes))
    if isinstance(found, Receipt):
        assert found.sequence == 41
    else:
        assert 0 <= found.number < 10**15


@given(at=st.datetimes(), offset=st.integers(-1439, 1439))
def test_no_date_breaks_the_reading(at: datetime, offset: int) -> None:
    shown = at.replace(tzinfo=timezone(timedelta(minutes=offset))).isoformat()

    found = read(body(date=shown)).at

    assert 0 < found.timestamp() < 2**32
