"""Rules of RabbitMQ as Celery's broker, on a real one; skipped on machines without it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from smsline import Client
from tests.support.redis_server import free_port
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
# Debian's rabbitmq-server on the PATH is a wrapper for root alone; what it wraps runs for everybody.
RABBITMQ = shutil.which("rabbitmq-server", path=f"/usr/lib/rabbitmq/bin:{os.environ.get('PATH', '')}") or ""
EPMD = shutil.which("epmd") or ""

pytestmark = pytest.mark.skipif(not (RABBITMQ and EPMD), reason="no rabbitmq-server on this machine")


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@pytest.fixture
def rabbitmq(tmp_path: Path) -> Iterator[str]:
    """The URL of a RabbitMQ with nothing in it, with a port mapper of its own, so that nothing is left running."""
    folder = tmp_path / "rabbitmq"
    folder.mkdir()
    (folder / "plugins").write_text("[].")
    port, mapper = free_port(), free_port()
    environ = os.environ | {
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(mapper),
        "RABBITMQ_NODENAME": f"test{port}@localhost",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
    }
    with ExitStack() as stack, (folder / "output").open("w") as output:
        for command in ([EPMD, "-port", str(mapper)], [RABBITMQ]):
            stack.callback(end, subprocess.Popen(command, env=environ, stdout=output, stderr=output, process_group=0))
        wait_until(lambda: listens(port), timeout_s=90, what="RabbitMQ listening", every_s=0.1)
        yield f"amqp://guest:guest@127.0.0.1:{port}//"


def end(process: subprocess.Popen[bytes]) -> None:
    """End a server and whatever it has started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_jobs_travel_over_rabbitmq(rabbitmq: str, tmp_path: Path) -> None:
    """With amqp:// as broker jobs are sent at once, woken by their messages: the scheduler looks only every ten seconds."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "worker",
        "up",
        "--redis-port",
        str(port),
        "--data",
        str(tmp_path / "redis"),
        "--no-web",
    ]
    environ = os.environ | {"SMSLINE_BROKER_URL": rabbitmq, "SMSLINE_PULSE_MS": "10000"}
    with (tmp_path / "up").open("w") as told:
        up = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=told, text=True)
    try:
        assert up.stdout
        assert up.stdout.readline().startswith("ready redis="), (tmp_path / "up").read_text()
        client = Client(broker_url=rabbitmq, redis_url=f"redis://127.0.0.1:{port}/0")
        for code in ("4829", "1770"):  # one of them might have met the scheduler
            job = client.send(to="+8613711110000", template="1234", params=[code], lane="otp", ttl_s=60)
            wait_until(lambda job=job: client.status(job)["counts"]["waiting"] == 0, timeout_s=4, what="the send")  # type: ignore[misc]
        client.close()
    finally:
        up.terminate()
        assert up.wait(timeout=40) == 0
        up.communicate()
