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
# Of the page's own clock, which runs as fast as its scripts do.
_SCRIPTS_MS = 5_000


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
    _browse(to.parent, source.as_uri(), *_window(max(width, _NARROWEST), height, dark=dark), to=to)
    return _size(to)


def visit(url: str, to: Path, *, width: int = 1400, height: int = 1000) -> str:
    """Open an address, let its scripts run, put a picture into a PNG file; give the page's DOM."""
    options = (*_window(width, height), f"--virtual-time-budget={_SCRIPTS_MS}")
    _browse(to.parent, url, *options, to=to)
    _size(to)
    return _browse(to.parent, url, *options)


def _window(width: int, height: int, *, dark: bool = False) -> tuple[str, ...]:
    return (
        f"--blink-settings=preferredColorScheme={0 if dark else 1}",
        f"--window-size={width},{height}",
    )


def _browse(folder: Path, url: str, *options: str, to: Path | None = None) -> str:
    command = [
        chromium(),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--no-first-run",
        "--disable-background-networking",
        f"--user-data-dir={folder / 'chromium'}",
        *options,
        f"--screenshot={to}" if to else "--dump-dom",
        url,
    ]
    done = subprocess.run(command, check=True, capture_output=True, timeout=120)
    return done.stdout.decode()


def _size(picture: Path) -> tuple[int, int]:
    content = picture.read_bytes()
    assert content.startswith(_PNG)
    wide, high = struct.unpack(">II", content[16:24])
    return wide, high
