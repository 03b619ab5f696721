"""What the hours of advertising make of a campaign when it is submitted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dispatcher.domain.campaign import Campaign, DroppedRow
from dispatcher.domain.message import PushType
from dispatcher.domain.packing import unpack
from dispatcher.domain.timing import Handover
from dispatcher.domain.windows import WindowPolicy
from dispatcher.errors import InputError
from dispatcher.preparing import Preparation
from dispatcher.settings import Settings
from dispatcher.store.account import AccountStore
from dispatcher.store.submissions import Submission

PARIS, REUNION, GUADELOUPE = "+33639980001", "+262692123456", "+590690123456"
NOWHERE = "+881612345678"


def utc(text: str) -> datetime:
    """Read "2026-11-23 07:00", in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# A Monday: 08:00 in Paris, 11:00 in Réunion, 03:00 in Guadeloupe.
OPEN = utc("2026-11-23 07:00")
NIGHT = utc("2026-11-23 20:00")
NEXT_MORNING = utc("2026-11-24 07:00")


@dataclass
class Uploads:
    """Keeps what is uploaded in place of Redis."""

    known: set[str] = field(default_factory=set)
    batches: dict[int, bytes] = field(default_factory=dict)
    discarded: list[str] = field(default_factory=list)

    def upload(self, _: str, batches: Mapping[int, bytes]) -> None:
        self.batches |= batches

    def upload_dropped(self, _upload: str, _chunk: int, rows: Sequence[DroppedRow]) -> None:
        raise AssertionError(rows)

    def discard(self, upload: str) -> None:
        self.discarded.append(upload)

    def exists(self, campaign: str) -> bool:
        return campaign in self.known

    @property
    def numbers(self) -> list[list[int]]:
        return [list(unpack(packed).numbers) for packed in self.batches.values()]


def prepare(
    *recipients: str,
    now: datetime = OPEN,
    uploads: Uploads | None = None,
    **more: Any,  # noqa: ANN401 - any argument of a campaign
) -> Submission:
    settings: dict[str, Any] = {"windows": more.pop("windows", "fr-marketing")}
    preparation = Preparation(Settings.model_validate(settings), now=lambda: now)
    what = {"text": "Soldes", "pushtype": PushType.ADVERTISING, "recipients": recipients}
    store = cast("AccountStore", SimpleNamespace(campaigns=uploads or Uploads(), suppressions=None))
    return preparation.prepare(Campaign(**{**what, **more}), "c1", "default", store)


def refusal(*recipients: str, **more: Any) -> tuple[str, str]:  # noqa: ANN401 - as above
    uploads = Uploads()
    with pytest.raises(InputError) as caught:
        prepare(*recipients, uploads=uploads, window_policy=WindowPolicy.REFUSE, **more)
    (problem,) = caught.value.problems
    assert len(uploads.discarded) == (1 if recipients else 0)
    assert problem.fix == "choose another time, or window_policy=hold to wait for the next opening"
    return problem.field, problem.message


def test_advertising_heeds_its_hours_and_tells_its_policy() -> None:
    made = prepare(PARIS, window_policy=WindowPolicy.EXPIRE)

    assert made.heeds_hours
    assert made.window_policy is WindowPolicy.EXPIRE


def test_an_alert_goes_out_at_any_hour() -> None:
    made = prepare(NOWHERE, now=NIGHT, pushtype=PushType.ALERT, window_policy=WindowPolicy.REFUSE)

    assert not made.heeds_hours


def test_without_windows_advertising_goes_out_at_any_hour() -> None:
    made = prepare(PARIS, now=NIGHT, windows="", window_policy=WindowPolicy.REFUSE)

    assert not made.heeds_hours


@pytest.mark.parametrize("policy", list(WindowPolicy))
def test_within_its_hours_every_policy_takes_it(policy: WindowPolicy) -> None:
    assert prepare(PARIS, REUNION, window_policy=policy).id == "c1"


@pytest.mark.parametrize("policy", [WindowPolicy.HOLD, WindowPolicy.EXPIRE])
def test_outside_its_hours_it_is_taken_unless_it_is_to_be_refused(policy: WindowPolicy) -> None:
    assert prepare(PARIS, NOWHERE, now=NIGHT, window_policy=policy).window_policy is policy


