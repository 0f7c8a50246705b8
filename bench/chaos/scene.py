"""All parts of `make chaos`: Redis pair, provider, machines, web process, receivers, producers."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bench.chaos import versions, work
from bench.chaos.clock import Clock
from bench.chaos.count import ChaosTally, count, count_metrics, count_received
from bench.chaos.harm import Harm, HarmCounts
from bench.chaos.machines import SHORT, Fleet, machines
from bench.chaos.receivers import Receiver
from bench.chaos.redis_pair import RedisPair
from bench.chaos.scrape import WebProcess
from bench.chaos.strike import Strike
from bench.chaos.switch import Switch
from bench.chaos.work import HandOver, OtherProducer, Producer
from bench.sandbox import SEND, free_port
from smsline import Client, Unavailable, Unconfirmed
from smsline.ledger import losses, webhooks
from smsline.ledger.link import Ledger
from smsline.names import DEFAULT_NAMESPACE
from worker.sandbox.background import Background
from worker.sandbox.flags import FlagFault, Flags, SandboxAccount

# Ten of a hundred answers; slow ones come after the account's `timeout_s`.
LIES: Final = (
    FlagFault("lost", p=0.02),
    FlagFault("garbled", p=0.02),
    FlagFault("reset", p=0.02),
    FlagFault("slow", p=0.02, ms=3_000),
    FlagFault("status", p=0.02),
)

FLAGS: Final = Flags(
    accounts=(SandboxAccount(sdk_app_ids=("1400000000", "1400000001")),),
    steering=False,
    latency_ms=20,
    receipt_delay_ms=300,
    receipt_jitter_ms=500,
    limits={"*": 0},
    faults=LIES,
    log_size=1_000_000,
)

# A call that took longer may have been given up by its worker.
SLOW_MS: Final = 1_900

CLOSE_S: Final = 240.0
TOLD_S: Final = 120.0
# Numbers of the campaign whose producer is killed; with a part every so often that takes a fifth
# of the time.
BROKEN_OFF: Final = 8_000

KILLED_AFTER: Final = 4
EVENTS: Final = ("recipients.final", "job.closed")


@dataclass(slots=True)
class SceneOutcome:
    """What a run came to.

    Attributes:
        tally: The count.
        done: What was done.
        given: What was handed over.
        struck: The provider's lies, by kind.
        told: More, in words.
    """

    tally: ChaosTally
    done: HarmCounts
    given: HandOver
    struck: Mapping[str, int]
    told: Mapping[str, str]


class Scene:
    """A run.

    Args:
        folder: For its files.
        stack: Ends everything that is started.
        screen: For progress.

    Attributes:
        log: What workers say goes here.
    """

    def __init__(self, folder: Path, stack: ExitStack, screen: Console) -> None:
        self.log = folder / "workers.log"
        self._folder, self._screen = folder, screen
        self._given, self._told = HandOver(), dict[str, str]()
        self._older: Path | None = folder / "older"
        if why_not := versions.archive(versions.older(), folder / "older"):
            self._older = None
            self._told["two versions: skipped"] = why_not
        self._sandbox = stack.enter_context(Background(FLAGS))
        self._door = stack.enter_context(Switch(int(self._sandbox.url.rsplit(":", 1)[1])))
        self._redis = stack.enter_context(RedisPair(folder))
        (folder / "adrift").mkdir()
        self._adrift = Clock(folder / "adrift")
        self._settings = {**SHORT, "REDIS_URL": self._redis.url}
        self._client = Client(redis_url=self._redis.url)
        self._ledger = Ledger.at(self._redis.url, DEFAULT_NAMESPACE)
        stack.callback(self._client.close)
        self._receivers = {name: stack.enter_context(Receiver(shaky=name == "shaky")) for name in ("well", "shaky")}
        for name, receiver in self._receivers.items():
            receiver.secret = webhooks.add(self._ledger, name, receiver.url, EVENTS)
        webhooks.add(self._ledger, "not-there", f"http://127.0.0.1:{free_port()}/hook", EVENTS)
        fleet = machines(older=self._older is not None, clock=self._adrift.environ, endpoint=self._door.url)
        self._fleet = stack.enter_context(Fleet(fleet, self._settings, older=self._older, log=self.log))
        web = {f"SMSLINE_{name}": value for name, value in self._settings.items()}
        self._web = stack.enter_context(WebProcess(web, folder))

    def play(self, *, seconds: float, numbers: int, seed: int) -> SceneOutcome:
        """Hand over work and do harm for so long, wait until it is over, and count."""
        harm = Harm(
            seconds=seconds,
            seed=seed,
            redis=self._redis,
            fleet=self._fleet,
            strike=Strike(self._sandbox, self._door, LIES),
            sandbox=self._sandbox,
            adrift=self._adrift,
            web=self._web,
        )
        self._hand_over(harm, numbers)
        # What a replica lacked is known to the producers alone, which were told a job's id.
        work.hand_over_lost(self._client, self._given)
        jobs = self._wait("waiting for the jobs to close", CLOSE_S, self._open_jobs)
        self._told["all jobs closed after the harm"] = f"{jobs:.0f} s"
        tally = count(self._client, self._given, self._sandbox.stats(log=False)["numbers"], harm.done.lost_moments)
        tally.in_calls = sum(harm.done.in_flight.values()) + self._doubtful(harm.done)
        count_metrics(tally, self._web.text())
        self._receive(tally)
        tally.refused_badly = self._refuse()
        self._told["losses that workers told"] = str(len(losses.losses(self._ledger)))
        return SceneOutcome(
            tally, harm.done, self._given, self._sandbox.stats(numbers="0", log=False)["faults"], self._told
        )

    def _hand_over(self, harm: Harm, numbers: int) -> None:
        """Hand over work while harm is done."""
        client, given, seconds, url = self._client, self._given, harm.seconds, self._redis.url
        given.campaigns[work.campaign(client, numbers, seconds * 0.8)] = numbers
        producers = [
            Producer(client, given, "otp", first=work.OTP_FIRST, every_s=work.OTP_EVERY_S, how=work.OTP),
            Producer(client, given, "side", first=work.SIDE_FIRST, every_s=work.SIDE_EVERY_S, how=work.SIDE),
        ]
        first, every_s = str(work.BROKEN_OFF_FIRST), str(seconds / 5 / (BROKEN_OFF / 1_000))
        rest = (url, "broken-off", first, str(BROKEN_OFF))
        broken_off = OtherProducer(self._older, "campaign", *rest, "forward", every_s)
        old = OtherProducer(self._older, "stream", url, str(work.OLD_FIRST), str(work.OLD_EVERY_S))
        for thread in (*producers, harm):
            thread.start()
        # Killed between two parts: the job is there, incomplete, and nothing of it is sent.
        # The older version begins, is killed, and today's continues in another order.
        broken_off.killed_after(KILLED_AFTER)
        harm.done.times["producers killed"] += 1
        continued = OtherProducer(None, "campaign", *rest, "shuffled", every_s)
        bar = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f} of {task.total:.0f} s"))
        with Progress(*bar, console=self._screen, transient=True) as shown:
            task = shown.add_task("harm", total=seconds)
            while harm.is_alive():
                harm.join(0.5)
                shown.update(task, completed=min(harm.spent_s, seconds), description=harm.doing or "harm")
        if harm.failed:
            raise harm.failed
        for producer in producers:
            producer.stop()
        given.singles += old.messages()
        given.campaigns[continued.job()] = BROKEN_OFF

    def _wait(self, what: str, most_s: float, left: Callable[[], int]) -> float:
        """Wait until nothing is left, or the time for it is over; returns for how long."""
        began_s = time.monotonic()
        with Progress(
            TextColumn("{task.description}"), TimeElapsedColumn(), console=self._screen, transient=True
        ) as shown:
            task = shown.add_task(what)
            while time.monotonic() < began_s + most_s:
                with suppress(Unavailable, Unconfirmed):
                    if not (count := left()):
                        break
                    shown.update(task, description=f"{what}: {count:,}")
                time.sleep(1.0)
        return time.monotonic() - began_s

    def _open_jobs(self) -> int:
        return sum(not self._client.status(job)["closed_at"] for job in self._given.jobs)

    def _doubtful(self, done: HarmCounts) -> int:
        """Recipients of calls that met an outage or a lie.

        The provider's word for what a worker could not read.
        """
        log = self._sandbox.stats(numbers="0")["log"]
        found: int = sum(
            call["numbers"]
            for call in log
            if call["action"] == SEND and (call["outcome"] != "Ok" or call["took_ms"] > SLOW_MS)
        )
        done.in_flight["calls that met an outage or a lie"] += found
        return found

    def _receive(self, tally: ChaosTally) -> None:
        """Let the receiver that misbehaved catch up, as its owner would; count what both have."""
        shaky = self._receivers["shaky"]
        shaky.behave()
        lags = sorted(self._receivers["well"].lag_s)
        failed = sum(shaky.answers.values()) - shaky.answers["ok"] - shaky.answers["late"]
        # What failed twice is due in five minutes; `replay` sends it now, under the ids it had.
        webhooks.replay(self._ledger, "shaky", since_ms=0)
        waited_s = self._wait("waiting for the receivers", TOLD_S, self._untold)
        listed = {each["name"]: each for each in webhooks.listed(self._ledger)}
        half, most = lags[len(lags) // 2], lags[len(lags) * 99 // 100]
        well = f"{listed['well']['failed']} failed, arrived after {half:.1f} s (p50), {most:.1f} s (p99)"
        self._told["receiver that is well"] = f"{len(lags):,} requests, {well}"
        self._told["receiver that misbehaved"] = (
            f"{sum(shaky.answers.values()):,} requests, {failed:,} of them failed; caught up {waited_s:.0f} s after `replay`"
        )
        missing = listed["not-there"]
        self._told["receiver that is not there"] = f"{missing['state']}, {missing['waiting']:,} events wait"
        count_received(tally, self._given, self._receivers)

    def _untold(self) -> int:
        waiting = {each["name"]: each["waiting"] for each in webhooks.listed(self._ledger)}
        outbox: int = self._ledger.redis.xlen(self._ledger.keys.outbox)
        return outbox + waiting["well"] + waiting["shaky"]

    def _refuse(self) -> int:
        folder = self._folder / "refused"
        folder.mkdir()
        if why_not := versions.archive(versions.REFUSED, folder / "old"):
            self._told["an older layout: skipped"] = why_not
            return 0
        words = versions.refusal(folder, {"ACCOUNTS__MAIN__ENDPOINT": self._door.url})
        self._told["an older layout"] = f"refused: {words}" if words else "NOT REFUSED"
        return int(not words)
