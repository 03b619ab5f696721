"""Loads the Lua scripts and gives them the names, states and ranks defined in Python."""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from redis import Redis
from redis.exceptions import NoScriptError

from dispatcher.domain import fates, lifecycle, unknowns
from dispatcher.domain.feed import DEFAULT_PRODUCER, EventKind
from dispatcher.domain.stop_words import Intent
from dispatcher.store.connection import translated
from dispatcher.store.durability import Barrier
from dispatcher.store.keys import Key, Keys

SERVER_CLOCK = "local t = redis.call('TIME'); return t[1] * 1000 + math.floor(t[2] / 1000)"
"""Body of the function that tells scripts the time, in ms; tests put their own in its place."""

# Past this share of `maxmemory`, nothing new begins, so that what runs can finish.
_FULL_AT = 0.8
# No duplicate of a command is held up on its way for longer.
_ENDED_KEPT_MS = 3_600_000
_EARLY_KEPT_MS = 14 * 86_400_000
# By then, no upload of a campaign that ended is still on its way to the API.
_CLEAN_AFTER_MS = 300_000
# What the API does with a `delay` that is past when it arrives is not documented.
_LEAST_DELAY_MS = 60_000
# Clocks differ; a batch that is due within this may have begun at the API.
_WITHDRAWAL_MARGIN_MS = 30_000
_HISTORY_KEPT = 100
_EXPIRY_PAUSE_MS = 60_000
# One at a time is slow; past this, what credits could tell of a lost answer they have told.
_SERIAL_MS = 900_000

ANSWERED_KEPT_MS = 8 * 86_400_000
"""How long it is remembered whose a ticket is."""
# About 16 kB of JSON.
_RECEIPTS_TOLD_AT_ONCE = 250
_TRIM_EVERY_MS = 60_000
_DEAD_KEPT = 10_000
_DEAD_AGE_MS = 30 * 86_400_000
# One failure may be about one callback; so many in a row are about whoever takes them.
_OUTAGE_FAILURES = 3
# Twenty bytes each: some months of a small account, some days of a large one.
_HEARD_KEPT = 1_000_000
_CHECK_EVERY_MS = 600_000
# Recipients that one tick may recount; a million take 40 ms.
_MOST_RECOUNTED = 500_000
# Checks take no more than a twentieth of a worker's time.
_CHECK_REST = 20
# Whoever posted a batch tries first.
_NAME_AFTER_MS = 10_000
_NAME_AT_LEAST_EVERY_MS = 3_600_000

_LEFT_OUT = (fates.Exclusion.SUPPRESSED, fates.Exclusion.FORGOTTEN)
_POLICIES = (unknowns.OnUnknown.RESEND, unknowns.OnUnknown.ASSUME_SENT)

_LIMITS: Mapping[str, float] = {
    "FULL_AT": _FULL_AT,
    "ENDED_KEPT_MS": _ENDED_KEPT_MS,
    "EARLY_KEPT_MS": _EARLY_KEPT_MS,
    "CLEAN_AFTER_MS": _CLEAN_AFTER_MS,
    "LEAST_DELAY_MS": _LEAST_DELAY_MS,
    "WITHDRAWAL_MARGIN_MS": _WITHDRAWAL_MARGIN_MS,
    "HISTORY_KEPT": _HISTORY_KEPT,
    "EXPIRY_PAUSE_MS": _EXPIRY_PAUSE_MS,
    "SERIAL_MS": _SERIAL_MS,
    "HEARD_KEPT": _HEARD_KEPT,
    "MOST_RECOUNTED": _MOST_RECOUNTED,
    "CHECK_EVERY_MS": _CHECK_EVERY_MS,
    "CHECK_REST": _CHECK_REST,
    "NAME_AFTER_MS": _NAME_AFTER_MS,
    "NAME_AT_LEAST_EVERY_MS": _NAME_AT_LEAST_EVERY_MS,
    "TRIM_EVERY_MS": _TRIM_EVERY_MS,
    "RECEIPTS_TOLD_AT_ONCE": _RECEIPTS_TOLD_AT_ONCE,
    "DEAD_KEPT": _DEAD_KEPT,
    "DEAD_AGE_MS": _DEAD_AGE_MS,
    "OUTAGE_FAILURES": _OUTAGE_FAILURES,
}

