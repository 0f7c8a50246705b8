"""`python -m bench.push`: how many receipts by push one core takes.

From the request to the recipient's end.

A campaign is sent, and no receipt is pulled. Then four connections push all receipts in pages of a
hundred, as Tencent does, to a web process; a worker reads them meanwhile. What counts is the CPU of
both together, without that of Redis, which has its own core. Exit code 1 below 10,000 a second.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import httpx
from rich.console import Console

from bench.campaign import PARAMS, TEMPLATE, accepted, phones
from bench.children import importable, python, quiet_children, started, wait, workplace
from bench.sandbox import free_port
from bench.show import Show, progress, tell
from bench.stack import ACCOUNT, NEVER_S, Stack, standing
from bench.usage import cpu, redis_cpu_s
from worker.supervisor.child import Child

WANTED_PER_S: Final = 10_000

PAGE: Final = 100
"""Rows of one push at Tencent, at most."""

CONNECTIONS: Final = 4
SECRET: Final = "the-bench-pushes-with-this"  # noqa: S105 - of a ledger that is gone with the bench
PATIENCE_S: Final = 600.0


def main() -> int:
    """Measure; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.push", description=__doc__)
    parser.add_argument("--receipts", type=int, default=50_000, help="how many (default: 50000)")
    parser.add_argument("--json", action="store_true", help="write JSON instead of a table")
    asked = parser.parse_args()
    with (
        workplace() as folder,
        quiet_children(Path("log")) as sink,
        standing(folder) as stack,
        progress(Console(file=sink)) as show,
    ):
        found = measured(stack, asked.receipts, show)
    tell(found, as_json=asked.json)
    return 0 if found["receipts a second of one core"] >= WANTED_PER_S else 1


def measured(stack: Stack, count: int, show: Show) -> dict[str, float]:
    """Send, push, and see what it has cost until every recipient is delivered."""
    stack.clear()
    settings = {f"ACCOUNTS__{ACCOUNT.upper()}__CALLBACK_SECRET": SECRET, "FIRST_POLL_S": NEVER_S}
    port = free_port()
    environ = importable() | stack.environ(**settings)
    web = Child("web", python("worker", "web", "--port", str(port)), 10.0, environ=environ)
    # Without the lane of codes there is one process, which has the receipts too.
    with stack.service(lanes=("marketing",), procs=1, **settings) as workers, started([web]) as webs:
        job = stack.client.campaign(to=phones(count), template=TEMPLATE, params=PARAMS)
        show("campaign", f"{count:,} numbers")
        wait(lambda: accepted(stack.client, job, count), "the campaign to be accepted", workers, PATIENCE_S)
        rows = rows_of(stack, job)
        pages = [json.dumps(rows[at : at + PAGE]).encode() for at in range(0, count, PAGE)]
        pids = {"web": [webs[0].pid], "worker": [workers[0].pid]}
        before, redis_s, began_s = cpu(pids), redis_cpu_s(stack.ledger.redis), time.monotonic()
        took_s = push(f"http://127.0.0.1:{port}/callbacks/{ACCOUNT}/{SECRET}/status", pages)

        def all_delivered() -> bool:
            delivered = stack.client.status(job)["counts"].get("delivered", 0)
            show("pushed", f"{delivered:,} delivered")
            return delivered == count

        # Seldom: each look is work for Redis.
        wait(all_delivered, "all receipts to be applied", workers, PATIENCE_S, every_s=0.1)
        ended_s = time.monotonic()
        used, redis_s = cpu(pids).since(before), redis_cpu_s(stack.ledger.redis) - redis_s
    busy_s = used["web"] + used["worker"]
    return {
        "receipts": count,
        "receipts a second of one core": count / busy_s,
        "receipts a second, as the clock ran": count / (ended_s - began_s),
        "web process, CPU ms a page": 1000 * used["web"] / len(pages),
        "worker, CPU ms a page": 1000 * used["worker"] / len(pages),
        "Redis, CPU ms a page": 1000 * redis_s / len(pages),
        "answer, median ms": 1000 * statistics.median(took_s),
        "answer, 99 of 100 within ms": 1000 * statistics.quantiles(took_s, n=100)[98],
    }


def rows_of(stack: Stack, job: str) -> list[dict[str, str]]:
    """A receipt for each recipient, as Tencent pushes it; in another order than they were sent."""
    rows = [
        {
            "user_receive_time": "2026-11-28 12:00:00",
            "nationcode": "86",
            "mobile": row["phone"].removeprefix("+86"),
            "report_status": "SUCCESS",
            "errmsg": "DELIVRD",
            "description": "The SMS message is successfully delivered",
            "sid": row["serial"],
        }
        for row in stack.client.results(job)
    ]
    return rows[::2] + rows[1::2]


def push(url: str, pages: Sequence[bytes]) -> list[float]:
    """Push every page once; returns how long each answer took, seconds."""
    with (
        httpx.Client(limits=httpx.Limits(max_connections=CONNECTIONS), trust_env=False, timeout=60) as http,
        ThreadPoolExecutor(CONNECTIONS) as pool,
    ):

        def one(page: bytes) -> float:
            began_s = time.monotonic()
            http.post(url, content=page, headers={"content-type": "application/json"}).raise_for_status()
            return time.monotonic() - began_s

        return list(pool.map(one, pages))


if __name__ == "__main__":
    sys.exit(main())
