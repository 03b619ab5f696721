"""A worker that is judged, and judges itself, within seconds instead of minutes."""

from workers import vigil, watch
from workers.celery import app

__all__ = ["app"]

# Shortened all alike, so that what comes before what stays the same.
_SHARE = 0.1

for _name in ("_EVERY", "_LOOP_SECONDS", "_WAITS_SECONDS", "_IDLE_SECONDS", "_FROZEN_SECONDS"):
    setattr(vigil, _name, getattr(vigil, _name) * _SHARE)
watch._LOOP_SECONDS *= _SHARE
watch._MARGIN = 1.0
