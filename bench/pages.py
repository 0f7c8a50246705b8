"""`python -m bench.pages [RECIPIENTS JOBS]`: how fast the console answers, and its price.

Over ten million recipients.

The ledger is written as workers would have left it: jobs, blocks with their serials, the index by
number, dead letters, statistics, replies, suppressions, the audit trail. Then every page is asked
for, one after another, and ten people look for a while: each has a live page open and loads another
one every few seconds.
"""

import itertools
import statistics as figures
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx

from bench.children import importable, python, started, workplace
from bench.sandbox import free_port
from bench.usage import cpu, redis_cpu_s, used_memory
from smsline.ledger import accounts, audit, number_index, replies, statistics, suppression
from smsline.ledger.audit import Actor
from smsline.ledger.blocks import pack_note
from smsline.ledger.link import Ledger
from smsline.ledger.replies import NewReply
from smsline.ledger.suppression import Suppression
from smsline.names import DEFAULT_NAMESPACE
from smsline.numbers import pack
from worker.supervisor.child import Child
from worker.supervisor.embedded_redis import claim, find_server, redis_child, url_of

BLOCK: Final = 200
CODES: Final = tuple(f"FailedOperation.Reason{number}" for number in range(20))
ACCOUNTS: Final = ("main", "second")
FIRST_PHONE: Final = 8613_000_000_000
LOOKERS: Final = 10
LOOKED_S: Final = 30.0
LOADS_EVERY_S: Final = 5.0
ROUNDS: Final = 15
KEEP_S: Final = 30 * 86_400
AT_ONCE: Final = 250


