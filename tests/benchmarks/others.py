"""What our dispatch is compared with: bare posts, a script, and a Celery task per recipient."""

import os
import time
from dataclasses import replace
from pathlib import Path

import requests

from dispatcher.embedded import EmbeddedRedis
from dispatcher.smsfactor.bodies import Gsm
from tests.benchmarks.oracle import Oracle
from tests.benchmarks.plain_tasks import API_URL, BROKER_URL, app, send
from tests.benchmarks.processes import await_workers, processor_time, running
from tests.benchmarks.report import Measured
from tests.benchmarks.workload import HEADERS, Workload, body_of
from tests.support.polling import eventually

_SLOWEST = 20
"""Tasks a second that a machine must manage for the benchmark to go on."""


def post_bare(url: str, workload: Workload, *, sandbox: int) -> Measured:
    """Post bodies built before: first every simulation, then every send, as a dispatch does.

    Only here is the processor time measured; `sandbox` is the other process that takes part.
    """
    simulations, sends = workload.simulate_bodies(), workload.send_bodies()
    pids = (os.getpid(), sandbox)
    with _session() as session:
        busy, began = sum(map(processor_time, pids)), time.perf_counter()
        for path, bodies in (("/send/simulate", simulations), ("/send", sends)):
            for body in bodies:
                session.post(url + path, data=body).raise_for_status()
        measured = _since(began, workload)
    return replace(measured, processor=sum(map(processor_time, pids)) - busy)


def post_singly(url: str, sample: Workload) -> Measured:
    """Post one recipient per request, without asking for the price before."""
    with _session() as session:
        began = time.perf_counter()
        for number in sample.numbers():
            session.post(url + "/send", data=body_of([Gsm(number)])).raise_for_status()
        return _since(began, sample)


def post_by_tasks(url: str, sample: Workload, folder: Path) -> Measured:
    """Have Celery simulate and send to each recipient in a task; nothing is kept on disk."""
    worker = ("celery", "-A", "tests.benchmarks.plain_tasks", "worker", "-l", "error")
    oracle = Oracle(url)
    with EmbeddedRedis(folder, options={"appendonly": "no"}) as broker:
        app.conf.broker_url = broker.url
        environment = {API_URL: url, BROKER_URL: broker.url}
        with running(*worker, "-c", str(os.cpu_count()), environment=environment):
            await_workers(broker.url, count=1)
            began = time.perf_counter()
            for number in sample.numbers():
                send.delay(number)
            eventually(
                lambda: oracle.summary().campaigns == sample.recipients,
                within=60 + sample.recipients / _SLOWEST,
            )
            return _since(began, sample)


def _session() -> requests.Session:
    session = requests.Session()
    session.headers.update(HEADERS)
    return session


def _since(began: float, workload: Workload) -> Measured:
    return Measured(recipients=workload.recipients, seconds=time.perf_counter() - began)
