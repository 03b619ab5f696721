"""Reads what the service is deployed by: the compose file, and the examples of its settings."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "deploy" / ".env.example"

_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
_SETTING = re.compile(r"^#(\w+)=(.*)$")


def compose(name: str = "docker-compose.yml") -> dict[str, Any]:
    """Give a compose file with every variable at its default."""
    text = (ROOT / name).read_text()
    found = yaml.safe_load(_VARIABLE.sub(_default, text))
    assert isinstance(found, dict)
    return found


def variables(name: str = "docker-compose.yml") -> dict[str, str]:
    """Give the variables that a compose file reads, with their defaults."""
    text = (ROOT / name).read_text()
    return {found[1]: found[3] if found[2] == "-" else "" for found in _VARIABLE.finditer(text)}


def examples() -> dict[str, str]:
    """Give each variable of the example file with the value that stands there."""
    lines = EXAMPLE.read_text().splitlines()
    return {found[1]: found[2] for line in lines if (found := _SETTING.match(line))}


def consumed_queues(commands: Iterator[list[str]]) -> list[str]:
    """Give the queues that workers are started for, each as often as it is named."""
    return [
        queue
        for words in commands
        if "worker" in words
        for queue in words[words.index("--queues") + 1].split(",")
    ]


def manifests() -> Iterator[Mapping[str, Any]]:
    """Give every Kubernetes object of the project."""
    for path in sorted((ROOT / "deploy" / "kubernetes").rglob("*.y*ml")):
        for document in yaml.safe_load_all(path.read_text()):
            if isinstance(document, dict):
                yield document


def containers() -> Iterator[Mapping[str, Any]]:
    """Give every container of the manifests' Deployments and the like."""
    for document in manifests():
        pod = document.get("spec", {})
        pod = pod.get("template", {}).get("spec", {}) if isinstance(pod, dict) else {}
        yield from pod.get("containers", [])


def _default(found: re.Match[str]) -> str:
    return found[3] if found[2] == "-" else "required"
