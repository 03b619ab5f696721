"""What a campaign is made of, as it is written into its record."""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate

import msgspec

from dispatcher.domain.feed import DEFAULT_PRODUCER
from dispatcher.domain.message import Message, PushType
from dispatcher.domain.routes import Render
from dispatcher.domain.timing import AT_ONCE, Handover, Timing
from dispatcher.domain.unknowns import OnUnknown
from dispatcher.domain.windows import WindowPolicy


class _StoredMessage(msgspec.Struct, omit_defaults=True):
    text: str
    sender: str | None = None
    pushtype: PushType = PushType.ALERT
    links: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Filling:
    """Recipients that were uploaded, ready to become a campaign's.

    Attributes:
        upload: id of the upload.
        batches: how many batches it has.
        batch_size: recipients in each batch but the last; 0 when the batches differ.
        starts: what `starts_of` gives for batches that differ, else nothing.
        recipients: rows kept, `rows` those that came in.
        rows: see `recipients`.
        invalid: rows dropped as invalid.
        duplicated: rows dropped as duplicates.
        suppressed: rows dropped as suppressed.
        heeded: version of the suppression list that was looked at.
        dropped_chunks: how often `upload_dropped` was called.
        list_batches: how many batches are sent by a list at the API.
        estimate: segments of all the texts by our own count.
    """

    upload: str
    batches: int
    batch_size: int
    starts: bytes = b""
    recipients: int
    rows: int
    invalid: int
    duplicated: int
    dropped_chunks: int
    suppressed: int = 0
    heeded: int = 0
    list_batches: int = 0
    estimate: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Kinship:
    """Which campaign one sends to some of again.

    Attributes:
        source: that campaign's id.
        root: the first of all: the source, or what that sends again, and so on.
        only: whom of it.
        family: the campaigns that come from the root, as they were when people were chosen.
    """

    source: str
    root: str
    only: str
    family: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """A campaign to be made.

    Attributes:
        id: the campaign's id.
        fingerprint: the same for the same content.
        message: what it says; its text is a template.
        filling: its recipients, uploaded before; None for those of `lists`.
        lists: ids of lists of the account to send to.
        render: who puts the fields of such lists into the text.
        replaces: whether characters that force UCS-2 are replaced by look-alikes.
        skips_bad_rows: whether recipients without a value for a field are left out.
        needs_approval: wait for approval once quoted.
        cleans_lists: whether lists made for it are emptied when it is over.
        timing: when it is to be sent.
        handover: who keeps it until its time, as its producer said.
        max_lateness: how late it may still be sent, as its producer said.
        heeds_hours: whether it is advertising, which has its hours.
        window_policy: what becomes of it outside these.
        on_unknown: what is done about a batch whose answer was lost.
        producer: who is told of it.
        nudge_after_ms: how long it may stand still.
        receipt_wait_ms: how long receipts are awaited.
        kinship: which campaign it sends to some of again; None for none.
        trace: the `traceparent` of whoever submits it; "" for none.
    """

    id: str
    fingerprint: str
    message: Message
    filling: Filling | None
    lists: tuple[str, ...] = ()
    render: Render = Render.AUTO
    replaces: bool = False
    skips_bad_rows: bool = False
    needs_approval: bool = False
    cleans_lists: bool = True
    timing: Timing = AT_ONCE
    handover: Handover | None = None
    max_lateness: timedelta | None = None
    heeds_hours: bool = False
    window_policy: WindowPolicy = WindowPolicy.HOLD
    on_unknown: OnUnknown = OnUnknown.HOLD
    producer: str = DEFAULT_PRODUCER
    nudge_after_ms: int
    receipt_wait_ms: int
    kinship: Kinship | None = None
    trace: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Definition:
    """What a campaign was submitted with, but for its recipients; see `Submission`."""

    message: Message
    lists: tuple[str, ...]
    render: Render
    replaces: bool
    needs_approval: bool
    timing: Timing
    handover: Handover | None
    max_lateness: timedelta | None
    window_policy: WindowPolicy | None
    on_unknown: OnUnknown
    producer: str
    kinship: Kinship | None


