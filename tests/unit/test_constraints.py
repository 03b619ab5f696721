import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PINNED = re.compile(
    r"^(?P<name>[a-z0-9.-]+)==(?P<version>[^\s;]+)"
    r"(?: ; [^\\]+?)?"
    r"(?: \\\n    --hash=sha256:[0-9a-f]{64})+$",
    re.MULTILINE,
)


def constraints() -> str:
    return (ROOT / "deploy" / "constraints.txt").read_text()


def test_every_line_is_an_exact_version_with_its_hashes() -> None:
    left = PINNED.sub("", constraints())

    assert [line for line in left.splitlines() if line and not line.startswith("#")] == []


def test_no_address_is_named() -> None:
    assert re.findall(r"https?:|file:|@|\s/\w", constraints()) == []


def test_every_requirement_of_the_project_is_pinned_within_its_range() -> None:
    pins = {found["name"]: found["version"] for found in PINNED.finditer(constraints())}
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = declared["project"]
    groups = [*project["optional-dependencies"].values(), declared["build-system"]["requires"]]
    lines = [*project["dependencies"], *(line for group in groups for line in group)]
    wanted = [Requirement(line) for line in lines if not line.startswith(project["name"])]

    outside = [
        str(requirement)
        for requirement in wanted
        if pins.get(canonicalize_name(requirement.name), "0") not in requirement.specifier
    ]

    assert outside == []
