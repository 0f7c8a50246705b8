"""The count, for people."""

from rich.table import Table

from bench.chaos.scene import SceneOutcome


def table(found: SceneOutcome) -> Table:
    """What was counted beside what is promised, and under it what was done."""
    tally = found.tally
    shown = Table("what", "count", "promised", title="promises held" if tally.held else "A PROMISE WAS BROKEN")
    shown.columns[1].justify = "right"
    rows = (
        ("recipients", tally.recipients, ""),
        *((f"  {state}", number, "") for state, number in sorted(tally.states.items()) if state != "unknown"),
        ("  unknown", tally.states["unknown"], f"≤ {tally.in_calls:,} in calls at a harm"),
        ("  unknown, and a message went out", tally.unheard, ""),
        ("lost", tally.lost, "0"),
        ("delivered, and never sent", tally.silent, "0"),
        ("dead or expired, and sent all the same", tally.denied, "0"),
        ("campaign numbers texted twice", tally.campaign_twice, "0"),
        ("texted in moments that Redis lost", tally.lost_moments, ""),
        ("  again, after that", tally.again, "otps within policy"),
        ("otps texted twice, the first's outcome unknown", tally.otp_twice, "within policy"),
        ("otps texted more than twice", tally.otp_more, "0"),
        ("jobs not closed", tally.open_jobs, "0"),
        ("numbers, provider against ledger", tally.provider_off, "0"),
        ("recipients, /metrics against ledger", tally.metrics_off, "0"),
        *(
            (f"recipients and jobs, receiver {name} against ledger", off, "0")
            for name, off in tally.receivers_off.items()
        ),
        ("jobs with a gap in `seq`", len(tally.gaps), "0"),
        ("older layouts not refused", tally.refused_badly, "0"),
    )
    for what, number, promised in rows:
        shown.add_row(what, f"{number:,}", promised)
    harm = [f"{kind} {times}" for kind, times in found.done.times.items()]
    harm += [
        f"submits refused and tried again {found.given.refused}",
        f"jobs lost and handed over again {found.given.lost}",
    ]
    calls = [f"{kind} {number:,}" for kind, number in found.done.in_flight.items() if number]
    lies = [f"{kind} {times}" for kind, times in sorted(found.struck.items())]
    words = [f"{what}: {said}" for what, said in (*found.told.items(), *found.done.skipped.items())]
    shown.caption = "\n".join(
        (f"harm: {', '.join(harm)}", f"recipients in calls: {', '.join(calls)}", f"answers: {', '.join(lies)}", *words)
    )
    shown.caption_justify = "left"
    return shown
