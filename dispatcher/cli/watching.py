"""Follows a campaign until it gets somewhere."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dispatcher.domain.campaign import CampaignStatus
from dispatcher.domain.lifecycle import CampaignState, HoldReason

_EVERY = 0.2

Look = Callable[[], CampaignStatus]
Goal = Callable[[CampaignStatus], bool]


@dataclass(frozen=True, kw_only=True)
class Watch:
    """How long and how often to look at a campaign.

    Attributes:
        timeout: seconds; None looks for ever.
        clock, pause: time, for tests to replace.
    """

    timeout: float | None = None
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep

    def until(self, goal: Goal, look: Look) -> Iterator[CampaignStatus]:
        """Give statuses until one meets the goal, or the time is over; the last one is told too."""
        ends = None if self.timeout is None else self.clock() + self.timeout
        while True:
            status = look()
            yield status
            if goal(status) or (ends is not None and self.clock() >= ends):
                return
            self.pause(_EVERY)


def is_read(status: CampaignStatus) -> bool:
    """Tell whether its recipients are known; those of lists are once the lists are read."""
    return status.batches > 0


def is_quoted(status: CampaignStatus) -> bool:
    """Tell whether the price is known, or there will be none."""
    return status.is_over or (is_read(status) and status.quoted == status.batches)


def is_settled(status: CampaignStatus) -> bool:
    """Tell whether nothing more goes out by itself: only receipts or a person change it now."""
    is_handed_over = status.state in (CampaignState.SCHEDULED, CampaignState.SENT)
    waits_for_its_time = status.hold in (HoldReason.TIME, HoldReason.WINDOW)
    return status.is_over or is_handed_over or waits_for_its_time or waits_for_a_person(status)


def is_done(status: CampaignStatus) -> bool:
    """Tell whether there is nothing left to watch but what a person has to do first."""
    return status.is_over or waits_for_a_person(status)


def waits_for_a_person(status: CampaignStatus) -> bool:
    """Tell whether only a person moves it on."""
    return status.hold in (HoldReason.APPROVAL, HoldReason.PAUSED)
