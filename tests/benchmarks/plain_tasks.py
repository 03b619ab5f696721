"""What most people would write first: a Celery task per recipient, which simulates and sends."""

import os
from functools import cache

import requests
from celery import Celery

from dispatcher.smsfactor.bodies import Gsm
from tests.benchmarks.workload import HEADERS, body_of

API_URL = "BENCHMARK_API_URL"
BROKER_URL = "BENCHMARK_BROKER_URL"

app = Celery("plain", broker=os.environ.get(BROKER_URL), set_as_current=False)
app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)


@cache
def _session() -> requests.Session:
    session = requests.Session()
    session.headers.update(HEADERS)
    return session


@app.task(name="send")  # type: ignore[untyped-decorator]  # celery has no types
def send(number: str) -> None:
    body = body_of([Gsm(number)])
    for path in ("/send/simulate", "/send"):
        answer = _session().post(os.environ[API_URL] + path, data=body, timeout=30)
        answer.raise_for_status()
