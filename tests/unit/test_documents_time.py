"""When a campaign that comes as a JSON document is sent."""

from datetime import UTC, datetime, timedelta

import jsonschema  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest

from dispatcher.documents import read_document, submit_schema
from dispatcher.domain.campaign import Campaign
from dispatcher.domain.timing import Handover
from dispatcher.domain.windows import WindowPolicy
from dispatcher.errors import InputError, Problem

SMALL: dict[str, object] = {
    "idempotency_key": "spring sale",
    "text": "Bonjour",
    "recipients": ["33639980001"],
}


def read(**fields: object) -> Campaign:
    return read_document({**SMALL, **fields})[0]


def problem(**fields: object) -> Problem:
    with pytest.raises(InputError) as caught:
        read(**fields)
    (found,) = caught.value.problems
    assert found.fix
    return found


def test_left_out_it_is_sent_as_soon_as_possible_and_holds_for_its_hours() -> None:
    found = read()

    assert (found.send_at, found.handover, found.max_lateness) == (None, None, None)
    assert found.window_policy is WindowPolicy.HOLD


def test_everything_a_document_says_of_its_time_is_kept() -> None:
    found = read(
        send_at="2026-11-24T09:30:00+01:00",
        handover="local",
        max_lateness=1800,
        window_policy="expire",
    )

    assert found.send_at == datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
    assert found.handover is Handover.LOCAL
    assert found.max_lateness == timedelta(minutes=30)
    assert found.window_policy is WindowPolicy.EXPIRE


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-24T09:30:00Z", datetime(2026, 11, 24, 9, 30, tzinfo=UTC)),
        ("2026-11-24T09:30Z", datetime(2026, 11, 24, 9, 30, tzinfo=UTC)),
        ("2026-11-24 09:30:00.250+0400", datetime(2026, 11, 24, 5, 30, 0, 250_000, UTC)),
        ("2026-11-24T09:30:00-09:30", datetime(2026, 11, 24, 19, 0, tzinfo=UTC)),
    ],
)
def test_a_time_with_an_offset_is_one_moment(text: str, moment: datetime) -> None:
    found = read(send_at=text).send_at

    assert found == moment
    assert found is not None
    assert found.utcoffset() is not None


def test_a_time_without_an_offset_is_refused_and_says_why() -> None:
    found = problem(send_at="2026-11-24T09:30:00")

    assert found.field == "send_at"
    assert found.message == (
        "it has no offset, so nobody knows whose clock it is: add +01:00, or Z"
    )


@pytest.mark.parametrize("given", [1790000000, "1790000000", "2026-11-24", "tomorrow", "", True])
def test_what_is_no_time_is_refused_with_an_example(given: object) -> None:
    found = problem(send_at=given)

    assert (found.field, found.message) == (
        "send_at", "it is no time such as 2026-11-24T09:30:00+01:00"
    )  # fmt: skip


@pytest.mark.parametrize("given", ["2026-02-30T09:30:00Z", "2026-11-24T25:00:00Z"])
def test_a_time_no_clock_shows_is_refused(given: str) -> None:
    assert problem(send_at=given).field == "send_at"


@pytest.mark.parametrize("given", [-1, 365 * 86_400 + 1, "30", True, float("inf"), float("nan")])
def test_lateness_is_a_number_of_seconds(given: object) -> None:
    assert problem(max_lateness=given).field == "max_lateness"


@pytest.mark.parametrize("seconds", [0, 0.5, 365 * 86_400])
def test_lateness_may_be_anything_up_to_a_year(seconds: float) -> None:
    assert read(max_lateness=seconds).max_lateness == timedelta(seconds=seconds)


@pytest.mark.parametrize(("field", "given"), [("handover", "us"), ("window_policy", "wait")])
def test_other_choices_are_refused(field: str, given: str) -> None:
    assert problem(**{field: given}).field == field


def test_the_schema_describes_the_time() -> None:
    schema = submit_schema()

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(
        {**SMALL, "send_at": "2026-11-24T09:30:00+01:00", "max_lateness": 60}, schema
    )
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**SMALL, "send_at": 1790000000}, schema)
    assert all("description" in schema["properties"][name] for name in ("send_at", "handover"))
