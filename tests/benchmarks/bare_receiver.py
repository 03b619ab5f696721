"""What the receiver is compared with: the same server without its work.

    python -m tests.benchmarks.bare_receiver nothing      # ASGI's `200`, whatever is asked
    python -m tests.benchmarks.bare_receiver unkept       # our receiver, keeping no body

Either prints its port.
"""

import socket
import sys
from collections.abc import Callable
from typing import Any, cast

from dispatcher.settings import Settings
from dispatcher.store.inbox import Hook
from dispatcher.web.deposits import Deposits
from dispatcher.web.keyring import Keyring
from dispatcher.web.protocol import PunctualProtocol, ReceiptProtocol
from dispatcher.web.receiver import Receiver
from dispatcher.web.server import AnnouncingServer, make_config

_START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
_END = {"type": "http.response.body", "body": b""}


async def nothing(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
    """Answer 200 at once."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send(_START)
    await send(_END)


class _Nowhere:
    """Deposits, and the packer of each, that keep nothing and say they did."""

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def put(self, _hook: Hook, _account: str, _body: bytes) -> bool:
        return True

    def packer(self, _hook: Hook, _account: str) -> "_Nowhere":
        return self

    def give(self, _body: bytes, settle: Callable[[bool], None]) -> None:
        settle(True)  # noqa: FBT003 - kept, as far as anybody is told


def main() -> None:
    if sys.argv[1] == "nothing":
        config = make_config(nothing, http=PunctualProtocol)
    else:
        keyring = Keyring(Settings.from_env().accounts)
        receiver = Receiver(cast("Deposits", _Nowhere()), keyring)
        config = make_config(receiver, http=ReceiptProtocol)
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        port = listener.getsockname()[1]
        AnnouncingServer(config, lambda: print(port, flush=True)).run(sockets=[listener])


if __name__ == "__main__":
    main()
