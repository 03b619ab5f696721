"""Renders pages as a browser does: Debian's Chromium, without a screen."""

import html
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_PNG = b"\x89PNG\r\n\x1a\n"
# Chromium makes no window narrower than this, so phones are frames in a wider one.
_NARROWEST = 500


def chromium() -> str:
    """Find the browser; without one, skip on a laptop and fail where changes land."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        missing = "no Chromium: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


def render(page: str, to: Path, *, width: int, height: int, dark: bool = False) -> tuple[int, int]:
    """Render a page's HTML into a PNG file; give the picture's size."""
    source = to.with_suffix(".html")
    frame = f"border:0;width:{width}px;height:{height}px"
    body = f'<body style="margin:0"><iframe style="{frame}" srcdoc="{html.escape(page)}"></iframe>'
    source.write_text(body if width < _NARROWEST else page)
    command = [
        chromium(),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--no-first-run",
        "--disable-background-networking",
        f"--user-data-dir={to.parent / 'chromium'}",
        f"--blink-settings=preferredColorScheme={0 if dark else 1}",
        f"--window-size={max(width, _NARROWEST)},{height}",
        f"--screenshot={to}",
        source.as_uri(),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    picture = to.read_bytes()
    assert picture.startswith(_PNG)
    wide, high = struct.unpack(">II", picture[16:24])
    return wide, high
