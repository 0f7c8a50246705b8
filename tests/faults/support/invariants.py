"""What must hold of a ledger after every step; an AssertionError names what does not."""

from collections import Counter

from smsline.names import LANES
from smsline.states import COUNTED
from tests.faults.support.model import OPEN, Model, Spot, reachable
from tests.faults.support.view import View


def check(seen: View, model: Model, *, before: View | None) -> None:
    """Everything below.

    Args:
        seen: The ledger now.
        model: What it should hold.
        before: The ledger a step ago; None when a person put recipients back in between.
    """
    differ = {spot for spot in {**seen.letters, **model.letters} if seen.letters.get(spot) != model.letters.get(spot)}
    assert not differ, [(spot, seen.letters.get(spot), "should be", model.letters.get(spot)) for spot in sorted(differ)]
    assert {job for job, held in seen.jobs.items() if "closed_ms" in held} == model.closed
    counts_add_up(seen)
    if before is not None:
        moves_are_allowed(before, seen)
    every_waiting_recipient_is_found_again(seen)
    no_recipient_waits_twice(seen)
    every_call_is_accounted_for(seen)
    every_accepted_recipient_is_asked_about(seen, model)
    closed_jobs_are_over(seen)
    dead_letters_are_listed(seen, model)


def counts_add_up(seen: View) -> None:
    """A job's counts are its recipients' states, and add up to its total."""
    for job, held in seen.jobs.items():
        counts = {name: int(held.get(name, 0)) for name in COUNTED}
        assert counts.pop("total") == sum(counts.values())
        assert {name: count for name, count in counts.items() if count} == dict(seen.counted(job))


def moves_are_allowed(before: View, seen: View) -> None:
    """No recipient goes back, and none that was known is forgotten except as its own double."""
    for spot, letter in before.letters.items():
        if spot in seen.letters:
            assert reachable(letter, seen.letters[spot]), f"{letter} became {seen.letters[spot]}"
        else:
            assert any(other.job == spot.job and other.number == spot.number for other in seen.letters), "lost"


def every_waiting_recipient_is_found_again(seen: View) -> None:
    """Who waits is in a place that will be looked at.

    That is a batch queue, the inbox, a leased claim, what is put off or set aside, or a sweep.
    """
    assert not seen.stray, "a batch queue holds recipients and no due set names it"
    inbox, expire = set[str](), seen.due.get("expire", set())
    for lane in LANES:
        inbox |= seen.due.get(f"inbox:{lane}", set())
    found = seen.queues | seen.later
    for attempt in seen.attempts.values():
        if attempt.state == "claimed" and str(attempt.attempt) in seen.due.get("lease", set()):
            found |= set(seen.spots(attempt.entries))
    for job, spots in seen.held.items():
        if seen.jobs[job]["state"] == "paused" or job in inbox:
            found |= spots
    for job, spots in seen.inbox.items():
        incomplete = seen.jobs[job].get("complete") != "1" and job in expire
        if incomplete or job in inbox:
            found |= spots
    found |= {spot for spot in seen.letters if spot.job in expire and seen.jobs[spot.job]["state"] == "cancelled"}
    lost = {spot for spot, letter in seen.letters.items() if letter == "w" and spot not in found}
    assert not lost, f"nothing will ever look at {lost}"


def no_recipient_waits_twice(seen: View) -> None:
    """Who waits stands in one place: a batch queue, put off, set aside, or in one claim.

    Else one call could name it twice.
    """
    twice = {spot: count for spot, count in seen.waits.items() if count > 1 and seen.letters[spot] == "w"}
    assert not twice, f"waiting in several places: {twice}"


def every_call_is_accounted_for(seen: View) -> None:
    """Who is being sent to is in exactly one begun call under a lease.

    Who is unsure is in exactly one unsure call to be asked about.
    """
    for letter, state, due in (("s", "begun", "lease"), ("q", "unsure", "unsure")):
        calls: Counter[Spot] = Counter()
        for attempt in seen.attempts.values():
            if attempt.state == state:
                assert str(attempt.attempt) in seen.due.get(due, set()), f"a {state} call is not in due:{due}"
                held = [spot for spot in seen.spots(attempt.entries) if seen.letters[spot] == letter]
                if letter == "q":
                    held = [spot for spot in held if seen.doubts[spot] == attempt.attempt % 10**9 % 2**24]
                calls.update(held)
        assert calls == Counter(spot for spot, held in seen.letters.items() if held == letter)
    # An older worker puts one in doubt without its attempt, and would leave the old one there.
    assert all(not seen.doubts.get(spot) for spot, letter in seen.letters.items() if letter != "q")


def every_accepted_recipient_is_asked_about(seen: View, model: Model) -> None:
    """Whose receipt is awaited is counted with the account that sent it and drained for.

    Its block is in the account's probes.
    """
    probed, awaited = seen.due.get("probe", set()), Counter[str]()
    for (block, _), spot in seen.places.items():
        if seen.letters[spot] == "a":
            assert f"{model.through[spot]} {block}" in probed, "an accepted recipient will never be asked about"
    awaited.update(model.through[spot] for spot, letter in seen.letters.items() if letter in "aq")
    assert awaited == Counter(seen.outstanding)
    assert set(awaited) <= seen.due.get("drain", set())


def closed_jobs_are_over(seen: View) -> None:
    """A closed job has nothing open and is kept for its retention.

    Its params are erased where no requeue can need them.
    """
    for job, held in seen.jobs.items():
        letters = {letter for spot, letter in seen.letters.items() if spot.job == job}
        if "closed_ms" in held:
            assert not letters & set(OPEN)
            assert job in seen.due.get("close", set())
    for held_block in seen.blocks.values():
        letters = set(held_block[b"st"].decode())
        swept = not letters & set("ce") or held_block[b"job"].decode() not in seen.due.get("expire", set())
        if swept and not letters & set("wsqafxu"):
            assert b"p" not in held_block, "params are kept that no try needs"


def dead_letters_are_listed(seen: View, model: Model) -> None:
    """The dead letter holds every undelivered, dead and unknown recipient that was not dropped."""
    listed: Counter[str] = Counter()
    for field, count in seen.dead.items():
        listed[field.split(" ")[2]] += count
    alive = (spot for spot, letter in seen.letters.items() if letter in "fxu" and spot not in model.dropped)
    assert listed == Counter(spot.job for spot in alive)
