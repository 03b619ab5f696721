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
from dispatcher.monitoring.meanings import MEANINGS
from dispatcher.monitoring.meters import EXPOSITION
from dispatcher.monitoring.state import View

PREFIX = "dispatcher_"


_Family = GaugeMetricFamily | CounterMetricFamily


@dataclass(frozen=True, slots=True)
class _Families:
    """Metrics by name, made as they are first needed."""

    made: dict[str, _Family] = field(default_factory=dict)

    def gauge(self, name: str, value: float | None, **labels: str) -> None:
        """Add a sample; None is none."""
        self._add(GaugeMetricFamily, name, value, labels)

    def counter(self, name: str, value: float, **labels: str) -> None:
        """Add a sample of what only grows."""
        self._add(CounterMetricFamily, name, value, labels)

    def _add(
        self, kind: type[_Family], name: str, value: float | None, labels: dict[str, str]
    ) -> None:
        family = self.made.get(name)
        if family is None:
            family = self.made[name] = kind(PREFIX + name, MEANINGS[name], labels=list(labels))
        if value is not None:
            family.add_metric(list(labels.values()), value)


def families_of(view: View) -> Iterable[Metric]:
    """Write a view as metrics; what is away has none but `dispatcher_up`."""
    to = _Families()
    to.gauge("up", view.server is not None, part="redis")
    to.gauge("up", view.broker is not None, part="broker")
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
    to.gauge("redis_memory_used_bytes", server.used_memory)
    to.gauge("redis_memory_max_bytes", server.max_memory)
    to.gauge("redis_log_ok", server.is_log_fine)
    to.gauge("redis_replicas", server.replicas)


def _add_broker(to: _Families, broker: BrokerVitals) -> None:
    for queue, count in broker.queues.items():
        to.gauge("queue_messages", count, queue=queue.value)
    to.gauge("queue_unacked", broker.unacked)


def _add_campaigns(to: _Families, found: AccountVitals) -> None:
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
        to.gauge("campaigns", waiting.count, **labels)
        to.gauge("campaign_oldest_seconds", waiting.oldest, **labels)
    for reason, waiting in found.standing.items():
        if isinstance(reason, HoldReason):
            labels = {"account": found.account, "reason": reason.value}
            to.gauge("campaigns_held", waiting.count, **labels)
            to.gauge("campaign_held_oldest_seconds", waiting.oldest, **labels)
    to.gauge(
        "campaigns_counted",
        found.is_counted,
        account=found.account,
    )


def _add_batches(to: _Families, found: AccountVitals) -> None:
    account = found.account
    for state, count in found.batches.items():
        to.gauge("batches", count, account=account, state=state.value)
    to.gauge("batches_waiting", found.waiting, account=account)
    to.gauge("batches_paced", found.paced, account=account)
    to.gauge("batches_in_flight", found.in_flight, account=account)
    to.gauge("unknown_batches", found.unknown.count, account=account)
    to.gauge("unknown_credits", found.money.at_stake, account=account)
    to.gauge("unknown_oldest_seconds", found.unknown.oldest or 0, account=account)


def _add_money(to: _Families, found: AccountVitals) -> None:
    account, money = found.account, found.money
    to.gauge("balance_credits", money.balance, account=account)
    to.gauge("balance_age_seconds", money.balance_age, account=account)
    to.gauge("reserved_credits", money.reserved, account=account)
    to.gauge("exposed_credits", money.exposed, account=account)
    to.counter("spent_credits", money.spent, account=account)
    for reason, stands in (
        ("parked", found.parked is not None),
        ("stopped", found.stopped_by is not None),
        ("breaker", found.is_breaker_open),
    ):
        to.gauge("sends_blocked", stands, account=account, reason=reason)


def _add_inbox(to: _Families, found: AccountVitals) -> None:
    account = found.account
    for what, waiting in (("receipts", found.receipts), ("replies", found.replies)):
        to.gauge("inbox_waiting", waiting.count, account=account, what=what)
        to.gauge("inbox_oldest_seconds", waiting.oldest or 0, account=account, what=what)
    to.gauge("replies_to_review", found.to_review, account=account)
    to.gauge("receipts_parked", found.strangers, account=account)
    for hook in ("dlr", "mo", "stop"):
        to.counter("malformed_bodies", found.malformed.get(hook, 0), account=account, hook=hook)
    to.gauge("alarms", found.alarms, account=account)
    to.gauge(
        "callbacks_waiting",
        found.callbacks,
        account=account,
    )
    to.gauge("callbacks_dead", found.dead, account=account)
    to.gauge("outbox_events", found.outboxes, account=account)


def _add_course(to: _Families, found: AccountVitals) -> None:
    account = found.account
    for what, waiting in found.overdue.items():
        to.gauge("overdue", waiting.count, account=account, what=what)
        to.gauge("lag_seconds", waiting.oldest or 0, account=account, what=what)
    to.gauge("tick_age_seconds", found.ticked, account=account)
    to.counter("renudges", found.renudges, account=account)
    to.counter("leases_lost", found.leases_lost, account=account)


def _add_rate(to: _Families, found: AccountVitals) -> None:
    account, rate = found.account, found.rate
    to.gauge("rate_budget", rate.budget, account=account)
    to.gauge("rate_effective", rate.effective, account=account)
    to.gauge("rate_paused_seconds", rate.paused, account=account)
    to.counter("rate_waits", rate.waits, account=account)
    to.counter("rate_waited_seconds", rate.waited, account=account)
    to.counter("rate_lowered", rate.lowered, account=account)
