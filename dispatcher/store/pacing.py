"""How fast an account sends: its budget, its slots, and the pauses the API asks for."""

from dataclasses import dataclass

from dispatcher.store.claims import SendClaim
from dispatcher.store.scripts import Script, Scripts
from dispatcher.store.server_clock import ServerClock


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How an account is paced just now.

    Attributes:
        rate: segments a second of its budget, as the last claim told; None without one.
        effective: what the API's last pause left of it so far.
        paused_ms: how long nothing is quoted or sent, for the API asked for a pause.
        waits: slots that workers waited for, since ever.
        waited_ms: how long they did in all.
        lowered: pauses the API asked for, since ever.
    """

    rate: float | None
    effective: float | None
    paused_ms: int
    waits: int
    waited_ms: int
    lowered: int


class Pacing:
    """The pace of one account."""

    def __init__(self, scripts: Scripts, clock: ServerClock) -> None:
        self._scripts = scripts
        self._clock = clock

    def read(self) -> Pace:
        """Tell how the account is paced."""
        rate, effective, *counts = self._scripts.run(Script.PACE)
        paused_ms, waits, waited_ms, lowered = map(int, counts)
        return Pace(
            rate=float(rate) or None,
            effective=float(effective) or None,
            paused_ms=paused_ms,
            waits=waits,
            waited_ms=waited_ms,
            lowered=lowered,
        )

    def lower(self, *, retry_after_ms: int = 0) -> int:
        """Heed that the API had too many requests; give the ms nothing is to be asked of it.

        Args:
            retry_after_ms: how long it asked to wait; 0 when it did not say.
        """
        return int(self._scripts.run(Script.LOWER_RATE, retry_after_ms))

    def note(self, claim: SendClaim, *, late_ms: int) -> None:
        """Tell that a batch was posted later than its slot: the next ones keep their distance."""
        self._scripts.run(Script.NOTE_POST, claim.campaign, claim.n, claim.attempt, late_ms)

    def renew(self, claim: SendClaim, *, early_ms: int = 0) -> float | None:
        """Give a batch that missed its slot another, and say when; None when its claim is over.

        Args:
            claim: the batch.
            early_ms: how much more than usual there is to do before a slot.
        """
        asked = self._clock.monotonic()
        of_batch = (claim.campaign, claim.n, claim.attempt)
        slot, now = map(int, self._scripts.run(Script.RENEW_SLOT, *of_batch, early_ms))
        self._clock.heed(now, asked=asked, answered=self._clock.monotonic())
        return self._clock.moment(slot) if slot else None
