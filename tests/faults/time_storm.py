"""Producers of the kill loop who want campaigns later, and think better of some of them."""

import contextlib
import itertools
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from dispatcher import Campaign
from dispatcher.domain.campaign import Cancellation
from dispatcher.domain.timing import Handover
from dispatcher.errors import InputError, StateError, StoreUnavailableError
from tests.faults import storm
from tests.faults.storm import ROOT, Submissions, let_time_pass, submitting
from tests.support.people import generated
from tests.support.stack import Stack
from tests.support.warm import WarmPopen

DELAYED = 0.5
CANCELLED = 0.15
SECONDS_AHEAD = (2.0, 25.0)
SECONDS_TO_THINK = (0.0, 6.0)

CANCEL_FAULTS = {
    "drop_before": 0.06,
    "drop_after": 0.08,
    "http_before:502": 0.03,
    "http_after:502": 0.03,
    "slow_after:3": 0.03,
}
"""Shares of calls that take something back; more than a fifth."""


class HastyNursery(storm.Nursery):
    """Keeps workers running whose protocol has short times."""

    def __init__(self, stack: Stack, *, workers: int) -> None:
        self._process = WarmPopen[str](
            [sys.executable, "-m", "tests.faults.hasty_nursery", str(stack.directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **stack.env},
        )
        self.killed = []
        self.exits = 0
        self._pids = [self._start() for _ in range(workers)]


def sent_at_its_time(campaign: Campaign, submit: Callable[[Campaign], str]) -> str:
    """Submit a campaign, and again with a later time when its own passed before it was taken."""
    while True:
        try:
            return submit(campaign)
        except InputError:
            now = datetime.now(UTC)
            if campaign.send_at is None or campaign.send_at > now:
                raise
            campaign = replace(campaign, send_at=now + timedelta(seconds=SECONDS_AHEAD[1]))


@dataclass(kw_only=True)
class FickleProducer(Submissions):
    """A producer half of whose campaigns have a time, and who cancels some of all.

    Attributes:
        answers: what each cancellation was told; None for `too late`.
        delayed: the campaigns that have a time.
    """

    dice: random.Random
    answers: dict[str, Cancellation | None] = field(default_factory=dict)
    delayed: set[str] = field(default_factory=set)
    _regrets: list[threading.Timer] = field(default_factory=list)

    def run(self) -> None:
        """Submit every campaign, each to people of its own, and cancel those regretted."""
        people = generated(sum(self.sizes))
        for place, size in enumerate(self.sizes):
            recipients = list(itertools.islice(people, size))
            name = self._submit(self._campaign(recipients), f"campaign {place}")
            self.confirmed[name] = size
            if self.dice.random() < CANCELLED:
                self._regret(name)
            let_time_pass(self.pause)
        for timer in self._regrets:
            timer.join()

    def _campaign(self, recipients: list[str]) -> Campaign:
        if self.dice.random() >= DELAYED:
            return Campaign(recipients=recipients, text="Bonjour")
        ahead = timedelta(seconds=self.dice.uniform(*SECONDS_AHEAD))
        return Campaign(
            recipients=recipients,
            text="Bonjour",
            send_at=datetime.now(UTC) + ahead,
            handover=self.dice.choice((Handover.LOCAL, Handover.PROVIDER, Handover.PROVIDER)),
        )

    def _submit(self, campaign: Campaign, key: str) -> str:
        submit = super()._submit
        name = sent_at_its_time(campaign, lambda timed: submit(timed, key))
        if campaign.send_at is not None:
            self.delayed.add(name)
        return name

    def _regret(self, campaign: str) -> None:
        timer = threading.Timer(self.dice.uniform(*SECONDS_TO_THINK), self._cancel, (campaign,))
        self._regrets.append(timer)
        timer.start()

    def _cancel(self, campaign: str) -> None:
        """Cancel until the store has answered."""
        while campaign not in self.answers:
            with contextlib.suppress(StoreUnavailableError):
                try:
                    self.answers[campaign] = self.stack.dispatcher.cancel(campaign)
                except StateError:
                    self.answers[campaign] = None


@contextmanager
def wavering(producer: FickleProducer) -> Iterator[None]:
    """Submit and cancel in the background; wait for the last answer at the end."""
    with submitting(producer):
        yield
