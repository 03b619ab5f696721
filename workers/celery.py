"""What `celery -A workers` finds: the application of the environment's settings."""

import sys
from typing import Any

from celery.apps import worker as celery_worker

from dispatcher.json_lines import write_json_lines
from dispatcher.settings import Settings
from workers.app import create_app
from workers.logs import configure_worker_logs


def _say(words: str, *_: Any) -> None:  # noqa: ANN401 - celery's own signature
    sys.stdout.write(f"{words}\n")


if Settings.wants_json_lines():
    write_json_lines()
    # It writes to the descriptor of standard output.
    celery_worker.safe_say = _say
_settings = Settings.from_env()
# Celery asks for logs to be configured after it has begun to log.
configure_worker_logs(_settings)
app = create_app(_settings)
