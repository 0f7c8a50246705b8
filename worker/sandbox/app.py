"""The HTTP side: routes, and the endpoint that reads, answers, waits and breaks as told."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from worker.sandbox import smspartner
from worker.sandbox.alibaba import AlibabaWire, is_alibaba
from worker.sandbox.alibaba.push import PREFIX, AlibabaPushes
from worker.sandbox.faults import Connections
from worker.sandbox.flags import FlagFault
from worker.sandbox.push import Pusher, PushForm
from worker.sandbox.sandbox import NAMED, Sandbox
from worker.sandbox.smspartner.push import SmsPartnerPushes
from worker.sandbox.smspartner.send import APP
from worker.sandbox.tencent import TencentWire
from worker.sandbox.tencent.push import TencentPushes
from worker.sandbox.tencent.replies import add_reply
from worker.sandbox.wire import Request, Wire, WireCall, WireReply

# Most bytes of a body that are read (Tencent SMS API document, line 353); one more is kept to tell
# a longer one.
BODY_LIMIT: Final = 10 * 1024 * 1024

_GATEWAY_PAGE: Final = b"<html><body><h1>Bad Gateway</h1></body></html>"


def build_app(sandbox: Sandbox, connections: Connections) -> Starlette:
    """The sandbox's ASGI application.

    Args:
        sandbox: The state behind it.
        connections: Where the server registers its connections, for answers that get lost.
    """
    tencent, alibaba, french = TencentWire(sandbox), AlibabaWire(sandbox), smspartner.SmsPartnerWire(sandbox)

    def at_the_root(request: Request) -> Wire:
        return alibaba if is_alibaba(request) else tencent

    forms: list[PushForm] = [TencentPushes(sandbox), AlibabaPushes(alibaba), SmsPartnerPushes(french)]

    def form_of(app: str) -> PushForm:
        return forms[2] if app.removeprefix(NAMED).startswith(APP) else forms[1] if app.startswith(PREFIX) else forms[0]

    pusher = Pusher(sandbox, form_of)
    return Starlette(
        routes=[
            Route("/", SandboxEndpoint(sandbox, connections, at_the_root, pusher.wake)),
            Route(
                smspartner.PREFIX + "{action:path}",
                SandboxEndpoint(sandbox, connections, lambda _: french, pusher.wake),
            ),
            *control_routes(sandbox),
        ]
    )


class SandboxEndpoint:
    """The ASGI endpoint: read, choose the wire, admit, carry out, answer; faults strike between."""

    def __init__(
        self,
        sandbox: Sandbox,
        connections: Connections,
        spoken: Callable[[Request], Wire],
        after: Callable[[], None] = lambda: None,
    ) -> None:
        """Serve nothing yet; `spoken` hears of each request, `after` of each carried out."""
        self._after = after
        self._sandbox = sandbox
        self._connections = connections
        self._spoken = spoken
        self._rng = Random(sandbox.flags.seed)  # noqa: S311 - repeatable on purpose

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = await read_request(scope, receive)
        wire = self._spoken(request)
        stats, action = self._sandbox.stats, wire.action_of(request)
        # Counted before anything is checked: a refused call has arrived all the same.
        stats.arrive(action, request.at_s)
        # A fault strikes only what was in order; else a test could not tell the fault from its own
        # mistake.
        call = wire.admit(request)
        fault = self._sandbox.faults.pick(action) if isinstance(call, WireCall) else None
        # The call takes effect now and is answered later: what the latency holds back is the
        # answer.
        reply = self._reply(wire, call, fault)
        # Wakes the pusher: the loop that serves is the only one that may run its task. After the
        # call, which may be the first to name a URL.
        self._after()
        await self._wait(reply, fault)
        # The log names the fault where the client saw no code of the provider's.
        outcome = reply.code if fault is None or fault.kind in ("error", "slow") else fault.kind
        stats.remember(
            at_s=request.at_s,
            action=action,
            outcome=outcome,
            took_s=time.monotonic() - request.tick_s,
            subject=call.subject if isinstance(call, WireCall) else None,
        )
        if fault is not None and fault.kind in ("lost", "reset"):
            self._connections.cut(scope["client"], reset=fault.kind == "reset")
            # Returning without an answer would make uvicorn send a 500: stay until it has seen the
            # cut.
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        answer = reply
        if fault is not None and fault.kind == "garbled":
            # Half of a JSON body: the status says 200, and nothing of it can be read.
            answer = msgspec.structs.replace(reply, body=reply.body[: len(reply.body) // 2])
        elif fault is not None and fault.kind == "status":
            answer = WireReply(_GATEWAY_PAGE, status=fault.status, content_type="text/html")
        headers = {"content-type": answer.content_type, "content-length": str(len(answer.body)), **answer.headers}
        listed = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": listed})
        await send({"type": "http.response.body", "body": answer.body})

    def _reply(self, wire: Wire, call: WireCall | WireReply, fault: FlagFault | None) -> WireReply:
        """What the wire says; a call that a fault keeps from being carried out is refused."""
        if isinstance(call, WireReply):
            self._sandbox.stats.refuse(call.code)
            return call
        # The dangerous faults are these: the messages are out, and the client does not learn of it.
        if fault is None or fault.carried_out:
            reply = wire.carry_out(call)
            if reply.code != "Ok":
                self._sandbox.stats.refuse(reply.code)
            if fault is None or fault.kind != "error":
                return reply
        return wire.refuse(fault.code)

    async def _wait(self, reply: WireReply, fault: FlagFault | None) -> None:
        """Hold the answer back for its early receipts, and for the latency asked for."""
        flags = self._sandbox.flags
        # A slow answer is slow on top of the usual latency.
        wait_ms = flags.latency_ms + (fault.ms if fault is not None else 0)
        if flags.latency_jitter_ms:
            wait_ms += self._rng.randrange(flags.latency_jitter_ms + 1)
        if reply.early:
            given = [asyncio.Event() for _ in reply.early]
            for message, event in zip(reply.early, given, strict=True):
                self._sandbox.world.watch(message, event.set)
            # A client with one thread cannot pull while it waits for this answer: the hold must end
            # by itself.
            with suppress(TimeoutError):
                async with asyncio.timeout(flags.early_hold_ms / 1000):
                    for event in given:
                        await event.wait()
        if wait_ms:
            await asyncio.sleep(wait_ms / 1000)


async def read_request(scope: Scope, receive: Receive) -> Request:
    """The request with its whole body, or so much of it as shows that it is too long."""
    # Both at the head of a request: a long body must not move its arrival.
    at_s, tick_s = time.time(), time.monotonic()
    chunks: list[bytes] = []
    size, more = 0, True
    # Read on to one byte too many, which is how the gateway's check sees that a body is too long.
    while more and size <= BODY_LIMIT:
        message = await receive()
        chunk = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        more = message.get("more_body", False)
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        body=b"".join(chunks),
        at_s=at_s,
        tick_s=tick_s,
    )


def control_routes(sandbox: Sandbox) -> list[Route]:
    """`/_stats`, `/_control`, `/_replies` and `/_reset`, which README.md describes."""

    async def stats(request: HttpRequest) -> Response:
        query = request.query_params
        # By default every number: with a million messages that is a large answer, so benches ask
        # for `0`.
        asked = {"0": "none", "repeated": "repeated"}.get(query.get("numbers", "1"), "all")
        return _json(sandbox.snapshot(numbers=asked, log=query.get("log") != "0"))

    async def control(request: HttpRequest) -> Response:
        if request.method == "POST":
            try:
                sandbox.control(msgspec.json.decode(await request.body(), type=dict[str, object]))
            except ValueError as error:  # msgspec's errors are ValueErrors too
                return _json({"error": str(error)}, status=400)
        return _json(sandbox.flags.public())

    async def reset(request: HttpRequest) -> Response:
        sandbox.reset(keep_flags=request.query_params.get("keep") == "flags")
        return _json(sandbox.flags.public())

    async def replies(request: HttpRequest) -> Response:
        try:
            add_reply(sandbox, await request.body())
        except ValueError as error:
            return _json({"error": str(error)}, status=400)
        return _json({})

    return [
        Route("/_replies", replies, methods=["POST"]),
        Route("/_stats", stats),
        Route("/_control", control, methods=["GET", "POST"]),
        Route("/_reset", reset, methods=["POST"]),
    ]


def _json(content: object, *, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status_code=status, media_type="application/json")
