"""Asks a stack's Prometheus whether it sees all that the alert rules and the dashboard are about.

Grafana asks by ranges of time, and fills in the variables of a dashboard before it does; so does
this. What Grafana makes of an answer is not looked at.
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
RULES = FOLDER / "prometheus" / "rules.yml"
DASHBOARD = FOLDER / "grafana" / "dashboards" / "dispatcher.json"
METRIC = re.compile(r"\b(?:dispatcher|process)_[a-z_]+|\bup\b")
STEP_SECONDS = 15

# Runs beside Prometheus, which is on no network of this machine.
ASK = """
import json, sys, urllib.error, urllib.parse, urllib.request
def ask(path, query):
    url = f"http://prometheus:9090/api/v1/{path}?{urllib.parse.urlencode(query)}"
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)
print(json.dumps([ask(path, query) for path, query in json.loads(sys.argv[1])]))
"""

Question = tuple[str, Mapping[str, object]]
Answer = dict[str, Any]


class Watched:
    """What one Prometheus sees.

    Args:
        ask: runs a Python script with arguments where Prometheus can be reached, and gives what it
            printed.
        since: when what is looked at began, in seconds of Unix time.
    """

    def __init__(self, ask: Callable[..., str], *, since: float) -> None:
        self._run = ask
        self._since = since

    def sees(self, processes: int) -> bool:
        """Tell whether so many processes are scraped without an error, and every rule is sound."""
        targets, rules = self._answers([("targets", {"state": "active"}), ("rules", {})])
        health = [each["health"] for each in targets["data"]["activeTargets"]]
        sound = [
            rule["name"]
            for group in rules["data"]["groups"]
            for rule in group["rules"]
            if rule["health"] == "ok"
        ]
        return health == ["up"] * processes and sound == alerts()

    def faults(self) -> list[str]:
        """Say what the dashboard would not show, or the rules would not hear of."""
        names, accounts = self._answers(
            [
                ("label/__name__/values", {}),
                ("label/account/values", {"match[]": "dispatcher_campaigns"}),
            ]
        )
        found = [f"no {name}" for name in sorted(metrics() - set(names["data"]))]
        if not accounts["data"]:
            found.append("no account to choose on the dashboard")
        expressions = [
            filled for account in (".*", *accounts["data"]) for filled in panels(account).items()
        ]
        answers = self._answers([self._range(expression) for _, expression in expressions])
        for (panel, _), answer in zip(expressions, answers, strict=True):
            if answer["status"] != "success" or answer.get("warnings"):
                found.append(f"{panel}: {answer.get('error') or answer['warnings']}")
            elif not answer["data"]["result"]:
                found.append(f"{panel}: nothing")
        return found

    def fired(self) -> list[str]:
        """Name the alerts that fired meanwhile."""
        [answer] = self._answers(
            [self._range('count by (alertname) (ALERTS{alertstate="firing"})')]
        )
        return sorted(each["metric"]["alertname"] for each in answer["data"]["result"])

    def _range(self, expression: str) -> Question:
        times = {"start": self._since, "end": time.time(), "step": STEP_SECONDS}
        return "query_range", {"query": expression, **times}

    def _answers(self, questions: Sequence[Question]) -> list[Answer]:
        found: list[Answer] = json.loads(self._run(ASK, json.dumps(questions)))
        return found


def alerts() -> list[str]:
    """Name the alerts there are rules of, as they are written down."""
    return re.findall(r"- alert: (\w+)", RULES.read_text())


def panels(account: str) -> dict[str, str]:
    """Give the expressions of the dashboard for some accounts, by panel and reference."""
    return {
        f"{panel['title']} {target['refId']}": target["expr"].replace("$account", account)
        for panel in json.loads(DASHBOARD.read_text())["panels"]
        for target in panel.get("targets", ())
    }


def metrics() -> set[str]:
    """Name the metrics that rules and dashboard are about."""
    texts: Iterable[str] = (
        *panels(".*").values(),
        *re.findall(r"expr: '(.*)'", RULES.read_text()),
    )
    return {name for text in texts for name in METRIC.findall(re.sub(r'"[^"]*"', "", text))}
