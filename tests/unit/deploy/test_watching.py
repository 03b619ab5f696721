"""Alert rules and dashboard: they fire when they should, and name only metrics there are."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dispatcher.monitoring.meters import Meters
from dispatcher.monitoring.metrics import metrics_page
from dispatcher.smsfactor.watching import Call
from tests.support.views import view

ROOT = Path(__file__).parents[3]
PROMETHEUS = ROOT / "deploy" / "prometheus"
GRAFANA = ROOT / "deploy" / "grafana"
COMMANDS = re.compile(r"`dispatcher ([a-z]+)")
METRIC = re.compile(r"\b(?:dispatcher|process)_[a-z_]+|\bup\b")


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        missing = "no promtool: apt-get install prometheus"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


def run(*command: str | Path, folder: Path = PROMETHEUS) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def alerts() -> list[str]:
    return re.findall(r"- alert: (\w+)", (PROMETHEUS / "rules.yml").read_text())


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GRAFANA / "dashboards" / "dispatcher.json").read_text())
    return found


def expressions() -> Iterator[str]:
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"].replace("$account", ".*")


def exported() -> set[str]:
    """Give the name of every sample the code may give, as Prometheus stores it."""
    meters = Meters()
    meters.watch("default")(
        Call(method="POST", route="/send", outcome="ok", began_at=0, seconds=0.1)
    )
    meters.count_turn("dispatch", "campaigns.send", "success", 0.1)
    meters.count_hint("campaigns.send")
    bodies = metrics_page(view()).body + meters.page().body
    return {"up", *re.findall(r"^([a-z_]+)[{ ]", bodies, re.MULTILINE)}


def test_the_configuration_and_the_rules_are_valid(promtool: str) -> None:
    run(promtool, "check", "config", "prometheus.yml")
    run(promtool, "check", "rules", "rules.yml")


def test_the_rules_fire_when_they_should_and_else_stay_quiet(promtool: str) -> None:
    run(promtool, "test", "rules", "rules.test.yml")


def test_every_alert_is_tested_both_ways_and_names_a_command_there_is() -> None:
    tests = (PROMETHEUS / "rules.test.yml").read_text()
    blocks = re.findall(
        r"- alert: \w+.*?(?=- alert|\Z)", (PROMETHEUS / "rules.yml").read_text(), re.DOTALL
    )
    commands = {path.stem for path in (ROOT / "dispatcher" / "cli").glob("*.py")}

    assert len(alerts()) > 20
    for name, block in zip(alerts(), blocks, strict=True):
        assert f"- name: {name} fires" in tests
        assert f"- name: {name} stays quiet" in tests
        assert "runbook: " in block
    named = {name for block in blocks for name in COMMANDS.findall(block)}
    assert named <= commands | {
        "worker",
        "beat",
        "monitor",
        "callbacks",
        "check",
        "credits",
        "start",
        "status",
    }


def test_every_metric_that_is_named_is_one_that_the_code_gives() -> None:
    rules = (PROMETHEUS / "rules.yml").read_text()
    named = {
        name
        for text in (*expressions(), *re.findall(r"expr: '(.*)'", rules))
        for name in METRIC.findall(re.sub(r'"[^"]*"', "", text))
    }

    assert len(named) > 30
    assert named - exported() == set()


def test_every_metric_that_operators_are_told_of_is_one_that_the_code_gives() -> None:
    told = (ROOT / "deploy" / "README.md").read_text()
    named = set(re.findall(r"\bdispatcher_[a-z_]+", told))

    assert len(named) > 20
    known = exported()
    assert [name for name in named if not any(each.startswith(name) for each in known)] == []


def test_every_expression_of_the_dashboard_can_be_read(promtool: str, tmp_path: Path) -> None:
    lines = ["groups:", "  - name: dashboard", "    rules:"]
    for n, expression in enumerate(expressions()):
        quoted = expression.replace("'", "''")
        lines += [f"      - record: panel{n}", f"        expr: '{quoted}'"]
    (tmp_path / "dashboard.yml").write_text("\n".join(lines))

    run(promtool, "check", "rules", tmp_path / "dashboard.yml")


def test_the_dashboard_is_one_grafana_can_load() -> None:
    found = dashboard()
    ids = [panel["id"] for panel in found["panels"]]
    places = [tuple(panel["gridPos"].values()) for panel in found["panels"]]

    assert len(set(ids)) == len(ids)
    assert all(wide <= 24 - x for _, wide, x, _ in places)
    assert (GRAFANA / "provisioning" / "datasources" / "prometheus.yml").is_file()
    assert (
        "uid: prometheus"
        in (GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text()
    )
    assert {panel["datasource"]["uid"] for panel in found["panels"] if "datasource" in panel} == {
        "prometheus"
    }


def test_prometheus_looks_for_services_of_the_compose_stack_where_they_listen() -> None:
    scraped = (PROMETHEUS / "prometheus.yml").read_text()
    compose = (ROOT / "docker-compose.yml").read_text()
    names = [name for each in re.findall(r"names: \[(.*)\]", scraped) for name in each.split(", ")]

    assert len(names) == 5
    assert [name for name in names if f"\n  {name}:\n" not in compose] == []
    assert f'DISPATCHER_MONITOR_PORT: "{_port_of("processes", scraped)}"' in compose
    assert f"{_port_of('monitor', scraped)}/live]" in compose


def _port_of(job: str, scraped: str) -> str:
    found = re.search(rf"job_name: {job}\n.*?port: (\d+)", scraped, re.DOTALL)
    assert found
    return found[1]
