"""Metrics of the ledger's statistics: counters and histograms that survive restarts.

They count all machines together.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from smsline import codes
from smsline.ledger import accounts, due, statistics
from smsline.ledger.job_list import count_open, oldest_waiting, work_due
from smsline.ledger.statistics import CALL_SIZES, FIRST_BOUND, LAST_BOUND, by_labels
from worker.web.context import Web
from worker.web.families import Family, Sample

# Codes that have a label of their own; the rarer ones are added up as `other`, so that a scrape
# stays small.
CODES_SHOWN: Final = 200

_COUNTERS: Final = {
    "r": ("recipients_total", "Recipients that came into a state.", ("account", "lane", "state")),
    "c": (
        "recipients_by_country_total",
        "Recipients that came into a state, by country.",
        ("account", "country", "state"),
    ),
    "l": ("calls_total", "Calls of providers.", ("account", "action", "outcome")),
    "w": ("webhook_deliveries_total", "Requests to endpoints of webhooks.", ("endpoint", "outcome")),
}
_TIMES: Final = {
    "call_duration_seconds": ("How long calls took.", ("account", "action")),
    "submit_to_accepted_seconds": ("From the hand-over, or the start, to the provider's word.", ("lane",)),
    "accepted_to_final_seconds": ("From the provider's word to the receipt.", ("account",)),
}


def counted(web: Web) -> Iterator[Family]:
    """Everything that scripts count."""
    totals = statistics.totals(web.ledger)
    for kind, (name, words, labels) in _COUNTERS.items():
        samples: list[Sample] = [
            (dict(zip(labels, values, strict=True)), float(total)) for values, total in by_labels(totals, kind)
        ]
        yield Family(name, words, "counter", samples)
    yield _codes(totals, accounts.registered(web.ledger))
    # Prometheus wants each bound's count to hold those of the bounds below it, and seconds.
    held: dict[str, dict[tuple[str, ...], dict[str, int]]] = {}
    for (name, *by, bound), total in by_labels(totals, "h"):
        held.setdefault(name, {}).setdefault(tuple(by), {})[bound] = total
    for name, (words, names) in _TIMES.items():
        # Powers of two of a millisecond, as they are counted.
        bounds = [(str(exponent), 2**exponent / 1000) for exponent in range(FIRST_BOUND, LAST_BOUND + 1)]
        yield _histogram(Family(name, words, "histogram"), held.get(name, {}), names, bounds=bounds, unit=1000)
    sizes = [(str(size), float(size)) for size in CALL_SIZES]
    family = Family("call_recipients", "Recipients in a call.", "histogram")
    yield _histogram(family, held.get("call_recipients", {}), (), bounds=sizes, unit=1)


def schedulers(web: Web) -> Iterator[Family]:
    """For how long no scheduler has looked after a queue."""
    now_ms = web.ledger.now_ms()
    samples: list[Sample] = [
        ({"queue": queue}, max(0, now_ms - at_ms) / 1000) for queue, at_ms in due.schedulers(web.ledger).items()
    ]
    yield Family("worker_last_pulse_seconds", "Since a scheduler last looked after the queue.", samples=samples)


def _codes(totals: Mapping[str, int], providers: Mapping[str, str]) -> Family:
    family = Family("codes_total", "Recipients for whom a provider gave a code.", "counter")
    others: dict[tuple[str, str, str], int] = {}
    # The most frequent codes keep their label: a series for every stray code would never end in
    # Prometheus.
    ranked = sorted(by_labels(totals, "k"), key=lambda each: -each[1])
    for place, ((account, kind, code), total) in enumerate(ranked):
        judge = codes.for_receipt if kind == "receipt" else codes.for_send
        verdict = judge(providers.get(account, ""), code).row.verdict.value
        if place < CODES_SHOWN:
            family.samples.append(({"account": account, "kind": kind, "code": code, "verdict": verdict}, total))
        else:
            others[account, kind, verdict] = others.get((account, kind, verdict), 0) + total
    for (account, kind, verdict), total in others.items():
        family.samples.append(({"account": account, "kind": kind, "code": "other", "verdict": verdict}, total))
    return family


def waiting(web: Web) -> Iterator[Family]:
    """Recipients that wait, and since when the oldest of a lane does."""
    # Gauges may be below zero for a moment, when a process counts what leaves before what came.
    totals, now_ms = statistics.totals(web.ledger), web.ledger.now_ms()
    counts: list[Sample] = [
        ({"lane": lane}, float(max(0, total))) for (lane, _), total in by_labels(totals, "g") if lane
    ]
    yield Family("waiting_recipients", "Recipients that wait for a call.", samples=counts)
    oldest = oldest_waiting(web.ledger, now_ms=now_ms)
    yield Family(
        "oldest_waiting_seconds",
        "Since the oldest job of the lane with waiting recipients could go out.",
        samples=[({"lane": lane}, (now_ms - since_ms) / 1000) for lane, since_ms in oldest.items()],
    )
    yield Family(
        "work_due",
        "Batch queues and new jobs that may go out now: none that waits for its hours, start, pace or a later try.",
        samples=[({"lane": lane}, float(count)) for lane, count in work_due(web.ledger).items()],
    )
    yield Family("open_jobs", "Jobs that are not closed.", samples=[({}, float(count_open(web.ledger)))])


def _histogram(
    family: Family,
    held: Mapping[tuple[str, ...], Mapping[str, int]],
    names: tuple[str, ...],
    *,
    bounds: list[tuple[str, float]],
    unit: int,
) -> Family:
    for values, counts in sorted(held.items()):
        labels, below = dict(zip(names, values, strict=True)), 0
        for bound, edge in bounds:
            below += counts.get(bound, 0)
            family.samples.append(({**labels, "le": f"{edge:g}"}, below, "_bucket"))
        # +Inf holds all, also what is over the last bound.
        below += counts.get("inf", 0)
        family.samples.append(({**labels, "le": "+Inf"}, below, "_bucket"))
        family.samples.append((labels, counts.get("sum", 0) / unit, "_sum"))
        family.samples.append((labels, below, "_count"))
    return family
