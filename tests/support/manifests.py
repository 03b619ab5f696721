"""The Kubernetes objects of an overlay, as kubectl applies them, and what they have to be."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.deployment import ROOT
from tests.support.programs import require

FOLDER = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("production", "sandbox")
WORKLOADS = ("Deployment", "StatefulSet")
Object = Mapping[str, Any]


@cache
def rendered(overlay: str) -> tuple[Object, ...]:
    """Give every object of an overlay."""
    if os.environ.get("WITHOUT_KUBECTL"):
        pytest.skip("WITHOUT_KUBECTL is set: nothing can render the manifests")
    program = require("kubectl", "kustomize", package="kubectl, of Kubernetes' own packages")
    command = [str(program), "kustomize" if program.name == "kubectl" else "build"]
    words = ["--load-restrictor", "LoadRestrictionsNone", str(FOLDER / overlay)]
    done = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return tuple(yaml.safe_load_all(done.stdout))


def of_kind(overlay: str, *kinds: str) -> dict[str, Object]:
    """Give the objects of some kinds by name."""
    return {
        found["metadata"]["name"]: found for found in rendered(overlay) if found["kind"] in kinds
    }


def workloads(overlay: str) -> dict[str, Object]:
    return of_kind(overlay, *WORKLOADS)


def pod(workload: Object) -> dict[str, Any]:
    found: dict[str, Any] = workload["spec"]["template"]["spec"]
    return found


def container(workload: Object) -> dict[str, Any]:
    [found] = pod(workload)["containers"]
    assert isinstance(found, dict)
    return found


def ports(workload: Object) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for port in container(workload)["ports"]}


def variables(overlay: str, workload: Object) -> dict[str, str]:
    """Give the variables a process gets, its own before those of the ConfigMap."""
    maps = of_kind(overlay, "ConfigMap")
    found: dict[str, str] = {}
    for source in container(workload).get("envFrom", []):
        found |= maps[source["configMapRef"]["name"]]["data"]
    own = container(workload).get("env", [])
    return found | {each["name"]: each["value"] for each in own if "value" in each}


def secret_files(workload: Object) -> Iterator[tuple[str, str, str]]:
    """Give secret, key and file of whatever secrets are mounted key by key."""
    for volume in pod(workload)["volumes"]:
        for source in volume.get("projected", {}).get("sources", []):
            for item in source["secret"].get("items", []):
                yield source["secret"]["name"], item["key"], Path(item["path"]).name


def selected(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Tell whether a selector of labels fits."""
    wanted = selector.get("matchLabels", {}).items()
    listed = selector.get("matchExpressions", [])
    assert all(each["operator"] == "In" for each in listed)
    return wanted <= labels.items() and all(
        labels.get(each["key"]) in each["values"] for each in listed
    )


# No package has the schema of KEDA's objects, so this is what its documentation says about the
# fields that are used here; any other field is refused, right or not.
_WHOLE = {"type": "integer", "minimum": 0}
_POLICIES = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["type", "value", "periodSeconds"],
        "properties": {
            "type": {"enum": ["Pods", "Percent"]},
            "value": _WHOLE,
            "periodSeconds": {"type": "integer", "minimum": 1, "maximum": 1800},
        },
        "additionalProperties": False,
    },
}
_BEHAVIOUR = {
    "type": "object",
    "properties": {
        "scaleDown": {
            "type": "object",
            "properties": {"stabilizationWindowSeconds": _WHOLE, "policies": _POLICIES},
            "additionalProperties": False,
        }
    },
    "additionalProperties": False,
}
_TRIGGER = {
    "type": "object",
    "required": ["type", "metadata"],
    "properties": {
        "type": {"const": "metrics-api"},
        "metricType": {"enum": ["AverageValue", "Value"]},
        "metadata": {
            "type": "object",
            "required": ["url", "valueLocation", "targetValue"],
            "properties": {
                "url": {"type": "string", "pattern": "^http://"},
                "valueLocation": {"type": "string"},
                "targetValue": {"type": "string", "pattern": "^[0-9]+$"},
            },
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}
SCALED_OBJECT = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "keda.sh/v1alpha1"},
        "kind": {"const": "ScaledObject"},
        "metadata": {"type": "object"},
        "spec": {
            "type": "object",
            "required": ["scaleTargetRef", "triggers"],
            "properties": {
                "scaleTargetRef": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {"name": {"type": "string"}},
                    "additionalProperties": False,
                },
                "minReplicaCount": _WHOLE,
                "maxReplicaCount": _WHOLE,
                "pollingInterval": _WHOLE,
                "cooldownPeriod": _WHOLE,
                "fallback": {
                    "type": "object",
                    "required": ["failureThreshold", "replicas"],
                    "properties": {"failureThreshold": _WHOLE, "replicas": _WHOLE},
                    "additionalProperties": False,
                },
                "advanced": {
                    "type": "object",
                    "properties": {
                        "horizontalPodAutoscalerConfig": {
                            "type": "object",
                            "properties": {"behavior": _BEHAVIOUR},
                            "additionalProperties": False,
                        }
                    },
                    "additionalProperties": False,
                },
                "triggers": {"type": "array", "minItems": 1, "items": _TRIGGER},
            },
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}
