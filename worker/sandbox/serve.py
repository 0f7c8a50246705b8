"""The sandbox as a process: flags or command line options in, an HTTP server on loopback and one ready line out."""

import socket
from typing import Annotated, Final

import msgspec
import typer
import uvicorn

from worker.sandbox.app import build_app
from worker.sandbox.faults import Connections
from worker.sandbox.flags import Flags, parse_account, parse_fault, parse_pair
from worker.sandbox.sandbox import Sandbox

HOST: Final = "127.0.0.1"
PORT: Final = 8899

_IDLE_S: Final = 75
"""Idle connections live this long. Short would make clients meet connections that close under their next request."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        OSError: The address cannot be had.
    """
    # The protocol is named on purpose: asyncio sets TCP_NODELAY only where it is, and without that an answer in two
    # writes waits 40 ms for the client's delayed ACK.
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    """`http://host:port` of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"


def build_server(flags: Flags) -> uvicorn.Server:
    """A server for one new sandbox; start it with `run(sockets=[…])`."""
    connections = Connections()
    config = uvicorn.Config(
        build_app(Sandbox(flags), connections),
        http=connections.protocol(),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_IDLE_S,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def run(*, host: str = HOST, port: int = PORT, flags: Flags) -> None:
    """Serve until SIGTERM or Ctrl-C, after printing `sandbox ready url=http://HOST:PORT` on stdout.

    Args:
        host: Address to listen on. The control paths ask nobody who they are: leave it on loopback.
        port: Port to listen on, 0 for a free one.
        flags: How the sandbox behaves.

    Raises:
        OSError: The address cannot be had.
    """
    listener = bind(host, port)
    # The socket listens already: whoever reads the line may connect, and is served as soon as the loop runs.
    print(f"sandbox ready url={url_of(listener)}", flush=True)
    try:
        build_server(flags).run(sockets=[listener])
    except KeyboardInterrupt:  # uvicorn raises it again after it has stopped in order
        return


def sandbox_command(  # noqa: PLR0913 - one argument per command line option
    *,
    host: Annotated[str, typer.Option(help="Address to listen on; leave it on loopback.")] = HOST,
    port: Annotated[int, typer.Option(help="Port to listen on, 0 for a free one.")] = PORT,
    account: Annotated[
        list[str] | None,
        typer.Option(help="Key and apps, ID:KEY:APP[,APP]. Default sandbox-id:sandbox-key:1400000000."),
    ] = None,
    any_credentials: Annotated[bool, typer.Option(help="Take every key and app without looking.")] = False,
    latency_ms: Annotated[int, typer.Option(min=0, help="Time to answer a call, ms.")] = 0,
    latency_jitter_ms: Annotated[int, typer.Option(min=0, help="Up to so much more, ms.")] = 0,
    receipt_delay_ms: Annotated[int, typer.Option(min=0, help="Time from a message to its receipt, ms.")] = 0,
    receipt_jitter_ms: Annotated[int, typer.Option(min=0, help="Up to so much more, ms.")] = 0,
    echo_context: Annotated[bool, typer.Option(help="Receipts carry SessionContext.")] = True,
    limit: Annotated[
        list[str] | None, typer.Option(help="ACTION=CALLS in any second, 0 for none, * for all. Default: documented.")
    ] = None,
    steering: Annotated[bool, typer.Option(help="Outcomes follow the last four digits of the number.")] = True,
    account_code: Annotated[
        list[str] | None, typer.Option(help="APP=CODE: refuse every send of the app (* all).")
    ] = None,
    template_code: Annotated[list[str] | None, typer.Option(help="TEMPLATE=CODE for each number.")] = None,
    sign_code: Annotated[list[str] | None, typer.Option(help="SIGN=CODE for each number.")] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(help="KIND[,p=0.1][,times=3][,action=A][,code=C][,status=502][,ms=500][,executed=1]."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of order, jitter and faults.")] = 1,
) -> None:
    """Serve the providers' wire protocols on this machine, for trying out and tests; no message leaves it."""
    given: dict[str, object] = {
        "any_credentials": any_credentials,
        "latency_ms": latency_ms,
        "latency_jitter_ms": latency_jitter_ms,
        "receipt_delay_ms": receipt_delay_ms,
        "receipt_jitter_ms": receipt_jitter_ms,
        "echo_context": echo_context,
        "steering": steering,
        "seed": seed,
    }
    try:
        tables: dict[str, object] = {
            "limits": {action: int(calls) for action, calls in map(parse_pair, limit or ())},
            "account_codes": dict(map(parse_pair, account_code or ())),
            "template_codes": dict(map(parse_pair, template_code or ())),
            "sign_codes": dict(map(parse_pair, sign_code or ())),
            "faults": [msgspec.to_builtins(parse_fault(one)) for one in fault or ()],
        }
        if account:
            tables["accounts"] = [msgspec.to_builtins(parse_account(one)) for one in account]
        flags = Flags().changed({**given, **tables})
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    run(host=host, port=port, flags=flags)
