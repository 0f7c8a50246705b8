"""The statistics are right to the recipient: they sum to the jobs' counts, whatever happened."""

from collections import Counter

from smsline.ledger import job_list, statistics
from smsline.ledger.statistics import by_labels
from tests.support.provider import refuse_items
from tests.support.scene import Scene
from tests.support.world import FIRST, some_numbers

NUMBER = "InvalidParameterValue.IncorrectPhoneNumber"
FRENCH, BRITISH = 33612345678, 447400123456
FINAL = ("delivered", "undelivered", "dead", "expired", "cancelled", "suppressed", "unknown")


def sums(scene: Scene, kind: str) -> Counter[str]:
    """The counters of a kind by their last label, the state."""
    found: Counter[str] = Counter()
    for labels, total in by_labels(statistics.totals(scene.ledger), kind):
        found[labels[-1]] += total
    return found


def test_every_final_state_is_counted_once_by_account_country_and_template(scene: Scene) -> None:
    """Delivered, dead, suppressed, cancelled in inbox and batch queue, at home and abroad."""
    scene.ask.suppress([f"+{FIRST + 3}"])
    scene.provider.script.append(refuse_items({FIRST: NUMBER}))
    told = [scene.submit(some_numbers(5), lane="notify")]
    scene.send_all()
    told.append(scene.submit([FRENCH, BRITISH], lane="notify"))
    scene.send_all()
    told.append(scene.otp(FRENCH))
    scene.send_all()
    waiting = scene.submit(some_numbers(4), lane="marketing")
    scene.ask.cancel(waiting)
    told.append(waiting)
    scene.send_all()
    scene.provider.deliver()
    for job in told:
        scene.close_all(job)

    counts: Counter[str] = Counter()
    for job in told:
        counts.update({state: count for state, count in scene.counts(job).items() if state in FINAL})

    assert {state: n for state, n in sums(scene, "r").items() if state in FINAL} == dict(counts)
    for kind in ("c", "t"):
        assert sums(scene, kind) == sums(scene, "r")
    totals = statistics.totals(scene.ledger)
    assert totals["c|main|FR|delivered"] == 2
    assert totals["c|main|GB|delivered"] == 1
    assert totals[f"k|main|send|{NUMBER}"] == 1
    assert sum(n for labels, n in by_labels(totals, "l")) == len(scene.provider.calls)
    assert sum(n for labels, n in by_labels(totals, "g")) == 0


def test_times_are_observed_once_a_recipient(scene: Scene) -> None:
    """From submit to accepted for each that was taken, and from there to its receipt."""
    job = scene.submit(some_numbers(3), lane="notify")
    scene.send_all()
    scene.provider.deliver()
    scene.close_all(job)

    totals = statistics.totals(scene.ledger)
    for name in ("submit_to_accepted_seconds", "accepted_to_final_seconds"):
        observed = {labels: n for labels, n in by_labels(totals, "h") if labels[0] == name and labels[-1] != "sum"}
        assert sum(observed.values()) == 3


def test_the_oldest_that_waits_is_known_by_lane(scene: Scene) -> None:
    """A paused job does not count, nor one that has gone out, nor one that is to start later."""
    now_ms = scene.ledger.now_ms()
    job = scene.submit(some_numbers(2), lane="marketing")
    assert list(job_list.oldest_waiting(scene.ledger, now_ms=now_ms + 1000)) == ["marketing"]
    assert job_list.count_open(scene.ledger) == 1
    assert job_list.work_due(scene.ledger) == {"otp": 0, "notify": 0, "marketing": 1}
    scene.submit(some_numbers(2), lane="notify", start_s=now_ms / 1000 + 3600)
    scene.ask.pause(job)
    scene.send_all()
    assert job_list.oldest_waiting(scene.ledger, now_ms=now_ms + 1000) == {}
    assert not any(job_list.work_due(scene.ledger).values())
