"""What `dispatcher doctor` looks at; each check says what it found and what to do about it."""

import secrets
from collections.abc import Callable, Iterator
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from dispatcher.addresses import Address
from dispatcher.cli.account_checks import (
    check_callbacks,
    check_replies,
    check_standing,
    check_workers,
)
from dispatcher.cli.exit_codes import ExitCode, code_of_error
from dispatcher.cli.findings import Grade, Result, fine, problem, warning
from dispatcher.errors import (
    ApiUnreachableError,
    CredentialsRefusedError,
    DispatcherError,
    SettingsError,
    StoreError,
)
from dispatcher.queueing import broker_problem
from dispatcher.settings import Settings
from dispatcher.smsfactor import Dialect, SmsFactor
from dispatcher.smsfactor.opening import open_client
from dispatcher.store.inspection import ServerReport, inspect_server

_Answer = TypeVar("_Answer")
_LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
# Receipts and schedules are told apart by seconds.
_CLOCK_TOLERANCE = 2.0
# Above 80 % nothing new is accepted (submit.lua), so the warning comes before.
_MEMORY_WARNING = 0.7
_WEBHOOK_TIMEOUT = 10
_HTTP_OK, _HTTP_NOT_FOUND = 200, 404


def examine_all(settings: Settings, *, webhook_url: str | None) -> Iterator[Result]:
    """Look at everything the settings name, one after the other."""
    yield from check_names(settings)
    yield from check_redis(settings)
    yield check_broker(settings)
    yield judge_transport("broker connection", settings.broker_address)
    yield from check_api(settings)
    yield from check_webhook_secrets(settings)
    if webhook_url is not None:
        yield from check_receiver(webhook_url)
    yield from check_workers(settings)
    yield from check_standing(settings)
    yield from check_callbacks(settings)
    yield from check_replies(settings)


def check_names(settings: Settings) -> Iterator[Result]:
    """Look for variables that mean nothing, so that what they were to set is not set."""
    for stray in settings.strays:
        yield warning("settings", stray.is_what, stray.advice)


def check_redis(settings: Settings) -> Iterator[Result]:
    """Look at the Redis that holds campaigns."""
    try:
        report = inspect_server(settings)
    except StoreError as error:
        fix = "start it, or correct DISPATCHER_REDIS_URL"
        yield problem("redis", str(error), fix, ExitCode.STORE)
        return
    yield fine("redis", f"{report.version} answers")
    yield judge_transport("redis connection", settings.store_address)
    yield from judge_server(report, replicas=settings.redis_replicas, demo=settings.demo)


def judge_transport(subject: str, address: Address) -> Result:
    """Say who could read what is said to a server."""
    if address.tls is not None and address.tls.verifies:
        return fine(subject, "encrypted, and the certificate is verified")
    if address.tls is not None:
        fix = "name its authority by ssl_ca_certs in place of ssl_cert_reqs=none"
        return warning(subject, "encrypted, to whoever answers (DISPATCHER_DEMO)", fix)
    if all(host in _LOCAL_HOSTS for host, _ in address.hosts):
        return fine(subject, "stays on this machine")
    fix = "begin its address with rediss, rediss+sentinel or amqps, unless the network is your own"
    return warning(subject, "in plain text, numbers and texts included", fix)


def judge_server(report: ServerReport, *, replicas: int, demo: bool) -> Iterator[Result]:
    """Say what is wrong with a server."""
    for finding in report.findings:
        if demo:
            yield warning("redis settings", f"{finding.message} (DISPATCHER_DEMO)", finding.fix)
        else:
            yield problem("redis settings", finding.message, finding.fix, ExitCode.STORE)
    if not report.findings:
        yield fine("redis settings", "keeps everything on disk, evicts nothing")
    if report.replicas < replicas:
        message = f"{report.replicas} of {replicas} replicas are connected: claims are not safe"
        fix = "start the replicas, or lower DISPATCHER_REDIS_REPLICAS"
        yield problem("redis replicas", message, fix, ExitCode.STORE)
    yield _judge_memory(report)
    yield _judge_clock(report)


def _judge_memory(report: ServerReport) -> Result:
    used = f"{report.used_memory / 2**20:,.0f} MiB used"
    if not report.max_memory:
        fix = "set maxmemory below the machine's memory, so that Redis refuses before it is killed"
        return warning("redis memory", f"{used}, without a limit", fix)
    message = f"{used} of {report.max_memory / 2**20:,.0f} MiB"
    if report.used_memory > _MEMORY_WARNING * report.max_memory:
        fix = "raise maxmemory: above 80 % no new campaign is accepted"
        return warning("redis memory", message, fix)
    return fine("redis memory", message)


def _judge_clock(report: ServerReport) -> Result:
    if abs(report.clock_ahead) > _CLOCK_TOLERANCE:
        direction = "ahead of" if report.clock_ahead > 0 else "behind"
        message = f"Redis' clock is {abs(report.clock_ahead):.1f} s {direction} this machine's"
        return warning("clock", message, "synchronise both machines (timedatectl set-ntp true)")
    return fine("clock", "Redis and this machine agree")


def check_broker(settings: Settings) -> Result:
    """Look whether hints can be published."""
    if trouble := broker_problem(settings):
        fix = "start it, or correct DISPATCHER_BROKER_URL"
        return problem("broker", trouble, fix, ExitCode.STORE)
    return fine("broker", "answers")


