"""Jobs on their way in: parts are written durably and once, then read by who accepts them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Final

from redis.exceptions import ConnectionError as ConnectionBroken
from redis.exceptions import ReadOnlyError

from smsline import numbers
from smsline.errors import Conflict, Unconfirmed
from smsline.job import JobSpec
from smsline.ledger import poison
from smsline.ledger.due import Lease
from smsline.ledger.keys import REFUSED_TTL_S, Keys
from smsline.ledger.link import Ledger, ScriptCall, Value, argv
from smsline.ledger.refusals import explain
from smsline.ledger.talk import LOST, Talk, Unreached, ask, carry, run_scripts
from smsline.ledger.version import LAYOUT, refuse_other
from smsline.names import LANES
from smsline.repeats import KeyedJob, KnownPhones, mark, mark_of

KEPT_REFUSALS: Final = 1000

# Wake-ups under way for a lane, at most: a worker that follows one takes all that the inbox holds.
WAKE_UPS: Final = 8

# A wake-up that no worker followed for so long is taken for lost.
WAKE_UP_EXPIRY_MS: Final = 1_000

# Pauses before a script whose answer did not come is run again: 16 s with the 5 s of each timeout.
ASK_AGAIN_S: Final = (0.0, 0.5)


@dataclass(frozen=True, slots=True)
class Part:
    """Recipients of a job as they travel through the inbox; the lists run along the numbers.

    Attributes:
        numbers: E.164 integers.
        params: Values per number (None: the job's own), or None when no number has its own.
        refs: Producer's name per number, or None when there are none.
        doubled: How many numbers were left out because the part had them already.
        end: The letter of the state in which its recipients ended in the inbox; empty while they
            wait there.
    """

    numbers: Sequence[int]
    params: Sequence[Sequence[str] | None] | None = None
    refs: Sequence[str] | None = None
    doubled: int = 0
    end: str = ""

    def extra(self) -> str:
        """What is not a number, as JSON; empty when there is nothing."""
        if self.params is None and self.refs is None:
            return ""
        return json.dumps({"params": self.params, "refs": self.refs}, ensure_ascii=False, separators=(",", ":"))

    def digest(self) -> str:
        """What tells it from another part after it was accepted.

        What is not a number has two bytes of it, too few to try codes against.
        """
        of_numbers, of_extra = numbers.pack(self.numbers), self.extra().encode()
        return blake2b(of_numbers, digest_size=8).hexdigest() + blake2b(of_extra, digest_size=2).hexdigest()

    @classmethod
    def read(cls, packed: bytes, extra: bytes, end: bytes | None = None) -> "Part":
        """A part as the ledger keeps it."""
        more = json.loads(extra) if extra else {}
        return cls(numbers.unpack(packed), more.get("params"), more.get("refs"), end=(end or b"").decode())


@dataclass(frozen=True, slots=True)
class OpenedJob:
    """A claimed job of the inbox.

    Attributes:
        job: Job id.
        lease: What to finish the claim with.
        spec: The job, with its params.
        state: Its state.
        held: Whether entries of it were set aside while it was paused.
        part: Its only part, when it has one that waits; None for jobs of several.
    """

    job: str
    lease: Lease
    spec: JobSpec
    state: str
    held: bool
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class WakeUp:
    """A message that has a worker look into an inbox.

    Attributes:
        counted: The name under which those under way are counted.
        id: What the worker strikes out when it begins to look.
        queue: The list, and the lane's queue, that it is pushed onto.
        message: The message.
        here: Whether that list is in the ledger's own Redis.
    """

    counted: str
    id: str
    queue: str
    message: str
    here: bool = True


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a part.

    Attributes:
        job: The job it belongs to: another than asked for when the key was used before.
        complete: Whether every part of the job is there.
        existed: Whether the key was used before.
        new: Whether this part was not there before; False also after a lost answer.
        wake: The wake-up that there was leave for; None when enough are under way.
    """

    job: str
    complete: bool
    existed: bool = False
    new: bool = False
    wake: WakeUp | None = None


def submit_part(
    ledger: Ledger,
    job: str,
    spec: JobSpec,
    part: Part | None,
    *,
    part_no: int = 0,
    parts: int | None = None,
    rows: str = "",
) -> Submitted:
    """Write one part of a job; see `submission`.

    Raises:
        Conflict: The job takes no further part.
        redis.exceptions.RedisError: Redis cannot be reached, or did not answer; the part may be
            there.
    """
    try:
        return carry(ledger.redis, submission(ledger.keys, job, spec, part, part_no=part_no, parts=parts, rows=rows))
    except Unconfirmed as error:
        raise ConnectionBroken(str(error)) from error


def submission(
    keys: Keys,
    job: str,
    spec: JobSpec,
    part: Part | None,
    *,
    part_no: int = 0,
    parts: int | None = None,
    wake: WakeUp | None = None,
    rows: str = "",
    distinct: bool = False,
) -> Talk[Submitted]:
    """Write one part of a job; a part that is there already changes nothing.

    So it is asked again when no answer came: most often the answer alone was lost.

    Args:
        keys: Names of the ledger's keys.
        job: The job's id, made by the producer.
        spec: The job; only the first part to arrive writes it.
        part: Recipients, or None to say only how many parts there are.
        part_no: The part's number, from 0.
        parts: How many parts there are in all, once that is known.
        wake: Who is to look at the job now; None leaves it to the scheduler.
        rows: With the last part of a job with a key: what all rows are (`repeats.RowSums`).
        distinct: Whether no two parts share a number, so that accepting need not look.

    Raises:
        Conflict: The job takes no further part, or has this one with other rows.
        Unconfirmed: Nothing answered; the part may be there.
        OtherVersion: The ledger is of another version; nothing was written.
        redis.exceptions.RedisError: Redis cannot be reached; the part is not there.
    """
    calls = [_submitting(keys, job, spec, part, part_no=part_no, parts=parts, rows=rows, distinct=distinct)]
    if wake:
        # Counted in the same round trip, and pushed by the script when its queue is in this Redis.
        lists = [wake.queue] if wake.here else []
        asked: list[Value] = [wake.id, WAKE_UPS, WAKE_UP_EXPIRY_MS, wake.message]
        calls.append(("wake", [keys.wakes(wake.counted), *lists], asked))
    answer, *leave = yield from insist(job, *calls)
    granted = wake if any(leave) else None
    if answer[0] == b"layout":
        refuse_other(answer[1].decode())
    if answer[0] == b"closed":
        raise Conflict(f"job {job} is complete, closed or cancelled and takes no more recipients")
    if answer[0] == b"differs":
        raise Conflict(f"job {job} has other rows in this place: another call hands it over now; wait for its end")
    if answer[0] == b"other":
        return Submitted(answer[1].decode(), complete=True, existed=True, wake=granted)
    return Submitted(job, complete=answer[1] == b"1", new=answer[2:] == [b"1"], wake=granted)


def _submitting(
    keys: Keys,
    job: str,
    spec: JobSpec,
    part: Part | None,
    *,
    part_no: int,
    parts: int | None,
    rows: str,
    distinct: bool,
) -> ScriptCall:
    """The call of the script that writes the part."""
    # The layout is looked at in the script: a question before would cost each message a round trip.
    key_list = [*keys.book, keys.job(job), keys.part(job, part_no), keys.got(job), keys.jobs, keys.inbox(spec.lane)]
    key_list += [keys.idempotency(spec.key or job), keys.version, keys.ids]
    told = part or Part(())
    args = argv(
        "submit",
        job=job,
        key=spec.key,
        part="" if part is None else part_no,
        recipients=len(told.numbers),
        numbers=numbers.pack(told.numbers),
        extra=told.extra(),
        parts_told="" if parts is None else parts,
        spec=spec.to_json(params=False),
        lane=spec.lane,
        start_ms=int(spec.start_s * 1000) or "",
        ttl_ms=int(spec.ttl_s * 1000),
        pace=spec.pace,
        stream=int(spec.stream),
        account=spec.account,
        template=spec.template,
        params=json.dumps(spec.params, ensure_ascii=False),
        doubled=told.doubled,
        params_mark=mark(spec.params) if spec.key else "",
        rows=rows,
        layout=LAYOUT,
        distinct=int(distinct),
        digest="" if part is None or parts == 1 else part.digest(),
    )
    return "submit", key_list, args


def insist(job: str, *calls: ScriptCall) -> Talk[list[Any]]:
    """Run scripts that change nothing when they are run again, and ask again when no answer came.

    Raises:
        Unconfirmed: No answer came at all; they may have been run.
        redis.exceptions.RedisError: They have certainly not been run.
    """
    why = ""
    for pause_s in (*ASK_AGAIN_S, None):
        try:
            return (yield from run_scripts(*calls))
        except ReadOnlyError:
            if pause_s is None and not why:
                raise  # no primary anywhere; while there is one, the connections are opened anew by its name
        except LOST as error:
            if not why and isinstance(error, Unreached):
                raise
            why = explain(error.__cause__ or error).words
        if pause_s is not None:
            yield pause_s
    raise Unconfirmed(
        job,
        f"job {job} may have been taken: Redis did not answer ({why}). Ask `smsline status {job}` before it is handed over anew, "
        "or repeat the call with this job_id (smsline: --job-id)",
    )


_KEPT: Final = ("spec", "complete", "shut", "state", "total", "params_mark", "rows", "only", "template", "lane")


def kept_job(keys: Keys, job: str, key: str = "") -> Talk[KeyedJob | None]:
    """What tells whether a call repeats the job under the key, else the one with the id."""
    if key:
        (found,) = yield from ask(("GET", keys.idempotency(key)))
        job = found.decode() if found else job
    if not job:
        return None
    values, got = yield from ask(("HMGET", keys.job(job), *_KEPT), ("HKEYS", keys.got(job)))
    held = {name: value.decode() for name, value in zip(_KEPT, values, strict=True) if value is not None}
    # A small closed job says template and lane once, and not what goes without saying.
    small = "only" in held
    if not small and "spec" not in held:
        return None
    spec = JobSpec.from_json(held.get("spec"), template=held.get("template", ""), lane=held.get("lane", ""))
    complete = (small or held.get("complete") == "1") and "shut" not in held
    return KeyedJob(
        job,
        spec,
        complete=complete,
        over="shut" in held or (not complete and held.get("state") == "cancelled"),
        total=int(held.get("total", small)),
        parts=max((int(part_no) for part_no in got), default=-1) + 1,
        params=held.get("params_mark", ""),
        rows=held.get("rows", ""),
    )


def hold_numbers(keys: Keys, job: str, known: KnownPhones) -> Talk[None]:
    """Tell what an incomplete job has, from its parts in the inbox and its blocks."""
    (got,) = yield from ask(("HKEYS", keys.got(job)))
    for part_no in sorted(int(n) for n in got):
        ((packed, extra),) = yield from ask(("HMGET", keys.part(job, part_no), "n", "x"))
        if packed is not None:
            part = Part.read(packed, extra)
            params, refs = part.params or [None] * len(part.numbers), part.refs or [""] * len(part.numbers)
            for number, own, ref in zip(part.numbers, params, refs, strict=True):
                known.hold(number, mark_of(None if own is None else tuple(own), ref))
            continue
        # Asked only now: a worker may accept parts of a job that streams while this reads.
        (where,) = yield from ask(("HGET", keys.blocks(job), part_no))
        first, count = (int(n) for n in (where or b"0:0").split(b":"))
        for block in range(first, first + count):
            (packed,) = yield from ask(("HGET", keys.block(block), "n"))
            for number in numbers.unpack(packed or b""):
                known.hold(number, KnownPhones.ERASED)


def waiting_part_numbers(ledger: Ledger, job: str) -> list[int]:
    """Numbers of parts received and not yet accepted, lowest first."""
    got = {int(n) for n in ledger.redis.hkeys(ledger.keys.got(job))}
    taken = {int(n) for n in ledger.redis.hkeys(ledger.keys.blocks(job))}
    return sorted(got - taken)


def waiting_parts(ledger: Ledger, job: str, limit: int = 4) -> tuple[list[int], bool]:
    """The first `limit` of the parts not yet accepted, and whether there are more."""
    left = waiting_part_numbers(ledger, job)
    return left[:limit], len(left) > limit


def job_under(ledger: Ledger, key: str) -> str | None:
    """The job made under an idempotency key."""
    job = ledger.redis.get(ledger.keys.idempotency(key))
    return None if job is None else job.decode()


def keep_refusal(ledger: Ledger, message_id: str, reason: str) -> None:
    """Remember for a week why a payload was refused, because no caller waits for an answer."""
    key = ledger.keys.refused
    ledger.redis.lpush(key, f"{message_id} {reason}")
    ledger.redis.ltrim(key, 0, KEPT_REFUSALS - 1)
    ledger.redis.expire(key, REFUSED_TTL_S)


def open_jobs(
    ledger: Ledger, jobs: Sequence[str], *, lease_ms: float, wake: Sequence[str] = ("", "")
) -> list[OpenedJob]:
    """Claim those of the jobs that are due in their inbox, and read them, in one round trip.

    Args:
        ledger: Where.
        jobs: Which.
        lease_ms: How long they are claimed for.
        wake: Where the wake-up is counted that has been started with this, and its id.
    """
    keys, opened = ledger.keys, list[OpenedJob]()
    inboxes = [keys.inbox(lane) for lane in LANES]
    calls: list[ScriptCall] = [
        (
            "open_job",
            [keys.job(job), keys.part(job, 0), keys.held(job), keys.wakes(wake[0]), *inboxes],
            [job, lease_ms, wake[1], *LANES],
        )
        for job in jobs
    ]
    answers = ledger.run_many(calls) if calls else []
    for job, answer in zip(jobs, answers, strict=True):
        if answer:
            try:
                _, fence, state, spec, params, held, *part = answer
                # Apart from the job's text: params can be erased while the job is kept.
                read = replace(JobSpec.from_json(spec), params=tuple(json.loads(params or "[]")))
                found = Part.read(*part) if part else None
                opened.append(OpenedJob(job, Lease(job, fence.decode()), read, state.decode(), bool(held), found))
            except (ValueError, TypeError, LookupError) as error:
                # Perhaps of a newer producer. It alone is set aside; its deadline ends it.
                poison.set_aside(
                    ledger, ledger.keys.inbox(answer[0].decode()), job, f"its job is not readable: {error}"
                )
    return opened


def read_part(ledger: Ledger, job: str, part_no: int) -> Part | None:
    """A part of the inbox, or None when it was accepted meanwhile."""
    packed, extra, end = ledger.redis.hmget(ledger.keys.part(job, part_no), "n", "x", "end")
    return None if packed is None else Part.read(packed, extra, end)
