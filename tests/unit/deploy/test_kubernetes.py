"""The manifests of deploy/kubernetes: valid, and true to the code they run."""

import re
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # its stubs are a package of their own
import kubernetes_validate
import pytest
import yaml

from dispatcher.cli.main import app
from dispatcher.monitoring.state import View
from dispatcher.queueing import QueueName
from dispatcher.settings import Settings
from tests.support.access import USERS
from tests.support.deployment import compose, consumed_queues
from tests.support.manifests import (
    FOLDER,
    OVERLAYS,
    SCALED_OBJECT,
    Object,
    container,
    of_kind,
    pod,
    ports,
    rendered,
    secret_files,
    selected,
    variables,
    workloads,
)

OURS = ("worker", "control", "beat", "web", "monitor", "flower")
SERVERS = ("state", "broker")
# What a SIGTERM waits for at most, beyond the longest POST; see `workers.app`.
MARGIN = 10
SCHEMAS = "1.32"

every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


@every_overlay
def test_every_object_is_what_its_schema_says(overlay: str) -> None:
    for found in rendered(overlay):
        if found["kind"] == "ScaledObject":
            jsonschema.validate(found, SCALED_OBJECT)
        else:
            kubernetes_validate.validate(found, SCHEMAS, strict=True)


def test_a_field_that_does_not_exist_is_found() -> None:
    worker = dict(workloads("production")["worker"])
    worker["spec"] = {**worker["spec"], "replica": 3}
    scaled = dict(of_kind("production", "ScaledObject")["worker"])
    scaled["spec"] = {**scaled["spec"], "minReplicas": 1}

    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        kubernetes_validate.validate(worker, SCHEMAS, strict=True)
    with pytest.raises(jsonschema.ValidationError, match="minReplicas"):
        jsonschema.validate(scaled, SCALED_OBJECT)


@every_overlay
def test_everything_of_one_overlay_is_in_one_namespace(overlay: str) -> None:
    namespaces = {found["metadata"].get("namespace") for found in rendered(overlay)}

    assert len(namespaces) == 1
    assert None not in namespaces


@every_overlay
def test_every_queue_of_the_code_is_consumed_once(overlay: str) -> None:
    commands = (container(found).get("args", []) for found in workloads(overlay).values())

    assert sorted(consumed_queues(commands)) == sorted(queue.value for queue in QueueName)


@every_overlay
@pytest.mark.parametrize("name", OURS)
def test_a_process_runs_a_command_there_is_as_in_the_compose_file(overlay: str, name: str) -> None:
    args = container(workloads(overlay)[name])["args"]
    known = {
        each.name or getattr(each.callback, "__name__", "") for each in app.registered_commands
    }

    assert args[0] in known
    assert (
        args[: len(compose()["services"][name]["command"])]
        == (compose()["services"][name]["command"])
    )


@every_overlay
def test_the_images_are_those_of_the_compose_file(overlay: str) -> None:
    images = {name: container(found)["image"] for name, found in workloads(overlay).items()}

    for name in SERVERS:
        assert images[name] == compose()["services"][name]["image"]
    for name in images.keys() - set(SERVERS):
        assert re.fullmatch(r"(\S+/)?sms-campaign-dispatcher:[\w.]+", images[name])
        assert not images[name].endswith(":latest")


@every_overlay
def test_every_setting_named_is_one(overlay: str) -> None:
    known = {f"DISPATCHER_{name.upper()}" for name in Settings.model_fields}
    for name in OURS:
        found = workloads(overlay)[name]
        named = set(variables(overlay, found)) | {
            file for secret, _, file in secret_files(found) if secret == "dispatcher-users"
        }
        assert named - {"DISPATCHER_SECRETS_DIR"} <= known


@every_overlay
@pytest.mark.parametrize("name", OURS)
def test_a_process_signs_in_as_the_user_whose_password_it_gets(overlay: str, name: str) -> None:
    found = workloads(overlay)[name]
    given = variables(overlay, found)
    keys = {file: key for secret, key, file in secret_files(found) if secret == "dispatcher-users"}

    for kind in ("REDIS", "BROKER"):
        url = compose()["services"][name].get("environment", {})[f"DISPATCHER_{kind}_URL"]
        if f"DISPATCHER_{kind}_PASSWORD" not in keys:
            assert (name, kind) == ("flower", "REDIS")
            continue
        assert given[f"DISPATCHER_{kind}_URL"] == url
        assert f"//{keys[f'DISPATCHER_{kind}_PASSWORD']}@" in url
        assert keys[f"DISPATCHER_{kind}_PASSWORD"] in USERS


