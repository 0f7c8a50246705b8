"""The sandbox as a process: an HTTP server on loopback that prints one ready line."""

from typing import Annotated, Final, TypeAlias

import typer
import uvicorn

from worker.listening import bind, url_of
from worker.sandbox.app import build_app
from worker.sandbox.faults import Connections
from worker.sandbox.flags import Flags, parse_account, parse_fault, parse_limits, parse_pair
from worker.sandbox.sandbox import Sandbox

HOST: Final = "127.0.0.1"
PORT: Final = 8899

# Idle connections live this long. Short would make clients meet connections that close under their
# next request.
_IDLE_S: Final = 75


def build_server(flags: Flags) -> uvicorn.Server:
    """A server for one new sandbox; start it with `run(sockets=[…])`."""
    connections = Connections()
    config = uvicorn.Config(
        build_app(Sandbox(flags), connections),
        http=connections.protocol(),
        ws="none",
        # Nothing here starts or ends with the server, and headers that no client reads are work for
        # nothing.
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_IDLE_S,
        # A `lost` answer never ends by itself: without this a test's sandbox would not either.
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def run(*, host: str = HOST, port: int = PORT, flags: Flags) -> None:
    """Serve until SIGTERM or Ctrl-C, after printing `sandbox ready url=http://HOST:PORT` on stdout.

    Args:
        host: Address to listen on. The control paths need no credentials: leave it on loopback.
        port: Port to listen on, 0 for a free one.
        flags: How the sandbox behaves.

    Raises:
        OSError: The address cannot be had.
    """
    listener = bind(host, port)
    # The socket listens already: a client may connect on reading the line, and is served as soon as
    # the loop runs.
    print(f"sandbox ready url={url_of(listener)}", flush=True)
    try:
        build_server(flags).run(sockets=[listener])
    except KeyboardInterrupt:  # uvicorn raises it again after it has stopped in order
        return


_Times: TypeAlias = list[str] | None
_Host: TypeAlias = Annotated[str, typer.Option(help="Address to listen on; leave it on loopback.")]
_Port: TypeAlias = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on, 0 for a free one.")]
_Accounts: TypeAlias = Annotated[
    _Times,
    typer.Option(
        help="SECRET_ID:SECRET_KEY:SDK_APP_ID, more apps after commas. Default sandbox-id:sandbox-key:1400000000."
    ),
]
_AnyCredentials: TypeAlias = Annotated[bool, typer.Option(help="Take every key and app without looking.")]
_Latency: TypeAlias = Annotated[int, typer.Option(min=0, help="Time to answer a call, ms.")]
_ReceiptDelay: TypeAlias = Annotated[int, typer.Option(min=0, help="Time from a message to its receipt, ms.")]
_Jitter: TypeAlias = Annotated[int, typer.Option(min=0, help="Up to so much more, ms.")]
_EchoContext: TypeAlias = Annotated[bool, typer.Option(help="Receipts carry SessionContext.")]
_Callbacks: TypeAlias = Annotated[
    _Times, typer.Option(help="APP=URL: push receipts and replies to URL/status and URL/reply as well.")
]
_Limits: TypeAlias = Annotated[
    _Times, typer.Option(help="ACTION=CALLS in any second, 0 for none, * for all. Default: the documented ones.")
]
_Steering: TypeAlias = Annotated[bool, typer.Option(help="Outcomes follow the last four digits of the number.")]
_AccountCodes: TypeAlias = Annotated[_Times, typer.Option(help="APP=CODE: refuse every send of the app (* for all).")]
_TemplateCodes: TypeAlias = Annotated[_Times, typer.Option(help="TEMPLATE=CODE for each number.")]
_SignCodes: TypeAlias = Annotated[_Times, typer.Option(help="SIGN=CODE for each number.")]
_Faults: TypeAlias = Annotated[
    _Times,
    typer.Option(
        help="KIND and NAME=VALUE after commas: lost,p=0.1 or error,code=C,times=3. The sandbox's README lists them."
    ),
]
_Seed: TypeAlias = Annotated[int, typer.Option(help="Of order, jitter and faults.")]


def sandbox_command(  # noqa: PLR0913 - one argument per command line option
    *,
    host: _Host = HOST,
    port: _Port = PORT,
    account: _Accounts = None,
    any_credentials: _AnyCredentials = False,
    latency_ms: _Latency = 0,
    latency_jitter_ms: _Jitter = 0,
    receipt_delay_ms: _ReceiptDelay = 0,
    receipt_jitter_ms: _Jitter = 0,
    echo_context: _EchoContext = True,
    callback: _Callbacks = None,
    limit: _Limits = None,
    steering: _Steering = True,
    account_code: _AccountCodes = None,
    template_code: _TemplateCodes = None,
    sign_code: _SignCodes = None,
    fault: _Faults = None,
    seed: _Seed = 1,
) -> None:
    """Serve the providers' wire protocols on this machine; no message leaves it."""
    try:
        flags = Flags(
            # An option that is not given leaves the usual account; one that is given replaces it.
            accounts=tuple(map(parse_account, account or ())) or Flags().accounts,
            any_credentials=any_credentials,
            latency_ms=latency_ms,
            latency_jitter_ms=latency_jitter_ms,
            receipt_delay_ms=receipt_delay_ms,
            receipt_jitter_ms=receipt_jitter_ms,
            echo_context=echo_context,
            callbacks=dict(map(parse_pair, callback or ())),
            limits=parse_limits(limit or ()),
            steering=steering,
            account_codes=dict(map(parse_pair, account_code or ())),
            template_codes=dict(map(parse_pair, template_code or ())),
            sign_codes=dict(map(parse_pair, sign_code or ())),
            faults=tuple(map(parse_fault, fault or ())),
            seed=seed,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    try:
        run(host=host, port=port, flags=flags)
    except OSError as error:
        raise typer.BadParameter(f"{host}:{port}: {error.strerror or error}", param_hint="--port") from None
