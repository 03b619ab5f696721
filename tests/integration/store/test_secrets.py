"""Secrets of an account: each for ever the same, and nowhere whoever watches may look."""

import pytest

from dispatcher.store.keys import Key
from dispatcher.store.secrets import read_secret, secret_command
from dispatcher.store.suppression_records import SuppressionRecords
from tests.support.bench import Bench

SECRETS = (Key.RECEIPT_KEY, Key.SUPPRESSION_KEY)
DAY_MS = 86_400_000
OLD = b"made by an earlier version, once"


def in_account(bench: Bench, secret: Key) -> bytes | None:
    found = bench.client.hget(bench.keys.of(Key.ACCOUNT), secret.value)
    assert found is None or isinstance(found, bytes)
    return found


def put_in_account(bench: Bench, secret: Key, value: bytes = OLD) -> None:
    """Put a secret where earlier versions have it."""
    bench.client.hset(bench.keys.of(Key.ACCOUNT), secret.value, value)


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_made_once_and_never_changes(bench: Bench, secret: Key) -> None:
    made = read_secret(bench.client, bench.keys, secret)

    assert len(made) == 32
    assert read_secret(bench.client, bench.keys, secret) == made
    assert bench.client.eval(*secret_command(bench.keys, secret)) == made
    assert in_account(bench, secret) is None


def test_each_reader_has_a_secret_of_its_own(bench: Bench) -> None:
    signing = bench.account.ledger.receipt_key()
    hiding = SuppressionRecords(bench.client, bench.keys).key

    assert signing == bench.client.get(bench.keys.of(Key.RECEIPT_KEY))
    assert hiding == bench.client.get(bench.keys.of(Key.SUPPRESSION_KEY))
    assert signing != hiding


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_of_an_earlier_version_is_kept(bench: Bench, secret: Key) -> None:
    put_in_account(bench, secret)

    assert bench.client.eval(*secret_command(bench.keys, secret)) == OLD
    assert read_secret(bench.client, bench.keys, secret) == OLD


@pytest.mark.parametrize("secret", SECRETS)
def test_ticks_take_it_out_of_the_account_a_day_later(bench: Bench, secret: Key) -> None:
    put_in_account(bench, secret)

    bench.account.ledger.tick()
    bench.advance(DAY_MS - 1)
    bench.account.ledger.tick()
    kept = in_account(bench, secret)
    bench.advance(1)
    bench.account.ledger.tick()

    assert kept == OLD
    assert in_account(bench, secret) is None
    assert read_secret(bench.client, bench.keys, secret) == OLD


def test_what_is_not_the_same_elsewhere_is_not_thrown_away(bench: Bench) -> None:
    made = read_secret(bench.client, bench.keys, Key.RECEIPT_KEY)
    put_in_account(bench, Key.RECEIPT_KEY)

    bench.account.ledger.tick()
    bench.advance(2 * DAY_MS)
    bench.account.ledger.tick()

    assert in_account(bench, Key.RECEIPT_KEY) == OLD
    assert read_secret(bench.client, bench.keys, Key.RECEIPT_KEY) == made


def test_a_server_that_takes_no_write_still_gives_its_secrets(bench: Bench) -> None:
    made = read_secret(bench.client, bench.keys, Key.RECEIPT_KEY)
    bench.client.config_set("min-replicas-to-write", 1)
    try:
        assert read_secret(bench.client, bench.keys, Key.RECEIPT_KEY) == made
    finally:
        bench.client.config_set("min-replicas-to-write", 0)