@every_overlay
def test_no_pod_has_root_a_capability_the_cluster_api_or_a_disk_to_write_to(overlay: str) -> None:
    for found in workloads(overlay).values():
        spec, inside = pod(found), container(found)
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        # Else a service by the wrong name sets DISPATCHER_MONITOR_PORT and the like.
        assert spec["enableServiceLinks"] is False
        assert inside["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert inside["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in inside["resources"]["limits"]


@every_overlay
def test_a_stop_waits_for_a_post_under_way(overlay: str) -> None:
    for found in workloads(overlay).values():
        grace = pod(found)["terminationGracePeriodSeconds"]
        assert grace > Settings().http_deadline + MARGIN


@every_overlay
def test_probes_ask_where_something_listens(overlay: str) -> None:
    for name, found in workloads(overlay).items():
        probes = {key: value for key, value in container(found).items() if key.endswith("Probe")}
        assert {"livenessProbe", "readinessProbe"} <= probes.keys()
        for probe in probes.values():
            if name in SERVERS:
                assert "--user monitor ping" in probe["exec"]["command"][-1]
            else:
                assert probe["httpGet"]["port"] in ports(found)
    for name in ("worker", "control", "beat", "web"):
        found = workloads(overlay)[name]
        given = variables(overlay, found)
        assert ports(found)["monitor"] == int(given["DISPATCHER_MONITOR_PORT"])
        assert container(found)["livenessProbe"]["httpGet"]["path"] == "/live"
        assert given["DISPATCHER_MONITOR_HOST"] == "0.0.0.0"  # noqa: S104 - in a pod of its own


@every_overlay
def test_a_receiver_is_ready_while_redis_is_away(overlay: str) -> None:
    probe = container(workloads(overlay)["web"])["readinessProbe"]["httpGet"]

    assert probe == {"path": "/healthz", "port": "http"}
    assert workloads(overlay)["web"]["kind"] == "StatefulSet"


@every_overlay
def test_every_port_listened_at_is_the_one_that_is_told(overlay: str) -> None:
    for name, flag in (("web", "http"), ("monitor", "board"), ("flower", "http")):
        found = workloads(overlay)[name]
        args = container(found)["args"]
        assert int(args[args.index("--port") + 1]) == ports(found)[flag]


@every_overlay
def test_services_budgets_and_policies_select_pods_that_exist(overlay: str) -> None:
    labels = [
        found["spec"]["template"]["metadata"]["labels"] for found in workloads(overlay).values()
    ]
    selectors = [
        {"matchLabels": found["spec"]["selector"]} for found in of_kind(overlay, "Service").values()
    ]
    selectors += [
        found["spec"]["selector"] for found in of_kind(overlay, "PodDisruptionBudget").values()
    ]
    policies = of_kind(overlay, "NetworkPolicy")
    selectors += [policy["spec"]["podSelector"] for policy in policies.values()]

    for selector in selectors:
        assert any(selected(selector, found) for found in labels), selector
    for found in workloads(overlay).values():
        template = found["spec"]["template"]["metadata"]["labels"]
        assert selected(found["spec"]["selector"], template)
    assert all(selected(policies["nobody"]["spec"]["podSelector"], found) for found in labels)


@every_overlay
def test_services_and_policies_name_ports_that_exist(overlay: str) -> None:
    named = {name for found in workloads(overlay).values() for name in ports(found)}

    for service in of_kind(overlay, "Service").values():
        for port in service["spec"]["ports"]:
            target = workloads(overlay)[service["metadata"]["name"]]
            assert ports(target)[port["targetPort"]] == port["port"]
    for policy in of_kind(overlay, "NetworkPolicy").values():
        for rule in (*policy["spec"].get("ingress", []), *policy["spec"].get("egress", [])):
            assert {port["port"] for port in rule["ports"]} <= {*named, 53}


@every_overlay
def test_flower_is_reached_by_nobody_in_the_cluster_and_calls_the_servers_alone(
    overlay: str,
) -> None:
    labels = workloads(overlay)["flower"]["spec"]["template"]["metadata"]["labels"]
    policies = [
        policy["spec"]
        for policy in of_kind(overlay, "NetworkPolicy").values()
        if selected(policy["spec"]["podSelector"], labels)
    ]

    assert not [rule for policy in policies for rule in policy.get("ingress", [])]
    assert any("Egress" in policy["policyTypes"] for policy in policies)


def test_what_is_scaled_is_scaled_by_what_the_monitor_tells() -> None:
    for name, scaled in of_kind("production", "ScaledObject").items():
        target = workloads("production")[scaled["spec"]["scaleTargetRef"]["name"]]
        assert target["metadata"]["name"] == name
        assert "replicas" not in target["spec"]
        for trigger in scaled["spec"]["triggers"]:
            assert isinstance(getattr(View, trigger["metadata"]["valueLocation"]), property)
            namespace = target["metadata"]["namespace"]
            port = ports(workloads("production")["monitor"])["board"]
            url = f"http://monitor.{namespace}.svc.cluster.local:{port}/depth"
            assert trigger["metadata"]["url"] == url


@every_overlay
def test_every_process_but_the_servers_may_be_drained(overlay: str) -> None:
    budgets = of_kind(overlay, "PodDisruptionBudget")

    assert budgets["state"]["spec"]["minAvailable"] == 1
    for name in ("worker", "control", "beat", "web"):
        assert budgets[name]["spec"]["maxUnavailable"] == 1


@every_overlay
def test_the_servers_run_under_the_users_and_settings_of_this_project(overlay: str) -> None:
    valkey = [
        found for name, found in of_kind(overlay, "ConfigMap").items() if name.startswith("valkey-")
    ]

    [config] = valkey
    assert config["data"].keys() == {"redis.conf", "broker.conf", "users.acl", "acl"}
    for name in SERVERS:
        script = container(workloads(overlay)[name])["command"][2]
        assert "/run/config/users.acl" in script
        assert "--aclfile" in script
        assert ("redis.conf" if name == "state" else "broker.conf") in script


def test_no_secret_is_in_the_manifests() -> None:
    kinds = {found["kind"] for overlay in OVERLAYS for found in rendered(overlay)}

    assert "Secret" not in kinds
    for path in FOLDER.rglob("*.yaml"):
        documents: list[Any] = list(yaml.safe_load_all(path.read_text()))
        assert "stringData" not in str(documents)
        assert not re.search(r"//\w+:[^@\s/]+@", path.read_text())


def test_the_sandbox_is_in_no_production() -> None:
    production: dict[str, Object] = workloads("production")

    assert "sandbox" not in production
    assert all(
        "DISPATCHER_API_URL" not in variables("production", production[name]) for name in OURS
    )
