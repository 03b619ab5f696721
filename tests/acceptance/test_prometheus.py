"""A real Prometheus scrapes a real stack: it gets what the rules ask for, and alerts fire."""

import json
import os
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dispatcher import Campaign, CampaignState
from dispatcher.embedded import HOST, free_port
from tests.support.polling import eventually
from tests.support.stack import Stack

DEPLOY = Path(__file__).parents[2] / "deploy"
MONITOR_READY = r"monitor listening on http://(\S+)"
CONFIGURATION = """
global: {{ scrape_interval: 1s, evaluation_interval: 1s }}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: processes
    static_configs: [{{ targets: ["{worker}"], labels: {{ role: worker }} }}]
  - job_name: monitor
    static_configs: [{{ targets: ["{monitor}"] }}]
"""


def prometheus() -> str:
    found = shutil.which("prometheus")
    if found is None:
        missing = "no Prometheus: apt-get install prometheus"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@contextmanager
def running_prometheus(folder: Path, *, worker: str, monitor: str) -> Iterator[str]:
    """Run one over two targets with our rules; give its address."""
    folder.mkdir()
    rules = DEPLOY / "prometheus" / "rules.yml"
    text = CONFIGURATION.format(rules=rules, worker=worker, monitor=monitor)
    (folder / "prometheus.yml").write_text(text)
    address = f"{HOST}:{free_port()}"
    options = {
        "config.file": folder / "prometheus.yml",
        "storage.tsdb.path": folder / "data",
        "web.listen-address": address,
    }
    command = [prometheus(), *(f"--{name}={value}" for name, value in options.items())]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(30)


def asked(url: str, path: str, **query: str) -> Any:  # noqa: ANN401 - Prometheus' own
    whole = f"{url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
    try:
        with urllib.request.urlopen(whole, timeout=10) as answer:  # noqa: S310 - our own server
            return json.load(answer)["data"]
    except urllib.error.URLError:
        return {}


def alerts(url: str, *, state: str) -> set[str]:
    found = asked(url, "alerts").get("alerts", [])
    return {each["labels"]["alertname"] for each in found if each["state"] == state}


def value(url: str, expression: str) -> float | None:
    result = asked(url, "query", query=expression).get("result", [])
    return float(result[0]["value"][1]) if result else None


def test_a_real_prometheus_gets_all_of_it(tmp_path: Path) -> None:
    port = free_port()
    env = {"DISPATCHER_MONITOR_PORT": str(port)}
    with Stack(tmp_path / "stack", env=env, sandbox_options=("--receipt-delay", "0")) as stack:
        stack.start_worker()
        del stack.env["DISPATCHER_MONITOR_PORT"]
        reader = stack._sign_in("monitor", "monitor")
        command = ("-m", "dispatcher", "monitor", "--port", "0")
        monitor = stack._start("monitor", *command, **reader).announcement(MONITOR_READY)
        sent = stack.dispatcher.submit(
            Campaign(recipients=["+33639980101", "+33639980102"], text="Bonjour"),
            idempotency_key="watched",
        )
        eventually(lambda: stack.dispatcher.status(sent).state is CampaignState.SENT)

        with running_prometheus(tmp_path / "p", worker=f"{HOST}:{port}", monitor=monitor) as url:
            eventually(lambda: value(url, "min(up)") == 1 and value(url, "count(up)") == 2)
            spent = "sum(dispatcher_spent_credits_total)"
            eventually(lambda: value(url, spent) == 2)
            assert value(url, 'dispatcher_campaigns{state="sent"}') == 1
            posts = 'dispatcher_api_calls_total{method="POST", route="/send", outcome="ok"}'
            assert value(url, posts) == 1

            [group] = eventually(lambda: asked(url, "rules").get("groups"))
            eventually(lambda: {each["health"] for each in _rules(url)} == {"ok"})
            assert len(group["rules"]) > 20
            # No beat runs, so no tick ever came.
            assert value(url, "dispatcher_tick_age_seconds") is None
            assert alerts(url, state="firing") == set()
            eventually(lambda: alerts(url, state="pending") == {"DispatcherNeverTicked"})

            stack.dispatcher.stop(by="ada")
            blocked = 'dispatcher_sends_blocked{reason="stopped"}'
            eventually(lambda: value(url, blocked) == 1)
            stack.redis.kill()
            eventually(lambda: "DispatcherRedisDown" in alerts(url, state="firing"), within=90)
            assert value(url, "dispatcher_campaigns") is None


def _rules(url: str) -> list[dict[str, Any]]:
    groups = asked(url, "rules").get("groups", [])
    return [rule for group in groups for rule in group["rules"]]