# What every script begins with, in this order: each builds on those before.
_SHARED = (
    "common",
    "gates",
    "moves",
    "money",
    "conservation",
    "progress",
    "settling",
    "course",
    "schedule_steps",
    "outboxes",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboxLimits:
    """How much of what producers are told is kept for them.

    Attributes:
        entries: the newest so many of each producer, about.
        age_ms: and nothing older, within a minute.
    """

    entries: int = 200_000
    age_ms: int = 7 * 86_400_000


UNREAD = -1
"""Stands among a campaign's waiting batches while the contacts of its lists are to be read."""


class Script(enum.Enum):
    """The scripts; each is explained at the top of its file.

    The value tells whether it finishes something, and so runs even on a full server.
    """

    SUBMIT = ("submit", False)
    CLAIM_QUOTE = ("claim_quote", True)
    RECORD_QUOTE = ("record_quote", True)
    FAIL_QUOTE = ("fail_quote", True)
    APPROVE = ("approve", True)
    CANCEL = ("cancel", True)
    CLAIM_SEND = ("claim_send", True)
    BEGIN_POST = ("begin_post", True)
    RECORD_SEND = ("record_send", True)
    EXCLUDE = ("exclude", True)
    OBSERVE_BALANCE = ("observe_balance", True)
    BEGIN_CHECK = ("begin_check", True)
    RESUME = ("resume", True)
    TICK = ("tick", True)
    MERGE_RECEIPTS = ("merge_receipts", True)
    APPROVE_SERVER = ("approve_server", True)
    FILL = ("fill", False)
    ADVANCE_LIST = ("advance_list", True)
    KEEP_EARLY = ("keep_early", True)
    PAUSE = ("pause", True)
    UNPAUSE = ("unpause", True)
    STOP = ("stop", True)
    CLAIM_WITHDRAWAL = ("claim_withdrawal", True)
    RECORD_WITHDRAWAL = ("record_withdrawal", True)
    REVIEW_UNKNOWNS = ("review_unknowns", True)
    TAKE_RECONCILING = ("take_reconciling", True)
    SETTLE_UNKNOWN = ("settle_unknown", True)
    ARM_PROBE = ("arm_probe", True)
    OPEN_BOOKS = ("open_books", True)
    CLOSE_BOOKS = ("close_books", True)
    READ_CLOCK = ("read_clock", True)
    PUT_SCHEDULE = ("put_schedule", False)
    CLAIM_SCHEDULE = ("claim_schedule", True)
    ADVANCE_SCHEDULE = ("advance_schedule", True)
    DELETE_SCHEDULE = ("delete_schedule", True)
    CLAIM_AWAITED = ("claim_awaited", True)
    SETTLE_AWAITED = ("settle_awaited", True)
    CLAIM_CLEANUP = ("claim_cleanup", True)
    END_CLEANUP = ("end_cleanup", True)
    FIRST_SEQUENCE = ("first_sequence", True)
    # Not to send is never too much to remember.
    SUPPRESS = ("suppress", True)
    SUPPRESSION_KEY = ("suppression_key", True)
    LIFT = ("lift", True)
    FORGET_SUPPRESSED = ("forget_suppressed", True)
    SETTLE_LIFTS = ("settle_lifts", True)
    CUT = ("cut", True)
    BEGIN_SYNC = ("begin_sync", True)
    KEEP_REPLY = ("keep_reply", True)
    JUDGE_REPLY = ("judge_reply", True)
    MAKE_GROUP = ("make_group", True)
    TELL = ("tell", True)
    DUE_CALLBACKS = ("due_callbacks", True)
    TAKE_CALLBACK = ("take_callback", True)
    SETTLE_CALLBACK = ("settle_callback", True)
    REPLAY_CALLBACKS = ("replay_callbacks", True)
    CLAIM_CHECK = ("claim_check", True)
    RECOUNT = ("recount", True)
    RECORD_CHECK = ("record_check", True)
    CLAIM_UNNAMED = ("claim_unnamed", True)
    GIVE_UP_NAMING = ("give_up_naming", True)
    RETAIN = ("retain", True)
    ERASE = ("erase", True)
    SWAP = ("swap", True)
    ERASE_SCHEDULE = ("erase_schedule", True)

    def __init__(self, file: str, finishes: bool) -> None:  # noqa: FBT001 - the table above reads well
        self.file = file
        self.finishes = finishes


class Scripts:
    """Runs scripts for one account; every one of them may be run again with the same arguments."""

    def __init__(
        self,
        client: Redis,
        keys: Keys,
        *,
        clock: str = SERVER_CLOCK,
        sources: Mapping[str, str] | None = None,
        outbox: OutboxLimits | None = None,
    ) -> None:
        self.client = client
        self.keys = keys
        sources = read_sources() if sources is None else sources
        preamble = _preamble(clock, outbox or OutboxLimits())
        preamble += "\n".join(sources[name] for name in _SHARED)
        self._scripts = {
            script: client.register_script(_header(script) + preamble + sources[script.file])
            for script in Script
        }

    def run(self, script: Script, *args: str | bytes | float) -> Any:  # noqa: ANN401 - each script has its own reply
        """Run a script and give its reply.

        Raises:
            StoreUnavailableError: Redis did not answer; running it again is safe.
            StoreFullError: Redis has no memory for something new.
        """
        with translated():
            return self._scripts[script](keys=[self.keys.of(Key.ACCOUNT)], args=args)

    def run_durably(
        self, script: Script, *args: str | bytes | float, barrier: Barrier
    ) -> tuple[Any, bool]:
        """Run a script; give its reply, and whether its effect is confirmed to be durable."""
        if not barrier.command:
            return self.run(script, *args), True
        with translated():
            try:
                reply, confirmed = self._run_and_confirm(script, args, barrier)
            except NoScriptError:
                # A restart between loading and running forgot the script.
                reply, confirmed = self._run_and_confirm(script, args, barrier)
        return reply, barrier.is_met(confirmed)

    def _run_and_confirm(
        self, script: Script, args: Sequence[str | bytes | float], barrier: Barrier
    ) -> list[Any]:
        with self.client.pipeline(transaction=False) as pipe:
            self._scripts[script](keys=[self.keys.of(Key.ACCOUNT)], args=args, client=pipe)
            pipe.execute_command(*barrier.command)  # type: ignore[no-untyped-call]  # redis-py's own
            return pipe.execute()


def read_sources() -> dict[str, str]:
    """Read the text of every script, by file name without its ending."""
    folder = resources.files("dispatcher.store") / "scripts"
    return {
        file.name.removesuffix(".lua"): file.read_text()
        for file in folder.iterdir()
        if file.name.endswith(".lua")
    }


def standalone_source(script: Script) -> str:
    """Give a script that needs nothing of what scripts share, as EVAL takes it."""
    return _header(script) + read_sources()[script.file]


def _header(script: Script) -> str:
    return "#!lua flags=allow-oom\n" if script.finishes else "#!lua\n"


def _preamble(clock: str, outbox: OutboxLimits) -> str:
    lines = [
        f"local function now_ms() {clock} end",
        f"local K = {_names(Key)}",
        f"local C = {_names(lifecycle.CampaignState)}",
        f"local B = {_names(lifecycle.BatchState)}",
        f"local H = {_names(lifecycle.HoldReason)}",
        f"local CAMPAIGN_MOVES = {_moves(lifecycle.CAMPAIGN_MOVES)}",
        f"local BATCH_MOVES = {_moves(lifecycle.BATCH_MOVES)}",
        f"local RANKS = {{{', '.join(str(rank) for rank in fates.RANKS)}}}",
        f"local RECEIPT_BASE = {fates.RECEIPT_BASE}",
        f"local AWAITED_FIELDS = {{{_quoted(fates.AWAITED_COUNTERS)}}}",
        f"local ANSWERED_KEPT_MS = {ANSWERED_KEPT_MS}",
        f"local V = {_names(unknowns.Decision)}",
        *(f"V.{source.name.lower()} = '{source.value}'" for source in unknowns.Source),
        f"local SEEN_FIELDS = {{{_quoted(f'seen:{each.value}' for each in unknowns.Source)}}}",
        f"local RESEND, ASSUME_SENT = {_quoted(each.value for each in _POLICIES)}",
        *(f"local {name} = {value}" for name, value in _LIMITS.items()),
        f"local UNREAD = {UNREAD}",
        f"local SUPPRESSED, FORGOTTEN = {int(_LEFT_OUT[0])}, {int(_LEFT_OUT[1])}",
        f"local INTENT = {_names(Intent)}",
        f"local DEFAULT_PRODUCER = '{DEFAULT_PRODUCER}'",
        f"local E = {_names(EventKind)}",
        f"local OUTBOX_MAX = {outbox.entries}",
        f"local OUTBOX_AGE_MS = {outbox.age_ms}",
        f"local TERMINAL = {_set(lifecycle.TERMINAL)}",
    ]
    return "\n".join(lines) + "\n"


def _names(members: type[enum.Enum]) -> str:
    return "{" + ", ".join(f"{member.name.lower()} = '{member.value}'" for member in members) + "}"


def _set(members: Iterable[enum.Enum]) -> str:
    return "{" + ", ".join(f"['{member.value}'] = true" for member in members) + "}"


def _moves(table: Mapping[Any, Iterable[Any]]) -> str:
    rows = (
        f"['{start.value}'] = {{" + ", ".join(f"['{end.value}'] = true" for end in ends) + "}"
        for start, ends in table.items()
    )
    return "{" + ", ".join(rows) + "}"


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
