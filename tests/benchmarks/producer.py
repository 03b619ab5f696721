"""Submits the benchmark's campaign and follows it, in a process whose memory is its own."""

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from dispatcher import Campaign, Dispatcher
from dispatcher.domain.campaign import Event
from dispatcher.domain.lifecycle import CampaignState
from tests.benchmarks.processes import peak_memory
from tests.benchmarks.report import Split, Usage
from tests.benchmarks.workload import TEXT
from tests.support.polling import eventually

_SLOWEST = 5000
"""Recipients a second that a machine must manage for the benchmark to go on."""

_ON_THE_WAY = {CampaignState.QUEUED, CampaignState.QUOTING, CampaignState.SENDING}


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What this process prints.

    Attributes:
        split: from the call of `submit` to the last ticket.
        usage: what this process took until `submit` returned.
        state: where the campaign stands once it does not move any more.
        batches: POSTs it was divided into.
        cost: credits it was debited, by our own record.
    """

    split: Split
    usage: Usage
    state: CampaignState
    batches: int
    cost: int


def main(numbers: Path) -> None:
    """Submit the numbers in a file, one on each line, read while they are taken in."""
    dispatcher = Dispatcher.from_env()
    with numbers.open() as lines:
        campaign = Campaign(recipients=map(str.rstrip, lines), text=TEXT)
        busy, began = time.process_time(), time.time()
        identity = dispatcher.submit(campaign)
        submitted = time.time()
    usage = Usage(peak=peak_memory(os.getpid()), processor=time.process_time() - busy)
    recipients = dispatcher.status(identity).recipients
    eventually(
        lambda: dispatcher.status(identity).state not in _ON_THE_WAY,
        within=60 + recipients / _SLOWEST,
        every=0.05,
    )
    status = dispatcher.status(identity)
    outcome = Outcome(
        split=split_of(began, submitted, dispatcher.events(identity)),
        usage=usage,
        state=status.state,
        batches=status.batches,
        cost=status.cost,
    )
    print(msgspec.json.encode(outcome).decode())


def split_of(began: float, submitted: float, events: Iterable[Event]) -> Split:
    """Divide the time until the last ticket; workers begin to quote while `submit` returns."""
    moments = {event.new: event.at.timestamp() for event in events if event.what == "campaign"}
    sending = moments.get(CampaignState.SENDING.value, submitted)
    last_ticket = moments.get(CampaignState.SENT.value, sending)
    return Split(submit=submitted - began, quote=sending - submitted, send=last_ticket - sending)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
