"""What a view is in Prometheus' terms: every metric of the state, its name and what it says."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dispatcher.broker import BrokerVitals
from dispatcher.domain.lifecycle import CampaignState, HoldReason
from dispatcher.domain.vitals import AccountVitals, ServerVitals, Waiting
from dispatcher.monitoring.endpoint import Page
from dispatcher.monitoring.meters import EXPOSITION
from dispatcher.monitoring.state import View

PREFIX = "dispatcher_"


_Family = GaugeMetricFamily | CounterMetricFamily


@dataclass(frozen=True, slots=True)
class _Families:
    """Metrics by name, made as they are first needed."""

    made: dict[str, _Family] = field(default_factory=dict)

    def gauge(self, name: str, says: str, value: float | None, **labels: str) -> None:
        """Add a sample; None is none."""
        self._add(GaugeMetricFamily, name, says, value, labels)

    def counter(self, name: str, says: str, value: float, **labels: str) -> None:
        """Add a sample of what only grows."""
        self._add(CounterMetricFamily, name, says, value, labels)

    def _add(
        self,
        kind: type[_Family],
        name: str,
        says: str,
        value: float | None,
        labels: dict[str, str],
    ) -> None:
        family = self.made.get(name)
        if family is None:
            family = self.made[name] = kind(PREFIX + name, says, labels=list(labels))
        if value is not None:
            family.add_metric(list(labels.values()), value)


def families_of(view: View) -> Iterable[Metric]:
    """Write a view as metrics; what is away has none but `dispatcher_up`."""
    to = _Families()
    says = "Whether it answers"
    to.gauge("up", says, view.server is not None, part="redis")
    to.gauge("up", says, view.broker is not None, part="broker")
    if view.server is not None:
        _add_server(to, view.server)
    if view.broker is not None:
        _add_broker(to, view.broker)
    for account in view.accounts:
        _add_campaigns(to, account)
        _add_batches(to, account)
        _add_money(to, account)
        _add_inbox(to, account)
        _add_course(to, account)
        _add_rate(to, account)
    return to.made.values()


class _Once(Collector):
    def __init__(self, view: View) -> None:
        self._view = view

    def collect(self) -> Iterator[Metric]:
        """Give the metrics of the view."""
        yield from families_of(self._view)


def metrics_page(view: View) -> Page:
    """Show a view in Prometheus' own format."""
    registry = CollectorRegistry()
    registry.register(_Once(view))
    return Page(body=generate_latest(registry).decode(), kind=EXPOSITION)


def _add_server(to: _Families, server: ServerVitals) -> None:
    to.gauge("redis_memory_used_bytes", "Memory the Redis of campaigns uses", server.used_memory)
    to.gauge("redis_memory_max_bytes", "Its limit; 0 for none", server.max_memory)
    to.gauge(
        "redis_log_ok", "Whether its append-only file is on and being written", server.is_log_fine
    )
    to.gauge("redis_replicas", "Its connected replicas", server.replicas)


def _add_broker(to: _Families, broker: BrokerVitals) -> None:
    for queue, count in broker.queues.items():
        to.gauge("queue_messages", "Messages no worker took yet", count, queue=queue.value)
    to.gauge("queue_unacked", "Messages taken and not acknowledged", broker.unacked)


def _add_campaigns(to: _Families, found: AccountVitals) -> None:
    counts = "Campaigns by where they stand"
    ages = "Seconds the oldest campaign has stood there"
    held = [waiting for place, waiting in found.standing.items() if isinstance(place, HoldReason)]
    states: dict[CampaignState, Waiting] = {
        place: waiting
        for place, waiting in found.standing.items()
        if isinstance(place, CampaignState)
    }
    states[CampaignState.HELD] = Waiting(
        count=sum(each.count for each in held),
        oldest=max((each.oldest for each in held if each.oldest is not None), default=None),
    )
    over = {state: Waiting(count=count) for state, count in found.over.items()}
    for state, waiting in (states | over).items():
        labels = {"account": found.account, "state": state.value}
        to.gauge("campaigns", counts, waiting.count, **labels)
        to.gauge("campaign_oldest_seconds", ages, waiting.oldest, **labels)
    for reason, waiting in found.standing.items():
        if isinstance(reason, HoldReason):
            labels = {"account": found.account, "reason": reason.value}
            to.gauge(
                "campaigns_held", "Held campaigns by what they wait for", waiting.count, **labels
            )
            to.gauge("campaign_held_oldest_seconds", ages, waiting.oldest, **labels)
    to.gauge(
        "campaigns_counted",
        "Whether all are in these counts",
        found.is_counted,
        account=found.account,
    )


