"""CPU per number and stage: a campaign runs through the engine's stages in one thread.

`python -m bench.stages [NUMBERS] [--profile STAGE]`. Redis and the Tencent adapter are real; in the
place of HTTP stands a stub whose own time is taken off. With `--profile` the functions of one stage
are listed, slowest first (the profiler itself slows small ones most).
"""

import argparse
import cProfile
import itertools
import pstats
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from pydantic import SecretStr

from bench.children import quiet_children, workplace
from bench.stack import ACCOUNT, NO_LIMIT, Stack, standing
from bench.usage import redis_cpu_s
from config.accounts import Account
from config.settings import load_settings
from smsline.ledger.link import Ledger
from smsline.names import DEFAULT_NAMESPACE
from smsline.numbers import e164
from worker.engine import Engine
from worker.intake import accept
from worker.providers.base import Provider
from worker.providers.http import HttpRequest, HttpResponse
from worker.providers.tencent.client import TencentProvider
from worker.receipts import drain
from worker.sending import send

STAGES: Final = ("submit", "accept", "send", "receipts")
LANE: Final = "marketing"
FIRST: Final = 8613700000000


class StubPort:
    """Answers sends and pulls as the provider would, from memory.

    Attributes:
        spent_s: CPU seconds it took itself.
    """

    def __init__(self) -> None:
        self.spent_s = 0.0
        self._ids = itertools.count(10**8)
        self._out: list[tuple[str, str, str]] = []

    def send(self, request: HttpRequest) -> HttpResponse:
        """The answer, always 200."""
        before_s = time.thread_time()
        asked = msgspec.json.decode(request.body)
        name = "SendStatusSet" if "PhoneNumberSet" in asked else "PullSmsSendStatusSet"
        rows = self._sent(asked) if name == "SendStatusSet" else self._given(asked["Limit"])
        answer = msgspec.json.encode({"Response": {name: rows, "RequestId": "bench"}})
        self.spent_s += time.thread_time() - before_s
        return HttpResponse(200, answer)

    def close(self) -> None:
        """Nothing is open."""

    def _sent(self, asked: dict[str, Any]) -> list[dict[str, object]]:
        rows = []
        for phone in asked["PhoneNumberSet"]:
            serial = f"5000:1234567890123456789{next(self._ids)}"
            self._out.append((phone, serial, asked.get("SessionContext", "")))
            rows.append({"SerialNo": serial, "PhoneNumber": phone, "Fee": 1, "Code": "Ok", "Message": "send success"})
        return rows[1::2] + rows[::2]

    def _given(self, limit: int) -> list[dict[str, object]]:
        given, self._out = self._out[:limit], self._out[limit:]
        return [
            {
                "UserReceiveTime": 1_790_000_000,
                "CountryCode": "86",
                "SubscriberNumber": phone[3:],
                "PhoneNumber": phone,
                "SerialNo": serial,
                "ReportStatus": "SUCCESS",
                "Description": "DELIVRD",
                "SessionContext": context,
            }
            for phone, serial, context in given
        ]


class Stages:
    """One campaign, moved by hand from stage to stage.

    Args:
        stack: Where.
        numbers: How many.
    """

    def __init__(self, stack: Stack, numbers: int) -> None:
        settings = load_settings(stack.environ(FIRST_POLL_S="0", LINGER_MS="0"))
        limits = dict.fromkeys(("SendSms", "PullSmsSendStatus", "PullSmsSendStatusByPhoneNumber"), float(NO_LIMIT))
        account = Account(
            provider="tencent",
            secret_id=SecretStr("id"),
            secret_key=SecretStr("key"),
            sdk_app_id="1400000000",
            limits=limits,
        )
        self.stub = StubPort()
        providers: dict[str, Provider] = {ACCOUNT: TencentProvider(ACCOUNT, account, port=self.stub)}
        self.engine = Engine(settings, Ledger.at(stack.redis_url, DEFAULT_NAMESPACE), providers)
        self.numbers = numbers
        self._client = stack.client
        self._job = ""

    def submit(self) -> None:
        """The producer's part."""
        numbers = range(FIRST, FIRST + self.numbers)
        self._job = self._client.campaign(to=map(e164, numbers), template="5678", params=["20"], lane=LANE)

    def accept(self) -> None:
        """From the inbox into lines."""
        while accept.accept_job(self.engine, self._job, seconds=60):
            pass

    def send(self) -> None:
        """From lines to the provider, outcomes recorded."""
        while self._count("waiting"):
            send.send_slice(self.engine, LANE, seconds=60)

    def receipts(self) -> None:
        """From the provider's queue to the recipients' final states."""
        while self._count("accepted"):
            self.engine.ledger.redis.zadd(self.engine.ledger.keys.drain, {ACCOUNT: 1})
            drain.drain(self.engine, ACCOUNT, seconds=60)

    def _count(self, name: str) -> int:
        return int(self._client.status(self._job)["counts"][name])  # type: ignore[literal-required]


Spans = tuple[float, float, float]
"""CPU in Python, CPU in Redis, wall time."""


def measured(stages: Stages, name: str, profiler: cProfile.Profile | None = None) -> Spans:
    """Run one stage; microseconds per number."""
    run: Callable[[], None] = getattr(stages, name)
    redis = stages.engine.ledger.redis
    stub_s, redis_s, cpu_s, wall_s = stages.stub.spent_s, redis_cpu_s(redis), time.process_time(), time.perf_counter()
    if profiler:
        profiler.runcall(run)
    else:
        run()
    used_s = time.process_time() - cpu_s - (stages.stub.spent_s - stub_s)
    spans_s = (used_s, redis_cpu_s(redis) - redis_s, time.perf_counter() - wall_s)
    per_number = tuple(span_s / stages.numbers * 1e6 for span_s in spans_s)
    return per_number[0], per_number[1], per_number[2]


def main(argv: list[str]) -> int:
    """Print the stages' shares."""
    parser = argparse.ArgumentParser(prog="python -m bench.stages", description=__doc__)
    parser.add_argument("numbers", nargs="?", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3, help="the least of so many rounds is shown (3)")
    parser.add_argument("--profile", choices=STAGES)
    asked = parser.parse_args(argv)
    profiler = cProfile.Profile() if asked.profile else None
    rounds: list[dict[str, Spans]] = []
    with workplace() as folder, quiet_children(Path(folder, "log")), standing(folder) as stack:
        for _ in range(1 if profiler else asked.rounds):
            stack.clear()
            stages = Stages(stack, asked.numbers)
            rounds.append(
                {name: measured(stages, name, profiler if name == asked.profile else None) for name in STAGES}
            )
    print(f"{'us per number':14}{'python':>8}{'redis':>8}{'wall':>8}")
    for name in STAGES:
        python, redis, wall = (min(spans) for spans in zip(*(each[name] for each in rounds), strict=True))
        print(f"{name:14}{python:8.1f}{redis:8.1f}{wall:8.1f}")
    if profiler:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(28)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
