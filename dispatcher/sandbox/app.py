import asyncio

from dispatcher.sandbox.calls import Call, HttpRequest, identify
from dispatcher.sandbox.config import SandboxConfig
from dispatcher.sandbox.control import Control
from dispatcher.sandbox.delivery import deliver
from dispatcher.sandbox.engine import Engine
from dispatcher.sandbox.events import CampaignAnswered
from dispatcher.sandbox.exchange import AsgiMessage, Exchange, Receive, Send
from dispatcher.sandbox.faults import Fault, FaultKind, fault_in
from dispatcher.sandbox.replies import Reply, preferred_format
from dispatcher.sandbox.routes.table import Route, find_route
from dispatcher.sandbox.statuses import RefusedError, Status


class SandboxApp:
    """The ASGI application: the API, and the control routes under /_sandbox."""

    def __init__(self, config: SandboxConfig) -> None:
        self._config = config
        self._engine = Engine(config)
        self._control = Control(self._engine)

    async def __call__(self, scope: AsgiMessage, receive: Receive, send: Send) -> None:
        """Answer one request, or live through the server's start and stop."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            try:
                await self._serve(Exchange(scope, receive, send))
            except ConnectionResetError:
                return

    async def _live(self, receive: Receive, send: Send) -> None:
        """Start and stop with the server."""
        await receive()
        self._engine.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._engine.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, exchange: Exchange) -> None:
        try:
            request = await exchange.read(self._config.max_body)
        except RefusedError as error:
            form = preferred_format(exchange.headers.get("accept", ""))
            body = Reply.refusing(error).render(form)
            closing = {"connection": "close"}
            await exchange.answer(body, form.value, status=error.http_status, headers=closing)
            return
        if request.path.startswith("/_sandbox/"):
            await self._control.serve(exchange, request)
        else:
            await self._serve_api(exchange, request)

    async def _serve_api(self, exchange: Exchange, request: HttpRequest) -> None:
        if self._config.latency:
            await asyncio.sleep(self._config.latency)
        fault: Fault | None = None
        try:
            route, id_ = find_route(request.method, request.path, live=self._engine.is_live)
            fault = self._engine.faults.draw(route.name)
            call = identify(request, self._engine.world.accounts, id_=id_)
            fault = fault or _asked_for(route, call)
            reply = await self._perform(route, call, fault)
        except RefusedError as error:
            reply = Reply.refusing(error)
        well = await deliver(exchange, reply, request.reply_format, _on_the_wire(fault))
        if well and reply.ticket is not None:
            self._engine.world.commit(CampaignAnswered(reply.ticket))

    async def _perform(self, route: Route, call: Call, fault: Fault | None) -> Reply:
        """Let a call take effect, unless a fault comes before."""
        if fault is None:
            return route.answer(self._engine, call)
        if not fault.accepting:
            raise _refusal(fault)
        if fault.kind is FaultKind.SLOW and fault.before:
            await asyncio.sleep(fault.number)
        reply = route.answer(self._engine, call)
        if fault.kind is FaultKind.SLOW and not fault.before:
            await asyncio.sleep(fault.number)
        if fault.kind is FaultKind.STATUS:
            raise _refusal(fault)
        return reply


def create_app(config: SandboxConfig) -> SandboxApp:
    """Give the ASGI application of a sandbox; `serve` runs it."""
    return SandboxApp(config)


def _asked_for(route: Route, call: Call) -> Fault | None:
    """Find the fault the text of a send asks for."""
    return fault_in(call.text, simulating=route.simulates)


def _refusal(fault: Fault) -> RefusedError:
    """Give the error status a fault answers with; -99 if it is about something else."""
    status = int(fault.number) if fault.kind is FaultKind.STATUS else Status.OTHER
    known = status in Status.__members__.values()
    return RefusedError(Status(status) if known else Status.OTHER, "Demandé par le bac à sable")


def _on_the_wire(fault: Fault | None) -> Fault | None:
    """Give a fault only if it concerns how the reply is written."""
    if fault is None or fault.kind in {FaultKind.SLOW, FaultKind.STATUS}:
        return None
    return fault
