"""The secrets of an account, each in a key of its own, for whoever watches may read its hash."""

import secrets

from redis import Redis

from dispatcher.store.connection import translated
from dispatcher.store.keys import Key, Keys
from dispatcher.store.replies import blob
from dispatcher.store.scripts import Script, standalone_source

_BYTES = 32


def secret_command(keys: Keys, secret: Key) -> tuple[str, int, str, str, str, bytes]:
    """Give what EVAL takes to give a secret, which is made if there is none."""
    names = (keys.of(secret), keys.of(Key.ACCOUNT))
    return standalone_source(Script.SECRET), 2, *names, secret.value, secrets.token_bytes(_BYTES)


def read_secret(client: Redis, keys: Keys, secret: Key) -> bytes:
    """Give a secret, made on first use.

    Raises:
        StoreUnavailableError: Redis does not answer.
    """
    with translated():
        # Read first: a server that takes no write just now still has what runs needs to go on.
        if known := client.get(keys.of(secret)):
            return blob(known)
        return blob(client.eval(*secret_command(keys, secret)))
