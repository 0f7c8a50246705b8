"""The HTTP API: single messages at an even pace to one web process that has one core.

Connections are kept alive.

A request's time runs from the moment at which it was due, so that one that had to wait for the
answers before it is as late as its caller would find it.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from bench.children import BenchFailed, python, started
from bench.rows import Row, TargetRow, percentile
from bench.sandbox import free_port
from bench.show import Show
from bench.sizes import Sizes
from bench.stack import Stack
from bench.usage import cpu_s
from smsline.ledger import api_keys
from worker.supervisor.child import Child, Running

PER_S: Final = 500
CONNECTIONS: Final = 20
WARM_S: Final = 2
"""Seconds at the start that do not count: the first requests open connections and load modules."""

FIRST: Final = 8613600000000


@dataclass(slots=True)
class ApiCounts:
    """What became of the requests.

    Attributes:
        ms: How long each took, milliseconds, those of the first seconds left out.
        per_s: Answers a second.
        cpu_ms: CPU of the web process for each, milliseconds.
    """

    ms: list[float]
    per_s: float
    cpu_ms: float = 0.0


@contextmanager
def web(stack: Stack) -> Iterator[tuple[Running, int]]:
    """The web process, on the machine's last core alone, and its port."""
    port = free_port()
    child = Child("web", python("worker", "web", "--port", str(port)), 10.0, environ=stack.environ())
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set[int]()
    try:
        if before:
            os.sched_setaffinity(0, {max(before)})  # a child, and each of its threads, has the cores of who starts it
        with started([child]) as (running,):
            if before:
                os.sched_setaffinity(0, before)
            yield running, port
    finally:
        if before:
            os.sched_setaffinity(0, before)


def requests(key: str, count: int) -> list[bytes]:
    """Requests as a client with a session of its own sends them, each to another number."""
    head = (
        "POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: "
    )
    bodies = (f'{{"to":"+{FIRST + nth}","template":"1234","params":["{nth:06d}"]}}' for nth in range(count))
    return [f"{head}{len(body)}\r\n\r\n{body}".encode() for body in bodies]


async def ask(port: int, made: list[bytes], per_s: float) -> ApiCounts:
    """Send the requests at an even pace.

    Raises:
        BenchFailed: One was not answered with 201.
    """
    began_s, waiting, took_ms = time.perf_counter() + 0.2, iter(enumerate(made)), [0.0] * len(made)

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for nth, request in waiting:
            due_s = began_s + nth / per_s
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            body = await reader.readexactly(length)
            took_ms[nth] = (time.perf_counter() - due_s) * 1000
            # One refusal makes the whole figure worthless: what is refused is answered
            # sooner than what is taken.
            if b" 201 " not in head[:16]:
                raise BenchFailed(f"the API answered {head.splitlines()[0].decode()}: {body.decode()[:200]}")
        writer.close()

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return ApiCounts(took_ms[int(WARM_S * per_s) :], len(made) / (time.perf_counter() - began_s))


def measure(stack: Stack, sizes: Sizes, _procs: int, show: Show) -> list[Row]:
    """The rows about the API."""
    show(f"the API: {PER_S} single messages a second")
    stack.clear()
    key = api_keys.create(stack.ledger, "bench", scopes=("send",))
    made = requests(key, PER_S * (sizes.api_s + WARM_S))
    with web(stack) as (running, port):
        before_s = cpu_s(running.pid)
        asked = asyncio.run(ask(port, made, PER_S))
        asked.cpu_ms = (cpu_s(running.pid) - before_s) / len(made) * 1000
    return rows(asked)


def rows(asked: ApiCounts) -> list[Row]:
    """The table's lines."""
    what = f"API: {PER_S} single messages a second, one core of the web process"
    return [
        Row(
            key="api_rate",
            measure=f"{what}, answered",
            values=[asked.per_s],
            unit="/s",
            target=TargetRow("least", PER_S * 0.98, "value"),
        ),
        Row(
            key="api_p99",
            measure=f"{what}, p99",
            values=[percentile(asked.ms, 0.99)],
            unit="ms",
            target=TargetRow("most", 50, "value"),
            note=f"p50 {percentile(asked.ms, 0.5):.1f} ms, {asked.cpu_ms:.2f} ms of CPU a message; "
            f"{CONNECTIONS} kept-alive connections",
        ),
    ]