def read_definition(fields: Mapping[str, str]) -> Definition:
    """Read what `record_fields` wrote."""
    kinship = None
    if "resend_of" in fields:
        kinship = Kinship(
            source=fields["resend_of"], root=fields["resend_root"], only=fields["resend_only"]
        )
    return Definition(
        message=read_message(fields["message"].encode()),
        lists=read_lists(fields["lists"].encode()),
        render=Render(fields["render"]),
        replaces=fields["replaces"] == "1",
        needs_approval=fields["needs_approval"] == "1",
        timing=Timing(
            send_at=_moment(fields["send_at"]),
            handover_at=_moment(fields["handover_at"]),
            latest=_moment(fields["latest"]),
        ),
        handover=Handover(fields["handover"]) if fields.get("handover") else None,
        max_lateness=_duration(fields.get("max_lateness", "")),
        window_policy=WindowPolicy(fields["windows"]) if fields["windows"] else None,
        on_unknown=OnUnknown(fields.get("on_unknown", OnUnknown.HOLD.value)),
        producer=fields.get("producer", DEFAULT_PRODUCER),
        kinship=kinship,
    )


def _duration(milliseconds: str) -> timedelta | None:
    return timedelta(milliseconds=int(milliseconds)) if milliseconds else None


def _moment(milliseconds: str) -> datetime | None:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC) if int(milliseconds) else None


def stored_message(message: Message) -> bytes:
    """Write a message the way records keep it; equal messages give equal bytes."""
    return msgspec.json.encode(
        _StoredMessage(message.text, message.sender, message.pushtype, message.links)
    )


def read_message(stored: bytes) -> Message:
    """Read what `stored_message` wrote."""
    found = msgspec.json.decode(stored, type=_StoredMessage)
    return Message(text=found.text, sender=found.sender, pushtype=found.pushtype, links=found.links)


def read_lists(stored: bytes) -> tuple[str, ...]:
    """Read the ids of the lists a campaign was submitted with."""
    return msgspec.json.decode(stored, type=tuple[str, ...])


def starts_of(sizes: Iterable[int]) -> bytes:
    """Write where batches of these sizes begin, four bytes each."""
    *starts, _ = accumulate(sizes, initial=0)
    return struct.pack(f">{len(starts)}I", *starts)


def flat_fields(filling: Filling) -> list[str]:
    """Write what a campaign's record says of its recipients."""
    return _flat(_fields_of(filling))


def _fields_of(filling: Filling) -> dict[str, str | int]:
    return {
        "batch_size": filling.batch_size,
        "rows": filling.rows,
        "invalid": filling.invalid,
        "duplicated": filling.duplicated,
        "suppressed": filling.suppressed,
        "heeded": filling.heeded,
        "list_batches": filling.list_batches,
        "estimate": filling.estimate,
        "list_prefix": f"dispatch-{filling.upload}",
    }


def record_fields(submission: Submission, filling: Filling) -> list[str]:
    """Write a campaign's record, names and values in turn."""
    return _flat(
        {
            **_fields_of(filling),
            "message": stored_message(submission.message).decode(),
            "lists": msgspec.json.encode(submission.lists).decode(),
            "render": submission.render.value,
            "replaces": int(submission.replaces),
            "skips_bad_rows": int(submission.skips_bad_rows),
            "needs_approval": int(submission.needs_approval),
            "clean_lists": int(submission.cleans_lists),
            "nudge_after": submission.nudge_after_ms,
            "receipt_wait": submission.receipt_wait_ms,
            "on_unknown": submission.on_unknown.value,
            "windows": submission.window_policy.value if submission.heeds_hours else "",
            "producer": submission.producer,
            "send_at": _milliseconds(submission.timing.send_at),
            "handover_at": _milliseconds(submission.timing.handover_at),
            "latest": _milliseconds(submission.timing.latest),
            "handover": submission.handover.value if submission.handover else "",
            "max_lateness": _in_ms(submission.max_lateness),
            **_kinship_fields(submission.kinship),
            **({"trace": submission.trace} if submission.trace else {}),
        }
    )


def _kinship_fields(kinship: Kinship | None) -> dict[str, str | int]:
    if kinship is None:
        return {}
    return {
        "resend_of": kinship.source,
        "resend_root": kinship.root,
        "resend_only": kinship.only,
    }


def _in_ms(duration: timedelta | None) -> str:
    return "" if duration is None else str(duration // timedelta(milliseconds=1))


def _milliseconds(when: datetime | None) -> int:
    return 0 if when is None else int(when.timestamp() * 1000)


def _flat(fields: Mapping[str, str | int]) -> list[str]:
    return [str(part) for pair in fields.items() for part in pair]


NOT_FILLED = Filling(
    upload="",
    batches=0,
    batch_size=0,
    recipients=0,
    rows=0,
    invalid=0,
    duplicated=0,
    dropped_chunks=0,
)