@pytest.mark.parametrize(
    ("recipients", "now", "why"),
    [
        ((PARIS,), NIGHT, "after 20:00 in Europe/Paris"),
        ((PARIS,), utc("2026-11-22 12:00"), "Sunday in Europe/Paris"),
        ((PARIS, REUNION), utc("2026-11-23 16:30"), "after 20:00 in Indian/Reunion"),
        ((REUNION, GUADELOUPE), OPEN, "before 08:00 in America/Guadeloupe"),
        ((PARIS, NOWHERE), OPEN, "the time zone of a recipient is unknown"),
        # Five minutes before the end nothing is begun.
        ((PARIS,), utc("2026-11-23 18:55:01"), "too late"),
    ],
)
def test_outside_its_hours_it_is_refused_and_nothing_is_kept(
    recipients: tuple[str, ...], now: datetime, why: str
) -> None:
    assert refusal(*recipients, now=now) == (
        "send_at", f"advertising may not go out then: {why}"
    )  # fmt: skip


def test_the_last_moment_before_the_tail_is_taken() -> None:
    prepare(PARIS, now=utc("2026-11-23 18:55"), window_policy=WindowPolicy.REFUSE)


def test_a_delay_is_what_counts_and_not_the_hour_of_submitting() -> None:
    prepare(PARIS, now=NIGHT, send_at=NEXT_MORNING, window_policy=WindowPolicy.REFUSE)

    assert refusal(PARIS, now=OPEN, send_at=NIGHT) == (
        "send_at", "advertising may not go out then: after 20:00 in Europe/Paris"
    )  # fmt: skip


def test_submitting_again_after_the_hours_gives_the_same_campaign() -> None:
    first = prepare(PARIS, window_policy=WindowPolicy.REFUSE)

    again = prepare(
        PARIS, now=NIGHT, uploads=Uploads(known={"c1"}), window_policy=WindowPolicy.REFUSE
    )

    assert again.fingerprint == first.fingerprint


def test_lists_are_judged_by_the_senders_clock_until_they_are_read() -> None:
    made = prepare(lists=("4711",), window_policy=WindowPolicy.REFUSE)

    assert made.filling is None
    assert refusal(lists=("4711",), now=NIGHT) == (
        "send_at", "advertising may not go out then: after 20:00 in Europe/Paris"
    )  # fmt: skip


def test_what_waits_for_its_window_is_not_late_because_of_that() -> None:
    made = prepare(PARIS, now=OPEN, send_at=NIGHT)

    assert made.timing.send_at == NIGHT
    assert made.timing.latest == utc("2026-11-24 08:00")


def test_the_longest_wait_of_all_zones_counts() -> None:
    made = prepare(PARIS, GUADELOUPE, NOWHERE, now=OPEN, send_at=NIGHT)

    # Guadeloupe opens at noon, an hour more is the lateness.
    assert made.timing.latest == utc("2026-11-24 13:00")


@pytest.mark.parametrize(
    ("send_at", "more"),
    [
        (utc("2026-11-23 12:00"), {}),
        (NIGHT, {"pushtype": PushType.ALERT}),
        (NIGHT, {"windows": ""}),
    ],
)
def test_what_need_not_wait_has_its_plain_limit(send_at: datetime, more: dict[str, Any]) -> None:
    made = prepare(PARIS, now=OPEN, send_at=send_at, **more)

    assert made.timing.latest == send_at + timedelta(hours=1)


def test_at_once_has_no_limit_even_when_it_waits_for_its_window() -> None:
    made = prepare(PARIS, now=NIGHT)

    assert made.timing.send_at is made.timing.latest is None


def test_its_own_handover_and_lateness_are_kept() -> None:
    made = prepare(
        PARIS, now=OPEN, send_at=NEXT_MORNING, handover=Handover.LOCAL, max_lateness=timedelta(0)
    )

    assert made.timing.handover_at == utc("2026-11-24 06:50")
    assert made.timing.latest == NEXT_MORNING


def test_recipients_of_other_clocks_are_uploaded_apart() -> None:
    uploads = Uploads()
    recipients = ("+33639980001", "+262692123456", "+33639980002", "+262692123457")

    prepare(*recipients, uploads=uploads)
    apart = uploads.numbers
    uploads.batches.clear()
    prepare(*recipients, uploads=uploads, pushtype=PushType.ALERT)

    assert apart == [[33639980001, 33639980002], [262692123456, 262692123457]]
    assert uploads.numbers == [[33639980001, 262692123456, 33639980002, 262692123457]]


def test_parting_them_does_not_make_another_campaign_of_it() -> None:
    prints = {
        prepare(PARIS, REUNION, windows=windows).fingerprint for windows in ("fr-marketing", "")
    }

    assert len(prints) == 1


def test_other_time_options_make_other_content() -> None:
    options: list[dict[str, Any]] = [
        {},
        {"handover": Handover.LOCAL},
        {"max_lateness": timedelta(minutes=5)},
        {"window_policy": WindowPolicy.EXPIRE},
    ]

    prints = {prepare(PARIS, send_at=NEXT_MORNING, **each).fingerprint for each in options}

    assert len(prints) == 4
