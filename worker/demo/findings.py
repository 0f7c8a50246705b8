"""Figures and complaints about the demo; all but `gather` are pure.

They are made of results, statuses and the sandbox's statistics.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from smsline.admin import Admin, DeadGroup
from smsline.ledger.jobs import Result, Status
from smsline.numbers import mask
from smsline.states import State
from worker.demo.play import Otp
from worker.demo.scenario import CAMPAIGN_SIZE, OTP_NUMBERS, OTP_TEMPLATE, STEERED, expected

TOTAL: Final = CAMPAIGN_SIZE + len(OTP_NUMBERS)


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that is known after the last job has closed.

    Attributes:
        statuses: Status of each job by its name on the screen.
        results: What became of each recipient, of all jobs.
        dead: The dead letter.
        stats: The sandbox's `/_stats`.
        otp_s: Seconds from each password's submit to its request at the provider; None when it
            never came.
    """

    statuses: Mapping[str, Status]
    results: Sequence[Result]
    dead: Sequence[DeadGroup]
    stats: Mapping[str, Any]
    otp_s: Sequence[float | None]

    @property
    def per_state(self) -> Counter[str]:
        """Recipients per state."""
        return Counter(row["state"] for row in self.results)

    @property
    def per_code(self) -> Counter[tuple[str, str]]:
        """Recipients per state and code."""
        return Counter((row["state"], row["code"]) for row in self.results)

    @property
    def batches(self) -> dict[int, int]:
        """Numbers in a call -> calls with so many, largest first."""
        held = {int(numbers): int(calls) for numbers, calls in self.stats["numbers_per_call"].items()}
        return dict(sorted(held.items(), reverse=True))


def gather(admin: Admin, statuses: Mapping[str, Status], otps: Sequence[Otp], sandbox_url: str) -> Findings:
    """Ask the ledger and the sandbox."""
    answer = httpx.get(f"{sandbox_url}/_stats", params={"numbers": "repeated"}, timeout=30, trust_env=False)
    stats: dict[str, Any] = answer.raise_for_status().json()
    results = [row for status in statuses.values() for row in admin.results(status["job"])]
    otp_s = [latency_s(otp, stats["log"]) for otp in otps]
    return Findings(statuses, results, admin.dead_groups(), stats, otp_s)


def latency_s(otp: Otp, log: Sequence[Mapping[str, Any]]) -> float | None:
    """Seconds from submit until the provider had the request, by the sandbox's log of arrivals.

    Both read one machine's clock.
    """
    # By template and masked number: the log holds no full number, and the demo's three differ in
    # what is shown.
    ours = (entry for entry in log if entry["template"] == OTP_TEMPLATE and entry["first"] == mask(otp.number))
    first = next(ours, None)
    return None if first is None else float(first["at"]) - otp.at_s


def complaints(found: Findings) -> list[str]:
    """Everything that is not as it should be, in words.

    Empty when the demo has shown what it is there to show.
    """
    told = [*_of_jobs(found), *_of_recipients(found)]
    if twice := found.stats["numbers"]:
        told.append(f"{len(twice)} numbers were texted more than once, the first is {mask(next(iter(twice)))}")
    sent, wanted = found.stats["messages"], TOTAL - sum(not each.goes_out for each in STEERED)
    if sent != wanted:
        told.append(f"the provider sent {sent} messages instead of {wanted}")
    # The states do not tell: a password may be delivered by its second call.
    if None in found.otp_s:
        told.append("the request of a one-time password never reached the provider")
    return told


def _of_jobs(found: Findings) -> Iterator[str]:
    for name, status in found.statuses.items():
        if status["state"] != "closed":
            yield f"{name}, job {status['job']}, is {status['state']} instead of closed"
    total = sum(status["counts"]["total"] for status in found.statuses.values())
    if total != TOTAL or len(found.results) != TOTAL:
        yield f"{total} recipients are counted and {len(found.results)} listed; there should be {TOTAL}"
    lettered = sum(group["count"] for group in found.dead)
    ended = sum(found.per_state[state] for state in (State.DEAD, State.UNDELIVERED, State.UNKNOWN))
    if lettered != ended:
        yield f"the dead letter holds {lettered} recipients; {ended} are dead, undelivered or unknown"


def _of_recipients(found: Findings) -> Iterator[str]:
    wanted, stories = expected(), {each.number: f" ({each.story})" for each in STEERED}
    for row in found.results:
        # Popped, so that what is left has no result, and a second row for a number has no
        # expectation.
        state, code = wanted.pop(int(row["phone"]), ("", ""))
        if (row["state"], row["code"]) != (state, code):
            who = mask(row["phone"]) + stories.get(int(row["phone"]), "")
            yield f"{who} ended as {_end(row['state'], row['code'])} instead of {_end(state, code)}"
    if wanted:
        yield f"{len(wanted)} numbers have no result, the first is {mask(next(iter(wanted)))}"


def _end(state: str, code: str) -> str:
    return f"{state or 'nothing'} ({code or 'no code'})"