def _add_batches(to: _Families, found: AccountVitals) -> None:
    account = found.account
    for state, count in found.batches.items():
        to.gauge("batches", "Batches by state", count, account=account, state=state.value)
    says = "Batches due to be quoted or sent, of campaigns that are not held"
    to.gauge("batches_waiting", says, found.waiting, account=account)
    to.gauge("batches_in_flight", "Batches in a POST under way", found.in_flight, account=account)
    says = "Batches whose answer was lost"
    to.gauge("unknown_batches", says, found.unknown.count, account=account)
    says = "What batches whose answer was lost were to cost"
    to.gauge("unknown_credits", says, found.money.at_stake, account=account)
    says = "Seconds since the oldest of them was lost; 0 for none"
    to.gauge("unknown_oldest_seconds", says, found.unknown.oldest or 0, account=account)


def _add_money(to: _Families, found: AccountVitals) -> None:
    account, money = found.account, found.money
    to.gauge("balance_credits", "The balance as it is known here", money.balance, account=account)
    says = "Seconds since the API's word last changed it"
    to.gauge("balance_age_seconds", says, money.balance_age, account=account)
    to.gauge("reserved_credits", "Set aside by campaigns", money.reserved, account=account)
    says = "The part of it in POSTs whose outcome is not recorded"
    to.gauge("exposed_credits", says, money.exposed, account=account)
    to.counter("spent_credits", "Debited by our sends", money.spent, account=account)
    says = "Whether nothing is sent, for this reason"
    for reason, stands in (
        ("parked", found.parked is not None),
        ("stopped", found.stopped_by is not None),
        ("breaker", found.is_breaker_open),
    ):
        to.gauge("sends_blocked", says, stands, account=account, reason=reason)


def _add_inbox(to: _Families, found: AccountVitals) -> None:
    account = found.account
    for what, waiting in (("receipts", found.receipts), ("replies", found.replies)):
        says = "Packs as received, until merged"
        to.gauge("inbox_waiting", says, waiting.count, account=account, what=what)
        says = "Seconds the oldest of them waits; 0 for none"
        to.gauge("inbox_oldest_seconds", says, waiting.oldest or 0, account=account, what=what)
    says = "Replies a person has to read"
    to.gauge("replies_to_review", says, found.to_review, account=account)
    says = "Packs of receipts that match nothing of ours"
    to.gauge("receipts_parked", says, found.strangers, account=account)
    for hook in ("dlr", "mo", "stop"):
        says = "Bodies nobody could read"
        to.counter(
            "malformed_bodies", says, found.malformed.get(hook, 0), account=account, hook=hook
        )
    to.gauge("alarms", "Contradictions found, the newest 10,000", found.alarms, account=account)
    to.gauge(
        "callbacks_waiting",
        "Campaigns with a callback to be made",
        found.callbacks,
        account=account,
    )
    to.gauge("callbacks_dead", "Callbacks that were given up", found.dead, account=account)
    to.gauge("outbox_events", "Events kept for producers", found.outboxes, account=account)


def _add_course(to: _Families, found: AccountVitals) -> None:
    account = found.account
    for what, waiting in found.overdue.items():
        says = "What should have moved by now"
        to.gauge("overdue", says, waiting.count, account=account, what=what)
        says = "Seconds since the first of it should have moved; 0 for none"
        to.gauge("lag_seconds", says, waiting.oldest or 0, account=account, what=what)
    to.gauge("tick_age_seconds", "Seconds since the last tick", found.ticked, account=account)
    says = "Campaigns that stood still and were nudged"
    to.counter("renudges", says, found.renudges, account=account)
    to.counter("leases_lost", "Sends that left no trace", found.leases_lost, account=account)


def _add_rate(to: _Families, found: AccountVitals) -> None:
    account, rate = found.account, found.rate
    says = "Segments a second of its budget"
    to.gauge("rate_budget", says, rate.budget, account=account)
    says = "What the API's last pause left of it so far"
    to.gauge("rate_effective", says, rate.effective, account=account)
    says = "Seconds for which nothing is sent, for the API asked for a pause"
    to.gauge("rate_paused_seconds", says, rate.paused, account=account)
    to.counter("rate_waits", "Sends that waited for the rate", rate.waits, account=account)
    to.counter("rate_waited_seconds", "Seconds they waited", rate.waited, account=account)
    to.counter("rate_lowered", "Times the API asked for less", rate.lowered, account=account)
