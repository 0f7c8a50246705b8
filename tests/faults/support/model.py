"""What should become of every recipient after the moves of a ledger. Plain Python, no Redis."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

OPEN: Final = "wsqa"
FINAL: Final = "dfxecpu"
LATER_MOVES: Final = {"w": "secpw", "s": "waxq", "q": "wadfux", "a": "dfu"}
"""What one step may do to a letter without a person's requeue.

Several moves in a step are a path along these.
"""


class Spot(NamedTuple):
    """A recipient: its job, its part of the job, and its number."""

    job: str
    part: int
    number: int


class Letter(NamedTuple):
    """A receipt that may come.

    Its account, the provider's serial, the number it names, its word, the attempt it names, if any.
    """

    account: str
    serial: str
    number: int
    ok: bool
    attempt: int | None


@dataclass(slots=True)
class Job:
    """A job as the producer and the operators moved it."""

    job: str
    lane: str
    parts: dict[int, list[int]]
    stream: bool
    pace: float = 0.0
    state: str = "open"
    received: set[int] = field(default_factory=set)
    declared: bool = False
    accepted: list[int] = field(default_factory=list)
    ended: set[int] = field(default_factory=set)
    overdue: bool = False
    shut: bool = False

    @property
    def complete(self) -> bool:
        """Whether every part is there; cancelling and the deadline end the wait for more."""
        return self.shut or self.state == "cancelled" or (self.declared and len(self.received) == len(self.parts))

    @property
    def taken(self) -> set[int]:
        """Parts that have left the inbox."""
        return {*self.accepted, *self.ended}


@dataclass(slots=True)
class Attempt:
    """A call and the recipients that were in it when it was begun."""

    attempt: int
    lane: str
    account: str
    spots: list[Spot]
    state: str = "begun"
    told: bool = False


@dataclass(slots=True)
class Model:
    """Every recipient's letter, and what decides about it."""

    jobs: dict[str, Job] = field(default_factory=dict)
    letters: dict[Spot, str] = field(default_factory=dict)
    attempts: dict[int, Attempt] = field(default_factory=dict)
    index: dict[str, Spot] = field(default_factory=dict)
    spent: set[str] = field(default_factory=set)
    doubtful: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    doubted: dict[Spot, int] = field(default_factory=dict)
    orphans: list[Letter] = field(default_factory=list)
    resent: set[Spot] = field(default_factory=set)
    through: dict[Spot, str] = field(default_factory=dict)
    dropped: set[Spot] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    late: int = 0

    def submit(self, job: Job, part: int | None, *, declare: bool) -> bool:
        """A part arrives; whether it, or a part that was there already, is taken."""
        new = part is not None and part not in job.received
        if new and (job.complete or job.job in self.closed):
            return False
        if part is not None and new:
            job.received.add(part)
            self.letters |= dict.fromkeys((Spot(job.job, part, number) for number in job.parts[part]), "w")
        job.declared = job.declared or declare
        return True

    def accept(self, job: Job, parts: Iterable[int]) -> None:
        """Parts leave the inbox; numbers the job already has are sent once."""
        for part in parts:
            known = {spot.number for spot in self.of_job(job.job) if spot.part in job.accepted}
            for number in job.parts[part]:
                if number in known:
                    del self.letters[Spot(job.job, part, number)]
            job.accepted.append(part)

    def of_job(self, job: str) -> list[Spot]:
        """The job's recipients."""
        return [spot for spot in self.letters if spot.job == job]

    def end(self, job: Job) -> None:
        """A cancelled or overdue job's waiting recipients end, those in the inbox too."""
        letter = "c" if job.state == "cancelled" else "e"
        for spot in self.of_job(job.job):
            if self.letters[spot] == "w":
                self.letters[spot] = letter
        job.ended |= job.received - set(job.accepted)
        job.shut = job.shut or not job.complete

    def look(self, spots: Sequence[Spot]) -> list[Spot]:
        """The last look before a call: who may be sent to is left.

        Cancelled and overdue recipients end, a paused job's are set aside.
        """
        ready = []
        for spot in spots:
            job = self.jobs[spot.job]
            if self.letters[spot] != "w":
                continue
            if job.state == "cancelled" or job.overdue:
                self.letters[spot] = "c" if job.state == "cancelled" else "e"
            elif job.state != "paused":
                ready.append(spot)
        return ready

    def begin(self, attempt: int, lane: str, account: str, ready: Sequence[Spot]) -> None:
        """The call is about to be made."""
        self.letters |= dict.fromkeys(ready, "s")
        self.through |= dict.fromkeys(ready, account)
        self.attempts[attempt] = Attempt(attempt, lane, account, list(ready))

    def record(self, attempt: int, outcomes: dict[Spot, str], *, told: bool = True) -> None:
        """What the call came to: one letter for each recipient.

        `told` by its worker, which may come late, and not by a rescuer.
        """
        held = self.attempts[attempt]
        late = held.state == "unsure"
        meant = held.spots if not late else self.open_of(attempt)
        doubt = [spot for spot in meant if outcomes[spot] == "q"]
        for spot in meant:
            self.letters[spot] = outcomes[spot]
            if late and spot not in doubt:
                self._forget(held, spot.number)
        for spot in held.spots:
            if outcomes[spot] == "a":
                self.index[serial_of(attempt, spot.number)] = spot
        for spot in () if late else doubt:
            self.doubtful.setdefault((held.account, spot.number), []).append(attempt)
            self.doubted[spot] = attempt
        held.spots, held.state, held.told = doubt, "unsure" if doubt else "done", told

    def takes(self, attempt: int) -> bool:
        """Whether what the attempt's worker says is news."""
        held = self.attempts[attempt]
        return held.state == "begun" or (held.state == "unsure" and not held.told)

    def _forget(self, held: Attempt, number: int) -> None:
        place = held.account, number
        left = [other for other in self.doubtful.get(place, []) if other != held.attempt]
        if left:
            self.doubtful[place] = left
        else:
            self.doubtful.pop(place, None)

    def open_of(self, attempt: int) -> list[Spot]:
        """Recipients of an unsure attempt of which nothing was heard.

        One that had its receipt, went out again and is in doubt anew is the later attempt's.
        """
        spots = self.attempts[attempt].spots
        return [spot for spot in spots if self.letters[spot] == "q" and self.doubted[spot] == attempt]

    def receive(self, letter: Letter, *, keep: bool = True) -> bool:
        """A receipt comes; whether it belonged to a recipient."""
        spot = self.index.get(letter.serial)  # serials name their attempt, and so their account
        if letter.serial in self.spent:
            self.late += 1
            return True
        if spot is None:
            spot = next(self._candidates(letter), None)
            if spot is not None:
                self.index[letter.serial] = spot
        if spot is None:
            if keep and letter not in self.orphans:
                self.orphans.append(letter)
            return False
        if spot.number == letter.number:
            self._settle(spot, "d" if letter.ok else "f")
        return True

    def _candidates(self, letter: Letter) -> Iterator[Spot]:
        doubtful = self.doubtful.get((letter.account, letter.number), [])
        named = doubtful if letter.attempt is None else [letter.attempt]
        for attempt in named:
            if attempt in self.attempts and self.attempts[attempt].state == "unsure":
                yield from (spot for spot in self.open_of(attempt) if spot.number == letter.number)

    def _settle(self, spot: Spot, letter: str) -> None:
        if self.letters[spot] in "aq":
            self.letters[spot] = letter
        else:
            self.late += 1

    def match_early(self, account: str, numbers: Iterable[int]) -> None:
        """Receipts that came too early find their recipients."""
        wanted = {(account, number) for number in numbers}
        for letter in [each for each in self.orphans if (each.account, each.number) in wanted]:
            if self.receive(letter, keep=False):
                self.orphans.remove(letter)

    def horizon(self, attempt: int) -> None:
        """What became of an attempt is unknown: an otp goes out once more, the rest is unknown."""
        held = self.attempts[attempt]
        for spot in self.open_of(attempt):
            again = held.lane == "otp" and not self.jobs[spot.job].overdue and spot not in self.resent
            self.letters[spot] = "w" if again else "u"
            if again:
                self.resent.add(spot)
        for place in {(held.account, spot.number) for spot in held.spots}:
            self.doubtful[place] = [each for each in self.doubtful[place] if each != attempt]
        held.spots, held.state = [], "done"

    def requeue(self, job: Job) -> None:
        """A person sends a job's undelivered, dead and unknown recipients again."""
        if job.state == "cancelled" or job.overdue:
            return
        for spot in self.of_job(job.job):
            if self.letters[spot] in "fxu" and spot not in self.dropped:
                if self.letters[spot] == "f":
                    self.spent |= {serial for serial, known in self.index.items() if known == spot}
                self.letters[spot] = "w"
                self.resent.discard(spot)
                self.through.pop(spot, None)
                self.closed.discard(job.job)

    def drop(self, job: Job) -> None:
        """A person takes a job's undelivered, dead and unknown out of the dead letter."""
        self.dropped |= {spot for spot in self.of_job(job.job) if self.letters[spot] in "fxu"}

    def close(self) -> None:
        """Jobs of which everything is there and nothing is open are closed."""
        for job in self.jobs.values():
            open_ = any(self.letters[spot] in OPEN for spot in self.of_job(job.job))
            if job.received and job.complete and not open_ and job.taken >= job.received:
                self.closed.add(job.job)


def serial_of(attempt: int, number: int) -> str:
    """The serial the provider gives a message."""
    return f"s{attempt}:{number}"


def reachable(before: str, after: str) -> bool:
    """Whether a recipient may get from one letter to another in one step of the machine."""
    seen, front = {before}, [before]
    while front:
        letter = front.pop()
        for following in LATER_MOVES.get(letter, ""):
            if following not in seen:
                seen.add(following)
                front.append(following)
    return after in seen
