"""What runs on one machine: the stages to supervise, made of settings and a few choices."""

import logging
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.settings import Settings
from smsline.names import LANES, RECEIPTS_QUEUE, SANDBOX_ACCOUNT, WEBHOOKS_QUEUE, lane_queue
from smsline.urls import read_url, shown
from worker.listening import bind, url_of
from worker.supervisor.child import Child
from worker.supervisor.embedded_redis import HOST, PORT, claim, find_server, redis_child
from worker.supervisor.embedded_redis import url_of as redis_url_of
from worker.supervisor.process import longest_stop_s
from worker.supervisor.supervisor import CannotStart, Stage

log = logging.getLogger(__name__)

ROOT: Final = Path(__file__).resolve().parents[2]
SANDBOX_STOP_S: Final = 3.0
WEB_STOP_S: Final = 8.0


@dataclass(frozen=True, slots=True)
class WorkerGroup:
    """A worker process: its name and the queues it consumes."""

    name: str
    queues: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run, first things first, on which Redis, and where the console is, if it runs."""

    stages: tuple[Stage, ...]
    redis_url: str
    web_url: str = ""


def groups(lanes: Sequence[str], procs: int) -> tuple[WorkerGroup, ...]:
    """Which worker processes serve these lanes.

    otp has a process of its own, which keeps it apart under any load: beside a backlog in the same
    process it starts after 21 ms, in its own after 4. Receipts and webhooks go with the bulk, and
    with otp only where there is no other process.

    Args:
        lanes: Lanes to serve.
        procs: Processes for the lanes other than otp.
    """
    bulk = tuple(lane_queue(lane) for lane in LANES if lane in lanes and lane != "otp")
    made = (
        [WorkerGroup(f"bulk{number}", (*bulk, RECEIPTS_QUEUE, WEBHOOKS_QUEUE)) for number in range(1, procs + 1)]
        if bulk
        else []
    )
    # Receipts have to be drained also where only otp is served.
    otp = (lane_queue("otp"),) if bulk else (lane_queue("otp"), RECEIPTS_QUEUE, WEBHOOKS_QUEUE)
    return (WorkerGroup("otp", otp), *made) if "otp" in lanes else tuple(made)


def plan_run(settings: Settings, *, lanes: Sequence[str] = LANES, procs: int | None = None) -> Plan:
    """Workers only.

    Args:
        settings: The settings.
        lanes: Lanes to serve.
        procs: Bulk processes; the settings' number when None.
    """
    return Plan((_workers(settings, groups(lanes, procs or settings.worker_procs), {}),), settings.redis_url)


def plan_up(
    settings: Settings,
    *,
    data: Path,
    redis_port: int | None = None,
    sandbox: bool,
    procs: int | None = None,
    web_port: int | None = None,
) -> Plan:
    """Everything: Redis unless the settings name one, the sandbox if it is wanted, and the workers.

    Args:
        settings: The settings.
        data: Folder of the embedded Redis.
        redis_port: Its port; 6390 when None.
        sandbox: Whether to start the sandbox.
        procs: Bulk processes; the settings' number when None.
        web_port: Port of the web process, 0 for a free one; None starts none.

    Raises:
        CannotStart: The embedded Redis cannot run, or the web process' port is taken.
    """
    # What the children must know and the environment does not say; what is set, they read
    # themselves.
    environ: dict[str, str] = {}
    stages: list[Stage] = []
    if embeds_redis(settings, redis_port):
        port = redis_port or PORT
        # Found and claimed before anything is started, so that a folder in use costs no
        # half-started service.
        server = find_server()
        password = read_url(settings.redis_url).password if "redis_url" in settings.model_fields_set else ""
        redis_process = redis_child(server, data, port, lock=claim(data, port, server), password=password)
        stages.append(Stage((redis_process,), gate=True))
        if "redis_url" not in settings.model_fields_set:
            environ["SMSLINE_REDIS_URL"] = redis_url_of(port)  # what is set, the children read themselves
    if sandbox:
        warn_of_sandbox(settings)
        child, url = _sandbox()
        stages.append(Stage((child,)))
        environ |= sandbox_account(url)
    web_url = ""
    if web_port is not None:
        child, web_url = _web(web_port, environ)
        stages.append(Stage((child,)))
    workers = _workers(settings, groups(LANES, procs or settings.worker_procs), environ)
    return Plan((*stages, workers), environ.get("SMSLINE_REDIS_URL", settings.redis_url), web_url)


def embeds_redis(settings: Settings, redis_port: int | None) -> bool:
    """Whether `up` starts a Redis: not when the settings name another than it would start.

    Raises:
        CannotStart: The settings name one Redis, and `--redis-port` another.
    """
    if "redis_url" not in settings.model_fields_set:
        return True
    if redis_port is None:
        return False
    named = read_url(settings.redis_url)
    # The URL of the embedded Redis itself, as `up` printed it: no contradiction.
    if not named.master and named.hosts[0] == (HOST, redis_port):
        return True
    raise CannotStart(
        f"--redis-port {redis_port} asks for an embedded Redis, but SMSLINE_REDIS_URL names "
        f"{shown(settings.redis_url)}; leave one of them out"
    )


def wants_sandbox(settings: Settings, asked: bool | None) -> bool:  # noqa: FBT001 - a flag's three states
    """Whether to start the sandbox.

    The command line decides, then the setting, then whether there is an account.
    """
    if asked is not None:
        return asked
    return settings.sandbox == "on" or (settings.sandbox == "auto" and not settings.accounts)


def warn_of_sandbox(settings: Settings) -> None:
    """Say loudly that nothing is sent.

    Who forgot to set an account must not take receipts for texts on phones.
    """
    others = f"; {', '.join(settings.accounts)} send too, by their prefixes and routes" if settings.accounts else ""
    why = "" if settings.accounts else ": no account is configured (SMSLINE_ACCOUNTS__<NAME>__PROVIDER and its keys)"
    log.warning(
        "NOTHING IS SENT TO PHONES: the account `sandbox` answers as a provider would, and sends nothing%s%s",
        why,
        others,
    )


def sandbox_account(url: str) -> dict[str, str]:
    """The variables of an account at the sandbox, called `sandbox`."""
    values = {
        "PROVIDER": "tencent",
        "SECRET_ID": "sandbox-id",
        "SECRET_KEY": "sandbox-key",
        "SDK_APP_ID": "1400000000",
        "SIGN": "smsline",
        "ENDPOINT": url,
    }
    return {f"SMSLINE_ACCOUNTS__{SANDBOX_ACCOUNT.upper()}__{name}": value for name, value in values.items()}


def announce(plan: Plan) -> None:
    """Say on standard output that a job can be taken, and where."""
    web = f" web={plan.web_url}" if plan.web_url else ""
    print(f"ready redis={shown(plan.redis_url)}{web}", flush=True)


def _web(port: int, environ: Mapping[str, str]) -> tuple[Child, str]:
    """The web process on this machine alone, and its URL.

    We listen in its place, and hand the socket down: a port that is taken is told at once, and a
    restart keeps it.
    """
    try:
        listener = bind(HOST, port)
    except OSError as error:
        raise CannotStart(
            f"the web process cannot listen on {HOST}:{port}: {error.strerror}; give --web-port another one, or --no-web"
        ) from None
    url, descriptor = url_of(listener), listener.detach()
    command = (sys.executable, "-m", "worker", "web", "--descriptor", str(descriptor))
    child = Child("web", command, WEB_STOP_S, environ=_importable() | dict(environ), pass_fds=(descriptor,))
    return child, url


def _sandbox() -> tuple[Child, str]:
    """The sandbox on a free port, and its URL.

    It keeps the port when it is started again: the workers know it.
    """
    # Between this close and the sandbox's bind another process may take the port; the sandbox then
    # ends and says so.
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]

    def listens() -> bool:
        try:
            socket.create_connection((HOST, port), 0.5).close()
        except OSError:
            return False
        return True

    command = (sys.executable, "-m", "worker.sandbox", "--port", str(port))
    child = Child("sandbox", command, SANDBOX_STOP_S, environ=_importable(), probe=listens)
    return child, f"http://{HOST}:{port}"


def _workers(settings: Settings, made: Sequence[WorkerGroup], environ: Mapping[str, str]) -> Stage:
    # SIGKILL must not come before the longest call has ended and was written down.
    stop_s = longest_stop_s(settings.longest_call_s)
    # Our process id tells the workers of two supervisors on one machine apart: Celery wants every
    # name to be another.
    commands = [(f"{group.name}-p{os.getpid()}", ",".join(group.queues)) for group in made]
    return Stage(
        tuple(
            Child(
                name,
                (sys.executable, "-m", "worker.supervisor.process", name, queues),
                stop_s,
                environ=_importable() | dict(environ),
            )
            for name, queues in commands
        )
    )


def _importable() -> dict[str, str]:
    """The variable that lets a child import what we import, wherever we were started."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))}
