"""Gathers bodies that arrive together, so that one append makes many of them durable."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

import structlog

_log = structlog.get_logger("dispatcher.web.packing")

Settle = Callable[[bool], None]
"""What tells a sender whether its body is durable."""

MOST_BODIES = 500
# A pack is one value in Redis and one write to the spool: neither should stall the others.
MOST_BYTES = 1 << 20


class Packer:
    """Passes bodies on in packs, and tells each sender what came of it.

    Whatever arrives while packs are under way goes with the next ones: packs grow with the
    load and with the slowness of the disk, and a lone body waits for nobody.
    """

    def __init__(self, keep: Callable[[Sequence[bytes]], Awaitable[bool]]) -> None:
        """Take what makes a pack durable and tells whether it did."""
        self._keep = keep
        self._waiting: list[tuple[bytes, Settle]] = []
        self._task: asyncio.Task[None] | None = None

    def give(self, body: bytes, settle: Settle) -> None:
        """Have a body made durable; `settle` is told whether it was, once that is known."""
        self._waiting.append((body, settle))
        if self._task is None:
            self._task = asyncio.create_task(self._pass_on())

    async def add(self, body: bytes) -> bool:
        """Tell whether a body was made durable, once that is known."""
        outcome: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.give(body, lambda kept: _resolve(outcome, kept))
        return await outcome

    async def _pass_on(self) -> None:
        while self._waiting:
            arrived, self._waiting = self._waiting, []
            settles = iter([settle for _, settle in arrived])
            await asyncio.gather(
                *(
                    self._deliver(pack, list(itertools.islice(settles, len(pack))))
                    for pack in packs(body for body, _ in arrived)
                )
            )
        self._task = None

    async def _deliver(self, pack: Sequence[bytes], settles: Sequence[Settle]) -> None:
        kept = await self._try(pack)
        for settle in settles:
            settle(kept)

    async def _try(self, pack: Sequence[bytes]) -> bool:
        try:
            return await self._keep(pack)
        except Exception as error:  # noqa: BLE001 - whatever it is, the senders need an answer
            # Without the error's message, which may quote a number.
            _log.error("pack not kept", error=type(error).__name__)
            return False


def _resolve(outcome: "asyncio.Future[bool]", kept: bool) -> None:  # noqa: FBT001 - as `Settle`
    # A sender that went away has cancelled its own.
    if not outcome.done():
        outcome.set_result(kept)


def packs(bodies: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Divide bodies, in their order, into packs of bounded count and size."""
    pack: list[bytes] = []
    size = 0
    for body in bodies:
        if pack and (len(pack) == MOST_BODIES or size + len(body) > MOST_BYTES):
            yield pack
            pack, size = [], 0
        pack.append(body)
        size += len(body)
    if pack:
        yield pack
