"""How a reply reaches the caller: well, or as a fault has it."""

import asyncio
from collections.abc import AsyncIterator

from dispatcher.sandbox.exchange import Exchange
from dispatcher.sandbox.faults import Fault, FaultKind
from dispatcher.sandbox.replies import Format, Reply

_HTML = "text/html; charset=utf-8"
_PAGE = b"<!DOCTYPE html><html><body><h1>Service momentanement indisponible</h1></body></html>"
_RETRY_LATER = {429, 503}
_RETRY_AFTER = {"retry-after": "1"}
_BLANKS = b" " * 65536


async def deliver(exchange: Exchange, reply: Reply, form: Format, fault: Fault | None) -> bool:
    """Write a reply, or what a fault makes of it.

    Returns:
        Whether the caller was handed the whole, unspoilt reply.
    """
    body = reply.render(form)
    if fault is None:
        return await exchange.answer(body, form.value, status=reply.http_status)
    await _deliver_badly(exchange, body, form, fault)
    return False


async def _deliver_badly(exchange: Exchange, body: bytes, form: Format, fault: Fault) -> None:
    match fault.kind:
        case FaultKind.DROP:
            await exchange.drop()
        case FaultKind.HTTP:
            headers = _RETRY_AFTER if fault.number in _RETRY_LATER else None
            await exchange.answer(_PAGE, _HTML, status=int(fault.number), headers=headers)
        case FaultKind.HTML:
            await exchange.answer(_PAGE, _HTML)
        case FaultKind.TRUNCATED:
            await exchange.begin(200, form.value, length=len(body))
            await exchange.stream(_half(body, exchange))
        case FaultKind.TRICKLE:
            await exchange.begin(200, form.value, length=len(body))
            await exchange.stream(_byte_by_byte(body, fault.number))
        case FaultKind.HUGE:
            await exchange.begin(200, form.value)
            await exchange.stream(_padded(body, int(fault.number)))
        case kind:
            await exchange.answer(_spoilt(body, kind, form), form.value)


def _spoilt(body: bytes, kind: FaultKind, form: Format) -> bytes:
    """Make a reply that cannot be parsed, or leave it alone if the fault is not about that."""
    if kind is FaultKind.GARBAGE:
        return body[: len(body) * 2 // 3]
    if kind is FaultKind.MISSING_COMMA and form is Format.XML:
        return body.removesuffix(b"</response>")
    if kind is FaultKind.MISSING_COMMA:
        head, _, tail = body.rpartition(b",")
        return head + tail
    return body


async def _half(body: bytes, exchange: Exchange) -> AsyncIterator[bytes]:
    yield body[: len(body) // 2]
    await exchange.drop()


async def _byte_by_byte(body: bytes, pause: float) -> AsyncIterator[bytes]:
    for place in range(len(body)):
        yield body[place : place + 1]
        await asyncio.sleep(pause)


async def _padded(body: bytes, size: int) -> AsyncIterator[bytes]:
    yield body
    for _ in range(0, size, len(_BLANKS)):
        yield _BLANKS
