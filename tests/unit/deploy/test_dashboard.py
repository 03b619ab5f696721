"""What can be known of Grafana without one: it would read all of what it is provisioned with."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.support.deployment import compose

GRAFANA = Path(__file__).parents[3] / "deploy" / "grafana"
DASHBOARD: dict[str, Any] = json.loads((GRAFANA / "dashboards" / "dispatcher.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
# As documented for Grafana 12, "Provision Grafana".
DATA_SOURCE_FIELDS = {
    "access",
    "basicAuth",
    "basicAuthUser",
    "database",
    "editable",
    "isDefault",
    "jsonData",
    "name",
    "orgId",
    "secureJsonData",
    "type",
    "uid",
    "url",
    "user",
    "version",
    "withCredentials",
}
PROVIDER_FIELDS = {
    "allowUiUpdates",
    "disableDeletion",
    "folder",
    "folderUid",
    "name",
    "options",
    "orgId",
    "type",
    "updateIntervalSeconds",
}


def provisioned(kind: str, file: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((GRAFANA / "provisioning" / kind / file).read_text())
    return found


def as_grafana_reads(document: dict[str, Any]) -> dict[str, Any]:
    """Read a dashboard into the types of Grafana, which leave out what they do not know."""
    plugins.register_default_plugins()
    read: dict[str, Any] = json.loads(
        JSONEncoder(sort_keys=True, indent=1).encode(Dashboard.from_json(document))
    )
    return read


def lost(given: Any, read: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Name what is not there any more, or is something else."""
    if isinstance(given, dict) and isinstance(read, dict):
        for name, value in given.items():
            if name in read:
                yield from lost(value, read[name], f"{path}/{name}")
            else:
                yield f"{path}/{name}"
    elif isinstance(given, list) and isinstance(read, list) and len(given) == len(read):
        for n, (one, other) in enumerate(zip(given, read, strict=True)):
            yield from lost(one, other, f"{path}/{n}")
    elif given != read:
        yield path


def test_grafana_reads_every_field_of_the_dashboard() -> None:
    assert list(lost(DASHBOARD, as_grafana_reads(DASHBOARD))) == []


@pytest.mark.parametrize(
    ("where", "name"),
    [
        (lambda it: it, "titel"),
        (lambda it: it["panels"][1], "descripton"),
        (lambda it: it["panels"][1]["targets"][0], "expression"),
        (lambda it: it["panels"][1]["options"], "colourMode"),
        (lambda it: it["panels"][1]["fieldConfig"]["defaults"], "units"),
        (lambda it: it["templating"]["list"][0], "multiple"),
    ],
)
def test_a_field_that_grafana_does_not_know_is_found(where: Any, name: str) -> None:  # noqa: ANN401
    wrong = json.loads(json.dumps(DASHBOARD))
    where(wrong)[name] = 1

    [found] = lost(wrong, as_grafana_reads(wrong))
    assert found.endswith(f"/{name}")


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_every_panel_says_what_it_shows_in_which_unit(panel: dict[str, Any]) -> None:
    known = {value for value in vars(units).values() if isinstance(value, str)}

    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"] in known | {"none"}
    assert panel["targets"]
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    assert all(target["expr"] for target in panel["targets"])
    if len(panel["targets"]) > 1:
        assert all(target["legendFormat"] for target in panel["targets"])


def test_every_panel_and_variable_asks_the_data_source_that_is_provisioned() -> None:
    [source] = provisioned("datasources", "prometheus.yml")["datasources"]
    asked = [
        each["datasource"]
        for panel in PANELS
        for each in (panel, *panel["targets"], *DASHBOARD["templating"]["list"])
    ]

    assert asked
    assert all(each == {"type": source["type"], "uid": source["uid"]} for each in asked)


def test_the_data_source_is_the_prometheus_of_the_stack() -> None:
    found = provisioned("datasources", "prometheus.yml")
    [source] = found["datasources"]

    assert found["apiVersion"] == 1
    assert set(source) <= DATA_SOURCE_FIELDS
    assert source["type"] == "prometheus"
    assert source["access"] == "proxy"
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in compose()["services"]


def test_dashboards_are_looked_for_where_the_stack_puts_them() -> None:
    found = provisioned("dashboards", "dispatcher.yml")
    [provider] = found["providers"]
    mounts = dict(
        mount.split(":")[:2]
        for mount in compose()["services"]["grafana"]["volumes"]
        if mount.startswith("./")
    )

    assert found["apiVersion"] == 1
    assert set(provider) <= PROVIDER_FIELDS
    assert provider["type"] == "file"
    assert mounts["./deploy/grafana/dashboards"] == provider["options"]["path"]
    assert mounts["./deploy/grafana/provisioning"] == "/etc/grafana/provisioning"
