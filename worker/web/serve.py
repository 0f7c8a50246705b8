"""The web process as a command: it listens on an address, or says why it refuses to."""

import socket
from importlib import metadata
from ipaddress import ip_address
from typing import Final

import uvicorn

from config.settings import Settings
from smsline.admin import Admin
from smsline.client import Client
from smsline.codes import load_overrides
from smsline.errors import SmslineError
from smsline.ledger import users
from smsline.ledger.link import Ledger
from worker import traces
from worker.listening import bind, url_of
from worker.runtime.readiness import mark_ready
from worker.web.app import build_app
from worker.web.context import Web
from worker.web.headers_in_time import HeadersInTime
from worker.web.pages.rendering import warm_up

HOST: Final = "127.0.0.1"
PORT: Final = 8390

_IDLE_S: Final = 75
# For how long answers that have begun may go on after SIGTERM; live pages never end by themselves.
_STOP_S: Final = 5


class TooOpen(SmslineError):  # noqa: N818 - reads as what happened
    """It would be reachable from other machines without a sign-in."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address that is listened on."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def refuse_the_open(settings: Settings, ledger: Ledger, host: str) -> None:
    """Refuse an address that other machines reach while the console asks for no sign-in.

    Raises:
        TooOpen: The address is not of this machine alone, and there is neither a user nor a trusted
            proxy.
        redis.exceptions.RedisError: Redis does not say whether there are users.
    """
    # Users last: only this asks Redis, and on loopback it may be away.
    if is_loopback(host) or settings.web.trusts_a_proxy or users.any_user(ledger):
        return
    raise TooOpen(
        f"will not listen on {host}, which other machines can reach, as long as no sign-in is asked for: add a user first "
        "(smsline users add NAME --role admin), or set SMSLINE_WEB__TRUSTED_PROXY_ADDRESSES and SMSLINE_WEB__TRUSTED_PROXY_HEADER"
    )


def web_process(settings: Settings, *, loopback: bool) -> Web:
    """What the handlers work with."""
    if settings.codes_file:
        load_overrides(settings.codes_file)
    ledger = Ledger.at(settings.redis_url, settings.namespace)
    try:
        version = metadata.version("smsline")
    except metadata.PackageNotFoundError:  # a checkout that was not installed
        version = "unknown"
    urls, region = (settings.broker_url, settings.redis_url), settings.region_default
    return Web(
        settings,
        Client(*urls, region=region, ledger=ledger),
        Admin(*urls, region=region, ledger=ledger),
        ledger,
        loopback,
        version,
    )


def serve(settings: Settings, listener: socket.socket) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Args:
        settings: With what.
        listener: Where; it listens already.

    Raises:
        TooOpen: See `refuse_the_open`.
        redis.exceptions.RedisError: Beyond loopback, when Redis cannot be reached at the start.
    """
    host = listener.getsockname()[0]
    traces.configure("smsline-web")
    # One connection pool for client and admin: they are two views of one ledger.
    web = web_process(settings, loopback=is_loopback(host))
    refuse_the_open(settings, web.ledger, host)
    config = uvicorn.Config(
        build_app(web),
        http=HeadersInTime,
        ws="none",
        # Nothing is to be started or ended with the server.
        lifespan="off",
        log_config=None,
        access_log=False,  # paths hold numbers, and those of callbacks a secret
        server_header=False,
        proxy_headers=False,  # which proxy to trust is a setting of ours
        timeout_keep_alive=_IDLE_S,
        timeout_graceful_shutdown=_STOP_S,
    )
    warm_up()  # the first use of templates and tables takes longer than a page may
    mark_ready()  # the socket listens: a request that comes now waits a moment and is served
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:  # uvicorn raises it again after it has stopped in order
        return


def listen(host: str, port: int, descriptor: int | None = None) -> socket.socket:
    """The socket to serve on: a new one, or one that `up` made before and handed down.

    Raises:
        SmslineError: The address cannot be had.
    """
    if descriptor is not None:
        return socket.socket(fileno=descriptor)
    try:
        return bind(host, port)
    except OSError as error:
        raise SmslineError(
            f"cannot listen on {host}:{port}: {error.strerror or error}; choose another --port"
        ) from None


def announce(listener: socket.socket) -> None:
    """Say on standard output where it is."""
    print(f"ready web={url_of(listener)}", flush=True)
