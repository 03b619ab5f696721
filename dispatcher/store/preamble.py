"""What every script is told before it begins: the clock, names and figures of Python."""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dispatcher.domain import fates, lifecycle, unknowns
from dispatcher.domain.feed import DEFAULT_PRODUCER, EventKind
from dispatcher.domain.stop_words import Intent
from dispatcher.store.keys import Key

SERVER_CLOCK = "local t = redis.call('TIME'); return t[1] * 1000 + math.floor(t[2] / 1000)"
"""Body of the function that tells scripts the time, in ms; tests put their own in its place."""

UNREAD = -1
"""Stands among a campaign's waiting batches while the contacts of its lists are to be read."""

RATE_RECOVERY_MS = 60_000
"""After which a budget that a 429 lowered is whole again."""

ANSWERED_KEPT_MS = 8 * 86_400_000
"""How long it is remembered whose a ticket is."""

_FIGURES: Mapping[str, float] = {
    # Past this share of `maxmemory`, nothing new begins, so that what runs can finish.
    "FULL_AT": 0.8,
    # No duplicate of a command is held up on its way for longer.
    "ENDED_KEPT_MS": 3_600_000,
    "EARLY_KEPT_MS": 14 * 86_400_000,
    # By then, no upload of a campaign that ended is still on its way to the API.
    "CLEAN_AFTER_MS": 300_000,
    # What the API does with a `delay` that is past when it arrives is not documented.
    "LEAST_DELAY_MS": 60_000,
    # Clocks differ; a batch that is due within this may have begun at the API.
    "WITHDRAWAL_MARGIN_MS": 30_000,
    "HISTORY_KEPT": 100,
    # Campaigns that a board lists.
    "GLANCED_AT": 20,
    # No update takes longer.
    "SECRETS_PARTED_MS": 86_400_000,
    "EXPIRY_PAUSE_MS": 60_000,
    # One at a time is slow; past this, what credits could tell of a lost answer they have told.
    "SERIAL_MS": 900_000,
    "MODERATED_MS": 86_400_000,
    "ANSWERED_KEPT_MS": ANSWERED_KEPT_MS,
    # About 16 kB of JSON.
    "RECEIPTS_TOLD_AT_ONCE": 250,
    "TRIM_EVERY_MS": 60_000,
    "DEAD_KEPT": 10_000,
    "DEAD_AGE_MS": 30 * 86_400_000,
    # One failure may be about one callback; so many in a row are about whoever takes them.
    "OUTAGE_FAILURES": 3,
    # Twenty bytes each: some months of a small account, some days of a large one.
    "HEARD_KEPT": 1_000_000,
    "CHECK_EVERY_MS": 600_000,
    # Recipients that one tick may recount; a million take 40 ms.
    "MOST_RECOUNTED": 500_000,
    # Checks take no more than a twentieth of a worker's time.
    "CHECK_REST": 20,
    # Whoever posted a batch tries first.
    "NAME_AFTER_MS": 10_000,
    "NAME_AT_LEAST_EVERY_MS": 3_600_000,
    # More changes of a suppression list than a replica can be behind.
    "VERSIONS_SKIPPED": 1_000_000,
    # Of campaigns that are older than the count of what stands where; some ms a tick.
    "ENTERED_AT_ONCE": 200,
    # A second, and by how much one POST may be late and the next not; 0.5 % of the budget.
    "WINDOW_MS": 1_005,
    # What a worker takes from its claim to its POST, so that slots are kept to the millisecond.
    "SLOT_NEAREST_MS": 30,
    # Less is corrected all the time, and slots of so little ahead do no harm.
    "CLOCK_MAY_STEP_MS": 250,
    "MOST_SAVED_MS": 500,
    # Whoever has a slot calls for the next worker 50 ms before it, which takes some time.
    "SLOT_CALLS_MS": 60,
    # If nobody asked for so long, whoever was to call for the next worker is gone.
    "CHAIN_BROKEN_MS": 1_500,
    "SLOT_LEAD_MS": 150,
    "SLOT_LEAST_MS": 250,
    # Ticks come every second, and find within two what nobody works on.
    "SLOT_MOST_MS": 2_500,
    "SLOT_LEASE_MS": 15_000,
    # Connections that were slow half a minute ago may be fast again.
    "LEAD_KEPT_MS": 30_000,
    # Campaigns of which nothing can be sent just now leave the turns a few at a time.
    "MOST_PASSED_OVER": 20,
    "RATE_RECOVERY_MS": RATE_RECOVERY_MS,
    # Below this, nobody would learn that the API takes more again.
    "LEAST_SHARE": 1 / 64,
    "LIMIT_LEAST_MS": 1_000,
    "LIMIT_MOST_MS": 3_600_000,
    "LIMIT_FORGOTTEN_MS": 120_000,
    "UNREAD": UNREAD,
    "RECEIPT_BASE": fates.RECEIPT_BASE,
    "FORGOTTEN": int(fates.Exclusion.FORGOTTEN),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboxLimits:
    """How much of what producers are told is kept for them.

    Attributes:
        entries: the newest so many of each producer, about.
        age_ms: and nothing older, within a minute.
    """

    entries: int = 200_000
    age_ms: int = 7 * 86_400_000


def preamble(clock: str, outbox: OutboxLimits, body: str) -> str:
    """Write the beginning of a script.

    Args:
        clock: body of the function that tells the time, in ms.
        outbox: how much producers are kept of what they are told.
        body: all that follows; it is told the figures it names, for Lua has room for 200 locals.
    """
    lines = [
        f"local function now_ms() {clock} end",
        f"local K = {_names(Key)}",
        f"local C = {_names(lifecycle.CampaignState)}",
        f"local B = {_names(lifecycle.BatchState)}",
        f"local H = {_names(lifecycle.HoldReason)}",
        f"local E = {_names(EventKind)}",
        f"local INTENT = {_names(Intent)}",
        f"local V = {_names(unknowns.Decision)}",
        *(f"V.{source.name.lower()} = '{source.value}'" for source in unknowns.Source),
        f"local CAMPAIGN_MOVES = {_moves(lifecycle.CAMPAIGN_MOVES)}",
        f"local BATCH_MOVES = {_moves(lifecycle.BATCH_MOVES)}",
        f"local TERMINAL = {_set(lifecycle.TERMINAL)}",
        f"local RANKS = {{{', '.join(str(rank) for rank in fates.RANKS)}}}",
        f"local CHARGED = {{{', '.join(f'[{fate}] = true' for fate in fates.CHARGED)}}}",
        f"local AWAITED_FIELDS = {{{_quoted(fates.AWAITED_COUNTERS)}}}",
        f"local SEEN_FIELDS = {{{_quoted(f'seen:{each.value}' for each in unknowns.Source)}}}",
        f"local RESEND = '{unknowns.OnUnknown.RESEND.value}'",
        f"local ASSUME_SENT = '{unknowns.OnUnknown.ASSUME_SENT.value}'",
        f"local DEFAULT_PRODUCER = '{DEFAULT_PRODUCER}'",
        f"local OUTBOX_MAX = {outbox.entries}",
        f"local OUTBOX_AGE_MS = {outbox.age_ms}",
        *(f"local {name} = {figure}" for name, figure in _FIGURES.items() if name in body),
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
