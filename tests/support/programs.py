"""Programs that no Python package brings along: CI has to have them, a laptop may do without."""

import os
import shutil
from pathlib import Path

import pytest


def require(*names: str, package: str) -> Path:
    """Give the path of the first of these programs that is there.

    Skips the test on a laptop without one, and fails it in CI.
    """
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        says = f"{' or '.join(names)} is not on PATH: apt-get install {package}"
        if os.environ.get("CI"):
            pytest.fail(says)
        pytest.skip(says)
    return Path(found)
