"""What `dispatcher doctor` asks Redis of each account: what stands still, or waits for a person."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

from dispatcher.cli.exit_codes import ExitCode
from dispatcher.cli.findings import Result, fine, problem, warning
from dispatcher.domain.gates import Gate, shut_gates
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.domain.vitals import AccountVitals
from dispatcher.errors import DispatcherError, StoreError
from dispatcher.monitoring.concerns import concerns_of_losses
from dispatcher.producer import Dispatcher
from dispatcher.settings import Settings
from dispatcher.store.account import AccountStore, Store
from dispatcher.store.callbacks import CallbackStatus
from dispatcher.store.vitals import Looker

_TOO_LONG = timedelta(seconds=30)


def check_workers(settings: Settings) -> Iterator[Result]:
    """Look whether campaigns wait for a worker that does not come."""
    for name in settings.accounts:
        try:
            waiting = waiting_for_a_worker(settings, name, now=datetime.now(UTC))
        except DispatcherError:
            # Told already, by the check of Redis.
            return
        subject = f"workers of {name}"
        if waiting:
            message = f"campaign {waiting} has waited for over {_TOO_LONG.seconds} s to be taken"
            fix = "start one: dispatcher worker, and dispatcher beat"
            yield problem(subject, message, fix, ExitCode.UNFINISHED)
        else:
            yield fine(subject, "no campaign waits for a worker")


def check_standing(settings: Settings) -> Iterator[Result]:
    """Look whether an account sends at all, and what of it waits for a person."""
    looker = Looker(settings)
    try:
        for name in settings.accounts:
            found = looker.account(name)
            yield from _judge_gates(found)
            for concern in concerns_of_losses(found):
                yield warning(f"account {name}", concern.says, concern.command)
    except StoreError:
        # Told already, by the check of Redis.
        return
    finally:
        looker.close()


def _judge_gates(found: AccountVitals) -> Iterator[Result]:
    subject = f"sends of {found.account}"
    shut = list(
        shut_gates(
            found.account,
            stopped_by=found.stopped_by,
            parked=found.parked,
            is_breaker_open=found.is_breaker_open,
            paused=found.rate.paused,
        )
    )
    for each in shut:
        message, fix = f"nothing is sent: {each.why}", each.fix.replace("\n", ". ")
        if each.gate is Gate.PAUSE:
            yield warning(subject, message, fix)
        else:
            yield problem(subject, message, fix, ExitCode.UNFINISHED)
    if not shut:
        yield fine(subject, "nothing holds them up")


def check_callbacks(settings: Settings) -> Iterator[Result]:
    """Look whether producers that want callbacks get them."""
    try:
        with closing(Dispatcher.from_settings(settings)) as dispatcher:
            for name in settings.accounts:
                for each in dispatcher.callbacks.list(account=name):
                    if each.why is not None:
                        yield _judge_callbacks(name, each)
    except StoreError:
        # Told already, by the check of Redis.
        return


def _judge_callbacks(account: str, status: CallbackStatus) -> Result:
    subject = f"callbacks to {status.producer}"
    if status.is_gone:
        replay = f"dispatcher callbacks replay {status.producer} --account {account}"
        return warning(subject, f"ended: {status.why}", f"once its endpoint is back: {replay}")
    message = f"failing ({status.failures}): {status.why}"
    return warning(subject, message, f"dispatcher callbacks list --account {account}")


def check_replies(settings: Settings) -> Iterator[Result]:
    """Look whether webhooks posted what nobody could read, or replies wait for a person."""
    try:
        store = Store.open(settings)
    except StoreError:
        # Told already, by the check of Redis.
        return
    try:
        for name in settings.accounts:
            yield from _judge_replies(name, store.account(name))
    finally:
        store.close()


def _judge_replies(account: str, store: AccountStore) -> Iterator[Result]:
    subject = f"webhooks of {account}"
    if counts := store.quarantine.counts():
        total = ", ".join(f"{count:,} of {hook}" for hook, count in sorted(counts.items()))
        fix = (
            "see that each hook has the API's address of its kind; the newest are kept in Redis, "
            f"key {store.quarantine.name}"
        )
        yield warning(subject, f"bodies that could not be read: {total}", fix)
    else:
        yield fine(subject, "every body could be read")
    if waiting := sum(1 for _ in store.replies.to_review()):
        fix = "dispatcher replies review"
        yield warning(f"replies of {account}", f"{waiting:,} to be read by a person", fix)


def waiting_for_a_worker(settings: Settings, account: str, *, now: datetime) -> str | None:
    """Give a campaign that nobody has taken for too long."""
    dispatcher = Dispatcher.from_settings(settings)
    try:
        newest = dispatcher.campaigns(account=account)
    finally:
        dispatcher.close()
    queued = (each for each in newest if each.state is CampaignState.QUEUED)
    return next((each.id for each in queued if now - each.changed_at > _TOO_LONG), None)
