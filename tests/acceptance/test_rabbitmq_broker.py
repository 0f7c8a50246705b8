"""The service with RabbitMQ as broker: started as a user would, a job handed over, sent, closed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from smsline import Client
from tests.faults.support.rabbit import MAPPER, SERVER, RabbitMQ, url_of
from tests.support.redis_server import free_port
from tests.support.waiting import LONG_S, wait_until

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not (SERVER and MAPPER), reason="no RabbitMQ here: apt-get install rabbitmq-server")


def test_jobs_are_sent_with_rabbitmq_as_broker(tmp_path: Path) -> None:
    """The producer writes the ledger alone; the scheduler's wake-ups travel over RabbitMQ."""
    port, folder = free_port(), tmp_path / "rabbitmq"
    folder.mkdir()
    command = [sys.executable, "-m", "worker", "up", "--redis-port", str(port), "--data", str(tmp_path / "redis")]
    with RabbitMQ(folder) as rabbit, (tmp_path / "up").open("w") as told:
        environ = os.environ | {"SMSLINE_BROKER_URL": url_of(rabbit.port)}
        up = subprocess.Popen(
            [*command, "--no-web"], cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=told, text=True
        )
        try:
            assert up.stdout
            assert up.stdout.readline().startswith("ready redis="), (tmp_path / "up").read_text()
            client = Client(broker_url=url_of(rabbit.port), redis_url=f"redis://127.0.0.1:{port}/0")
            job = client.send(to="+8613711110000", template="1234", params=["4829"], lane="otp", ttl_s=60)
            wait_until(lambda: client.status(job)["state"] == "closed", what="the receipt")
            assert client.status(job)["counts"]["delivered"] == 1
            client.close()
        finally:
            up.send_signal(signal.SIGTERM)
            assert up.wait(timeout=LONG_S) == 0
            up.communicate()
