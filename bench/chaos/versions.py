"""Older versions of this repository, out of its history, for mixed fleets.

One shares the ledger's layout, another's layout is refused.
"""

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.chaos.machines import MAIN, Fleet, Machine
from bench.chaos.redis_pair import PairServer
from bench.children import ROOT
from smsline import Client, OtherVersion
from smsline.ledger.version import LAYOUT
from smsline.names import QUEUES, WEBHOOKS_QUEUE

# Of layout 1.
REFUSED: Final = "dc268ee"

# What its producer does.
GIVE: Final = (
    "import sys, smsline\n"
    "client = smsline.Client(redis_url=sys.argv[1])\n"
    "client.send(to='+8613870000000', template='1234', params=['482913'], lane='otp')"
)


def older() -> str:
    """The first commit that has today's layout: its workers and producers may run beside today's.

    Empty without a history.
    """
    search = ["log", "--reverse", "--format=%H", f'-SLAYOUT: Final = "{LAYOUT}"', "--", "smsline/ledger/version.py"]
    found = subprocess.run(["git", "-C", str(ROOT), *search], capture_output=True, text=True, check=False)
    return found.stdout.partition("\n")[0]


def archive(revision: str, folder: Path) -> str:
    """Lay a commit's files out in a folder.

    Returns:
        Why that cannot be done; empty when it was.
    """
    folder.mkdir()
    with subprocess.Popen(
        ["git", "-C", str(ROOT), "archive", revision], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as git:
        unpacked = subprocess.run(["tar", "-x", "-C", str(folder)], stdin=git.stdout, capture_output=True, check=False)
        told = git.stderr.read().decode() if git.stderr else ""
    if git.returncode or unpacked.returncode:
        return f"the commit {revision} is not in this clone's history ({told.strip().splitlines()[:1]})"
    return ""


def refusal(folder: Path, settings: Mapping[str, str]) -> str:
    """What today's producer is told by a ledger on which a worker of layout 1 has been at work.

    Args:
        folder: An empty one, for its Redis and its version.
        settings: Where the provider is.

    Returns:
        The words; empty when it was not refused, which breaks a promise.
    """
    server = PairServer(folder / "redis")
    url = f"redis://127.0.0.1:{server.port}/0"
    try:
        queues = [queue for queue in QUEUES if queue != WEBHOOKS_QUEUE]
        machine = Machine("first-layout", MAIN, queues, older=True, module="worker.process")
        with Fleet([machine], {**settings, "REDIS_URL": url}, older=folder / "old", log=folder / "log"):
            subprocess.run([sys.executable, "-c", GIVE, url], env={"PYTHONPATH": str(folder / "old")}, check=True)
            client, over_s = Client(redis_url=url), time.monotonic() + 20
            while time.monotonic() < over_s:
                try:
                    client.send(to="+8613870009999", template="1234", params=["1"], lane="otp")
                except OtherVersion as error:
                    return str(error)
                finally:
                    client.close()
                time.sleep(0.2)
        return ""
    finally:
        server.kill()