def check_api(settings: Settings) -> Iterator[Result]:
    """Look at the API's address, and at the credentials and the dialect of each account."""
    if not settings.accounts:
        fix = "set DISPATCHER_ACCOUNTS__DEFAULT__USERNAME and ...__PASSWORD, or ...__TOKEN"
        yield problem("accounts", "none is configured", fix, ExitCode.USAGE)
        return
    if urlsplit(settings.api_url).hostname in _LOCAL_HOSTS:
        fix = "unset DISPATCHER_API_URL to send for real"
        yield warning("api", f"{settings.api_url} is on this machine: a sandbox?", fix)
    for name in settings.accounts:
        found = check_credentials(name, partial(_ask, settings, name, SmsFactor.credits))
        yield found
        if found.grade is not Grade.PROBLEM:
            ask = partial(_ask, settings, name, SmsFactor.spoken_dialect)
            yield check_dialect(name, settings.dialect, ask)


def check_credentials(account: str, ask: Callable[[], int]) -> Result:
    """Look whether an account's credentials work; `ask` gives its balance."""
    subject = f"account {account}"
    try:
        balance = ask()
    except CredentialsRefusedError as error:
        fix = f"correct DISPATCHER_ACCOUNTS__{account.upper()}__USERNAME and ...__PASSWORD"
        return problem(subject, str(error), fix, ExitCode.API)
    except ApiUnreachableError as error:
        fix = "check DISPATCHER_API_URL, and that this machine may connect to it"
        return problem(subject, str(error), fix, ExitCode.API)
    except SettingsError as error:
        return problem(subject, str(error), "correct the setting", ExitCode.USAGE)
    except DispatcherError as error:
        return problem(subject, str(error), "try again later", code_of_error(error))
    if balance <= 0:
        return warning(subject, "credentials work, but there are no credits", "top it up")
    return fine(subject, f"credentials work, {balance:,} credits")


def check_dialect(account: str, setting: str, ask: Callable[[], Dialect]) -> Result:
    """Look whether an account speaks the dialect that is set; `ask` finds out which it does."""
    subject = f"dialect of {account}"
    try:
        spoken = ask().value
    except DispatcherError as error:
        return warning(subject, f"not found out: {error}", "try again later")
    if spoken != setting:
        message = f"the account speaks {spoken}, the setting is {setting}"
        return warning(subject, message, f"set DISPATCHER_DIALECT={spoken}")
    return fine(subject, f"{spoken}, as it is set")


def check_webhook_secrets(settings: Settings) -> Iterator[Result]:
    """Look whether each account's webhooks carry a secret."""
    for name, account in settings.accounts.items():
        subject = f"webhook of {name}"
        if account.webhook_secret is None:
            fix = (
                f"set DISPATCHER_ACCOUNTS__{name.upper()}__WEBHOOK_SECRET to 16 random characters "
                "or more, and give the API https://HOST/webhooks/SECRET/dlr and .../mo: see "
                "dispatcher webhooks register --help"
            )
            yield warning(subject, "no secret: no receipts and no STOP can be received", fix)
        else:
            yield fine(subject, "has a secret")


def is_reachable_url(url: str) -> bool:
    """Tell whether something can be reached by a URL."""
    address = urlsplit(url)
    return address.scheme in ("http", "https") and address.hostname is not None


def check_receiver(url: str) -> Iterator[Result]:
    """Look whether the webhook receiver is reachable, and refuses who does not know the secret."""
    address = urlsplit(url.rstrip("/"))
    if not is_reachable_url(url):
        yield problem("receiver", f"{url} is no URL", "begin with https://", ExitCode.USAGE)
        return
    if address.scheme == "http" and address.hostname not in _LOCAL_HOSTS:
        fix = "put TLS in front of it: the secret is in the URL"
        yield warning("receiver", "it is reached by plain HTTP", fix)
    forged = f"/webhooks/{secrets.token_urlsafe(24)}/dlr"
    for method, path, wanted in (("GET", "/healthz", _HTTP_OK), ("POST", forged, _HTTP_NOT_FOUND)):
        yield _probe(address, method, path, wanted)


def _probe(address: SplitResult, method: str, path: str, wanted: int) -> Result:
    what = "health" if method == "GET" else "a wrong secret"
    try:
        status = _status_of(address, method, path)
    except (OSError, HTTPException) as error:
        message = f"not reached ({type(error).__name__})"
        fix = "start it (dispatcher web), and check the proxy and the firewall before it"
        return problem("receiver", message, fix, ExitCode.FAILED)
    if status != wanted:
        message = f"{what} is answered with {status}, not {wanted}"
        fix = "check that the URL leads to `dispatcher web`, and nothing in between changes paths"
        return problem("receiver", message, fix, ExitCode.FAILED)
    return fine("receiver", f"{what} is answered with {status}")


def _status_of(address: SplitResult, method: str, path: str) -> int:
    dial = HTTPSConnection if address.scheme == "https" else HTTPConnection
    connection = dial(address.hostname or "", address.port, timeout=_WEBHOOK_TIMEOUT)
    try:
        connection.request(method, address.path + path, b"{}" if method == "POST" else None)
        return connection.getresponse().status
    finally:
        connection.close()


def _ask(settings: Settings, account: str, question: Callable[[SmsFactor], _Answer]) -> _Answer:
    with open_client(settings, account) as api:
        return question(api)
