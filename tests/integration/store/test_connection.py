"""A Redis that is away is told by the setting that names it and by its address, without secrets."""

import asyncio
from collections.abc import Callable

import pytest

from dispatcher.addresses import Address
from dispatcher.embedded import free_port
from dispatcher.errors import StoreUnavailableError
from dispatcher.store.connection import connect, open_async, open_blocking, translated

SIGN_IN = "dispatcher:a-secret-of-tests@"


def ask_blocking(address: Address) -> None:
    open_blocking(address).ping()


def ask_again_and_again(address: Address) -> None:
    connect(address).ping()


def ask_by_pipeline(address: Address) -> None:
    with open_blocking(address).pipeline() as pipe:
        pipe.get("a key")
        pipe.execute()


def ask_async(address: Address) -> None:
    async def ask() -> None:
        client = open_async(address)
        try:
            await client.get("a key")
        finally:
            await client.aclose()

    asyncio.run(ask())


@pytest.mark.parametrize("ask", [ask_blocking, ask_again_and_again, ask_by_pipeline, ask_async])
@pytest.mark.parametrize(
    ("form", "place"),
    [
        ("redis://{sign_in}127.0.0.1:{port}/3", "127.0.0.1:{port}/3"),
        ("redis+sentinel://{sign_in}127.0.0.1:{port}/campaigns/3", "127.0.0.1:{port}/campaigns/3"),
    ],
    ids=["server", "sentinels"],
)
def test_the_error_names_the_setting_and_the_address(
    ask: Callable[[Address], None], form: str, place: str
) -> None:
    port = free_port()
    address = Address.read(form.format(sign_in=SIGN_IN, port=port))

    with pytest.raises(StoreUnavailableError) as caught, translated():
        ask(address)

    says = str(caught.value)
    assert says.startswith("Redis did not answer (")
    assert says.endswith(f"; DISPATCHER_REDIS_URL names {place.format(port=port)}")
    assert says.count("DISPATCHER_REDIS_URL") == 1
    assert "secret" not in says
