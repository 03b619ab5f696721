"""An account's credits, its held campaigns, and the fence around a restarted Redis."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from dispatcher.domain.vitals import STANDINGS, place_of
from dispatcher.store.connection import translated
from dispatcher.store.keys import Key
from dispatcher.store.nudges import Nudge, read_nudge
from dispatcher.store.replies import text
from dispatcher.store.scripts import Script, Scripts
from dispatcher.store.secrets import read_secret


@dataclass(frozen=True, kw_only=True, slots=True)
class Credits:
    """An account's credits as we know them.

    Attributes:
        balance: what the API told last, less what we spent since; None before the first answer.
        reserved: set aside by campaigns, including what is at stake in unanswered POSTs.
        spent: debited by our sends since the account was first used.
        parked: why nothing is sent on this account, if so.
        stopped_by: who stopped every send of this account, if somebody did.
    """

    balance: int | None
    reserved: int
    spent: int
    parked: str | None
    stopped_by: str | None = None

    @property
    def available(self) -> int:
        """What a further campaign may reserve."""
        return (self.balance or 0) - self.reserved


@dataclass(frozen=True, kw_only=True, slots=True)
class Agenda:
    """What one tick found on an account.

    Attributes:
        held: campaigns that a credit check may release.
        receipts: entries of received but unmerged receipts.
        replies: entries of received replies that are not linked.
        cleanups: campaigns whose lists are to be emptied.
        withdrawals: batches to be taken back.
        schedules: schedules that are due.
        checks: campaigns whose books are to be checked.
        unnamed: batches of which people are to be named.
        nudges: campaigns that stand still.
    """

    held: int
    receipts: int
    replies: int
    cleanups: int
    withdrawals: int
    schedules: int
    checks: int
    unnamed: int
    nudges: Sequence[Nudge]


class Ledger:
    """The account itself: money and what should move."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._client = scripts.client
        self._keys = scripts.keys

    def credits(self) -> Credits:
        """Read what is known of the account's credits."""
        with translated():
            raw = self._client.hmget(
                self._keys.of(Key.ACCOUNT), ["balance", "reserved", "spent", "parked", "stopped_by"]
            )
        balance, reserved, spent, parked, stopped_by = raw
        return Credits(
            balance=None if balance is None else int(balance),
            reserved=int(reserved or 0),
            spent=int(spent or 0),
            parked=text(parked) if parked else None,
            stopped_by=text(stopped_by) if stopped_by else None,
        )

    def stop(self, *, by: str) -> None:
        """Let nothing more of the account be sent, from the next POST on."""
        self._scripts.run(Script.STOP, by)

    def start(self) -> str:
        """Let the account send again; give who had stopped it, "" for nobody."""
        return text(self._scripts.run(Script.STOP, ""))

    def begin_check(self, *, interval_ms: int, at_once: bool = False) -> int | None:
        """Ask to be the one who calls GET /credits; give `spent` as it is now, or None for no."""
        go_ahead, spent = self._scripts.run(
            Script.BEGIN_CHECK, interval_ms, "now" if at_once else ""
        )
        return int(spent) if go_ahead else None

    def observe(self, credits_left: int, *, spent_before: int) -> list[str]:
        """Take the balance the API told; give the held campaigns it may release, in order."""
        held = self._scripts.run(Script.OBSERVE_BALANCE, credits_left, spent_before)
        return [campaign.decode() for campaign in held]

    def resume(self, campaign: str) -> Nudge:
        """Try to release a campaign held for credits or credentials."""
        return read_nudge(campaign, self._scripts.run(Script.RESUME, campaign))

    def tick(self, *, limit: int = 200) -> Agenda:
        """Find what should have moved, and move what time alone moves."""
        figures = self._scripts.run(Script.TICK, limit)
        (held, receipts, replies, cleanups, withdrawals, schedules, checks, unnamed, *rest) = (
            figures
        )
        rows = zip(rest[::3], rest[1::3], rest[2::3], strict=True)
        return Agenda(
            held=held,
            receipts=receipts,
            replies=replies,
            cleanups=cleanups,
            withdrawals=withdrawals,
            schedules=schedules,
            checks=checks,
            unnamed=unnamed,
            nudges=[read_nudge(name.decode(), (state, waiting)) for name, state, waiting in rows],
        )

    def approve_server(self, *, quiet_ms: int) -> int:
        """Let sends begin after Redis restarted; give the ms still to wait, 0 when approved.

        `quiet_ms` is how long claims made before a failover may still be in flight; 0 when a
        restart cannot have forgotten any.
        """
        return int(self._scripts.run(Script.APPROVE_SERVER, quiet_ms))

    def count_anew(self) -> None:
        """Begin the count of what stands where anew; ticks enter every campaign again."""
        places = [place_of(each) for each in STANDINGS]
        self._scripts.run(Script.COUNT_ANEW, msgspec.msgpack.encode(places))

    def receipt_key(self) -> bytes:
        """Give the secret that signs this account's `gsmsmsid`s, making it on first use."""
        return read_secret(self._client, self._keys, Key.RECEIPT_KEY)
