"""Every metric of the state: what it is called, and that there are not too many."""

import json
import re

import typer
from prometheus_client.parser import text_string_to_metric_families

from dispatcher.cli.main import app
from dispatcher.monitoring.meanings import MEANINGS
from dispatcher.monitoring.meters import LastCalls, Meters
from dispatcher.monitoring.metrics import metrics_page
from dispatcher.monitoring.monitor import depth_page, findings_of
from dispatcher.queueing import QueueName
from dispatcher.smsfactor.watching import Call
from tests.support.views import AWAY, QUIET, TROUBLED, view

MOST_SERIES_OF_AN_ACCOUNT = 120


def samples(body: str) -> dict[str, float]:
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }


def value(body: str, name: str, **labels: str) -> float:
    return samples(body)[f"dispatcher_{name}{sorted(labels.items())}"]


def test_the_state_is_told_by_account() -> None:
    body = metrics_page(view()).body

    assert value(body, "campaigns", account="shop", state="sending") == 3
    assert value(body, "campaigns", account="shop", state="held") == 3
    assert value(body, "campaigns", account="shop", state="finished") == 12_345
    assert value(body, "campaigns_held", account="shop", reason="credits") == 2
    assert value(body, "campaign_oldest_seconds", account="shop", state="held") == 7200
    assert value(body, "unknown_credits", account="shop") == 2000
    assert value(body, "unknown_oldest_seconds", account="shop") == 1900
    assert value(body, "lag_seconds", account="shop", what="campaigns") == 130
    assert value(body, "sends_blocked", account="shop", reason="breaker") == 1
    assert value(body, "sends_blocked", account="default", reason="breaker") == 0
    assert value(body, "rate_effective", account="shop") == 40
    assert value(body, "queue_messages", queue="dispatch") == 2
    assert value(body, "queue_unacked") == 3
    assert value(body, "spent_credits_total", account="shop") == 9000


def test_what_is_away_is_down_and_the_rest_is_not_there() -> None:
    body = metrics_page(AWAY).body

    assert samples(body) == {
        "dispatcher_up[('part', 'redis')]": 0,
        "dispatcher_up[('part', 'broker')]": 0,
    }


def test_what_nobody_knows_has_no_sample() -> None:
    body = metrics_page(view(accounts=(QUIET,))).body

    assert "dispatcher_rate_budget{" not in body
    assert "dispatcher_campaign_oldest_seconds{" not in body
    assert value(body, "unknown_oldest_seconds", account="default") == 0


def test_an_account_has_some_dozens_of_series_whatever_is_in_it() -> None:
    one = len(samples(metrics_page(view(accounts=(QUIET,))).body))
    both = len(samples(metrics_page(view(accounts=(QUIET, TROUBLED))).body))

    assert both - one < MOST_SERIES_OF_AN_ACCOUNT


def test_every_metric_tells_its_unit_and_what_to_do_about_it() -> None:
    meters = Meters(["campaigns.send"])
    meters.watch("shop")(_call("ok"))
    body = metrics_page(view()).body + meters.page().body
    told = dict(re.findall(r"^# HELP dispatcher_(\w+) (.*)$", body, re.MULTILINE))
    advice = re.compile(r"\b(when|at 0|above|high is usual|need|no sample|0 for none|correct)\b")
    named = {name for says in told.values() for name in re.findall(r"dispatcher ([a-z]+)", says)}

    assert {name.removesuffix("_total") for name in told} == set(MEANINGS)
    assert [name for name, says in told.items() if not advice.search(says)] == []
    assert [name for name in told if name.endswith("_seconds") and "econds" not in told[name]] == []
    assert named <= set(getattr(typer.main.get_command(app), "commands", {}))


def test_no_series_tells_when_it_began() -> None:
    meters = Meters(["campaigns.send"])
    meters.watch("shop")(_call("ok"))
    meters.count_turn("dispatch", "campaigns.send", "success", 0.1)

    assert "_created" not in meters.page().body


def test_autoscalers_are_told_what_waits_and_nothing_rather_than_a_guess() -> None:
    told = depth_page(view())

    hints = 2 * len(QueueName) + 3
    assert json.loads(told.body) == {"batches": 30, "paced": 11, "hints": hints, "receipts": 9}
    assert depth_page(AWAY).status == 503


def test_a_monitor_is_ready_when_it_reaches_what_it_shows() -> None:
    assert not any(each.is_bad for each in findings_of(view()))
    assert [each.subject for each in findings_of(AWAY) if each.is_bad] == ["redis", "broker"]


def _call(outcome: str) -> Call:
    return Call(method="POST", route="/send", outcome=outcome, began_at=0, seconds=0.2)


def test_calls_are_counted_by_route_and_end() -> None:
    meters = Meters(["campaigns.send"])
    for outcome in ("ok", "ok", "refused -3"):
        meters.watch("shop")(_call(outcome))

    body = meters.page().body
    where = {"account": "shop", "method": "POST", "route": "/send"}

    assert value(body, "api_calls_total", **where, outcome="ok") == 2
    assert value(body, "api_calls_total", **where, outcome="refused -3") == 1
    assert value(body, "api_call_seconds_count", **where) == 3
    assert value(body, "api_call_seconds_bucket", **where, le="0.25") == 3


def test_foreign_tasks_are_counted_together() -> None:
    meters = Meters(["campaigns.send"], ["dispatch"])
    for name in ("campaigns.send", "their.task.1", "their.task.2"):
        meters.count_turn("dispatch", name, "success", 0.1)
        meters.count_hint(name)

    body, of = meters.page().body, {"queue": "dispatch", "outcome": "success"}

    assert value(body, "task_turns_total", **of, task="campaigns.send") == 1
    assert value(body, "task_turns_total", **of, task="other") == 2
    assert value(body, "hints_given_total", task="other") == 2


def test_the_last_call_of_each_account_is_told_and_makes_nobody_unfit() -> None:
    now = 100.0
    calls = LastCalls(["default", "shop", "new"], clock=lambda: now)
    calls.watch("default")(_call("ok"))
    calls.watch("shop")(_call("unreachable"))
    now = 130.0

    found = {each.subject: each.says for each in calls.findings()}

    assert found == {
        "api of default": "ok",
        "api of shop": "unreachable, 30 s ago",
        "api of new": "not called yet",
    }
    assert not any(each.is_bad for each in calls.findings())
