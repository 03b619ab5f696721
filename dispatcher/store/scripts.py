"""Loads the Lua scripts and runs them."""

import enum
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from redis import Redis
from redis.exceptions import NoScriptError

from dispatcher.store.connection import translated
from dispatcher.store.durability import Barrier
from dispatcher.store.keys import Key, Keys
from dispatcher.store.preamble import SERVER_CLOCK, OutboxLimits, preamble

# What every script begins with, in this order: each builds on those before.
_SHARED = (
    "common",
    "standing",
    "gates",
    "moves",
    "money",
    "conservation",
    "progress",
    "settling",
    "pacing",
    "course",
    "schedule_steps",
    "outboxes",
)


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
    RENEW_SLOT = ("renew_slot", True)
    NOTE_POST = ("note_post", True)
    LOWER_RATE = ("lower_rate", True)
    PACE = ("pace", True)
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
    SECRET = ("secret", True)
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
    COUNT_ANEW = ("count_anew", True)
    MARK = ("mark", True)

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
        shared = "\n".join(sources[name] for name in _SHARED)
        bodies = {script: shared + sources[script.file] for script in Script}
        self._scripts = {
            script: client.register_script(
                _header(script) + preamble(clock, outbox or OutboxLimits(), body) + body
            )
            for script, body in bodies.items()
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
            self._scripts[Script.MARK](keys=[self.keys.of(Key.ACCOUNT)], client=pipe)
            pipe.execute_command(*barrier.command)  # type: ignore[no-untyped-call]  # redis-py's own
            reply, _, confirmed = pipe.execute()
            return [reply, confirmed]


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