def build(ledger: Ledger, recipients: int, jobs: int) -> list[str]:
    """Fill an empty ledger.

    One job has a tenth of all recipients. Returns the ids of a large and of a small job.
    """
    accounts.register(ledger, dict.fromkeys(ACCOUNTS, "tencent"))
    numbers = {code: number for number, code in enumerate(CODES, 1)}
    ledger.redis.hset(ledger.keys.names, mapping={number: code for code, number in numbers.items()})
    phones, now_ms = itertools.count(FIRST_PHONE), ledger.now_ms()
    each = (recipients * 9 // 10) // (jobs - 1)
    for at in range(jobs):
        _job(
            ledger,
            f"0{at:05d}bench",
            phones=phones,
            size=recipients // 10 if at == 0 else each,
            created_ms=now_ms - at * 60_000,
        )
    suppression.add(
        ledger,
        (Suppression(FIRST_PHONE + at * 7, scope="marketing", source="reply", reason="TD") for at in range(100_000)),
    )
    for at in range(5_000):
        reply = NewReply("main", FIRST_PHONE + at, "TD", int(now_ms / 1000) - at, "Shop", "", "stop", "marketing", "TD")
        replies.keep(ledger, reply, retention_ms=KEEP_S * 1000)
    for at in range(20_000):
        audit.note(ledger, Actor("anna", "page", "127.0.0.1"), "job.pause", {"job": f"0{at % jobs:05d}bench"}, count=at)
    for minute in range(180):
        ledger.redis.hincrby(
            ledger.keys.stats, f"r|main|marketing|{'delivered' if minute % 2 else 'accepted'}", 7 * minute
        )
        statistics.write_history(ledger, now_ms=now_ms - (180 - minute) * 60_000, keep_s=KEEP_S)
    return ["000000bench", "000007bench"]


def _job(ledger: Ledger, job: str, *, phones: Iterator[int], size: int, created_ms: int) -> None:
    """One job that is over: nine tenths delivered, the rest dead with codes that take turns."""
    first, blocks = ledger.block_ids.take(-(-size // BLOCK)), list[list[int]]()
    pipe, dead = ledger.redis.pipeline(transaction=False), dict[str, int]()
    while size:
        some = list(itertools.islice(phones, min(BLOCK, size)))
        size -= len(some)
        bad, code = len(some) // 10, len(blocks) % len(CODES)
        account = ACCOUNTS[len(blocks) % 2]
        field = f"{account} {CODES[code]} {job} x"
        dead[field] = dead.get(field, 0) + bad
        good = len(some) - bad
        serials = [f"2019:{first + len(blocks):x}{at:04x}{job}" for at in range(good)]
        pipe.hset(
            ledger.keys.block(first + len(blocks)),
            mapping={
                "job": job,
                "queue": f"marketing|{account}|5678|m||",
                "n": pack(some),
                "st": "d" * good + "x" * bad,
                "at": b"\1" * len(some),
                "cd": b"\0\0" * good + (code + 1).to_bytes(2, "big") * bad,
                "fi": (created_ms // 1000 + 5).to_bytes(4, "big") * len(some),
                "z1": pack_note(account, created_ms + 1000, range(good), serials, [1] * good),
            },
        )
        blocks.append(some)
        if len(blocks) % AT_ONCE == 0:
            pipe.execute()
    total, failed = sum(map(len, blocks)), sum(dead.values())
    facts: dict[str, str | int] = {"id": job, "state": "open", "lane": "marketing", "template": "5678", "complete": 1}
    facts |= {
        "created_ms": created_ms,
        "closed_ms": created_ms + 60_000,
        "total": total,
        "delivered": total - failed,
        "dead": failed,
    }
    facts |= {"calls": len(blocks), "fee": total, "parts": len(blocks), "taken": len(blocks)}
    pipe.hset(ledger.keys.job(job), mapping=facts)
    pipe.hset(ledger.keys.blocks(job), "0", f"{first}:{len(blocks)}")
    pipe.zadd(ledger.keys.jobs, {job: created_ms})
    pipe.hset(ledger.keys.dead, mapping=dead)
    for field, count in dead.items():
        account, code_name, _, letter = field.split(" ")
        pipe.hincrby(ledger.keys.stats, f"d|{account}|{code_name}|{letter}", count)
    pipe.execute()
    for at in range(0, len(blocks), 5):
        known = {first + at + place: some for place, some in enumerate(blocks[at : at + 5])}
        ledger.run_many([number_index.adding(ledger, known, keep_s=KEEP_S)])


def paths(jobs: list[str]) -> dict[str, str]:
    """Every page, by what it shows."""
    large, small = jobs
    return {
        "overview": "/",
        "jobs": "/jobs",
        "jobs, filtered to none": "/jobs?template=none",
        "jobs, by time": "/jobs?until=2020-01-01",
        "a small job": f"/jobs/{small}",
        "a job of a million": f"/jobs/{large}",
        "its dead": f"/jobs/{large}?show=dead",
        "cancel": f"/jobs/{small}/cancel",
        "new campaign": "/campaigns/new",
        "numbers": "/numbers",
        "a number": f"/numbers/+{FIRST_PHONE + 4_321_000}",
        "dead letters": "/dead",
        "dead letters of a code": f"/dead?code={CODES[3]}",
        "dead letters of a job": f"/dead?job={small}",
        "accounts": "/accounts",
        "suppressed": "/suppressed",
        "replies": "/replies",
        "webhooks": "/webhooks",
        "codes": "/codes?q=isv.BUSINESS_LIMIT_CONTROL",
        "codes, listed": "/codes?provider=tencent",
        "users and keys": "/access",
        "audit": "/audit",
        "audit, filtered": "/audit?who=nobody",
        "metrics": "/metrics",
    }


def measure(url: str, ledger: Ledger, jobs: list[str], pid: int) -> bool:
    """Ask for every page, then let people look; says whether all of it is within its bounds.

    On a busy machine the time of an answer says little of the page: the CPU of the web process,
    `pid`, does.
    """
    good, every = True, list[float]()
    with httpx.Client(base_url=url, timeout=30) as client:
        for name, path in paths(jobs).items():
            before_s, web_s, times = redis_cpu_s(ledger.redis), cpu({"web": [pid]}), list[float]()
            held = list[float]()
            for _ in range(ROUNDS):
                began_s, queued_ms = time.perf_counter(), queued(pid)
                answer = client.get(path)
                times.append(1000 * (time.perf_counter() - began_s))
                held.append(times[-1] - queued(pid) + queued_ms)
            every += times
            web_ms = 1000 * cpu({"web": [pid]}).since(web_s).get("web", 0.0) / ROUNDS
            cost_ms = 1000 * (redis_cpu_s(ledger.redis) - before_s) / ROUNDS
            good &= max(times) <= 200 and answer.status_code in {200, 404}
            told = f"{figures.median(times):7.1f} ms, at most {max(times):7.1f}, with a core {max(held):7.1f}; "
            told += f"CPU {web_ms:5.1f}, Redis {cost_ms:5.2f} ms"
            print(f"{name:24} {answer.status_code} {told}, {len(answer.content):7,} B", flush=True)
    print(f"all pages: p99 {figures.quantiles(every, n=100)[98]:.0f} ms")
    over, looks = threading.Event(), list[float]()
    lookers = [
        threading.Thread(target=_look, args=(url, jobs, number), kwargs={"over": over, "looks": looks})
        for number in range(LOOKERS)
    ]
    before_s, began_s = redis_cpu_s(ledger.redis), time.monotonic()
    for each in lookers:
        each.start()
    time.sleep(LOOKED_S)
    share = (redis_cpu_s(ledger.redis) - before_s) / (time.monotonic() - began_s)
    over.set()
    for each in lookers:
        each.join()
    print(f"ten people: Redis {100 * share:.2f} % of a core; {len(looks)} pages, at most {1000 * max(looks):.0f} ms")
    return good and share < 0.01 and max(looks) <= 0.2


def queued(pid: int) -> float:
    """How long the threads of a process have waited for a core, ms.

    What a busy machine adds to an answer.
    """
    waited_ns = 0
    for each in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(OSError):  # a thread has ended
            waited_ns += int(each.read_text().split()[1])
    return waited_ns / 1e6


def _look(url: str, jobs: list[str], number: int, *, over: threading.Event, looks: list[float]) -> None:
    live = "/live" if number % 2 else f"/jobs/{jobs[number // 2 % 2]}/live"
    every = list(paths(jobs).values())
    threading.Thread(target=_watch, args=(url + live,), daemon=True).start()
    with httpx.Client(base_url=url, timeout=30) as client:
        for path in itertools.cycle(every[number:] + every[:number]):
            began_s = time.perf_counter()
            client.get(path)
            looks.append(time.perf_counter() - began_s)
            if over.wait(LOADS_EVERY_S):
                return


def _watch(live: str) -> None:
    """Read a live part until the server goes."""
    with suppress(httpx.HTTPError), httpx.stream("GET", live, timeout=LOOKED_S * 2) as stream:
        for _ in stream.iter_raw():
            pass


def main(argv: list[str]) -> int:
    """Build, serve, measure; returns the exit code."""
    recipients, count = (int(argv[0]), int(argv[1])) if argv else (10_000_000, 10_000)
    with workplace() as folder:
        port, web_port, server = free_port(), free_port(), find_server()
        lock = claim(Path(folder) / "redis", port, server)
        with started([redis_child(server, Path(folder) / "redis", port, lock=lock)]):
            ledger, began_s = Ledger.at(url_of(port), DEFAULT_NAMESPACE), time.monotonic()
            jobs = build(ledger, recipients, count)
            print(f"built in {time.monotonic() - began_s:.0f} s, {used_memory(ledger.redis) / 1e6:,.0f} MB", flush=True)
            environ = {**importable(), "SMSLINE_REDIS_URL": url_of(port)}
            web = Child("web", python("worker", "web", "--port", str(web_port)), 10.0, environ=environ)
            with started([web]) as running:
                return 0 if measure(f"http://127.0.0.1:{web_port}", ledger, jobs, running[0].pid) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
