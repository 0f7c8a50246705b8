"""A first look at a campaign: what would go out, what would not, and in how many segments.

Nothing is sent.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from smsline.cli.output import print_json, print_line
from smsline.counted import counted
from smsline.errors import BadInput
from smsline.job import Recipient, RowRules
from smsline.numbers import is_mainland
from smsline.parts import Listener, Tally, nothing_good, parts
from smsline.segments import PLACE, SIZES, named, rule_of_text, segments, told


def look(
    rows: Iterable[str | Recipient],
    rules: RowRules,
    *,
    on_rejected: Listener,
    on_duplicate: Listener,
    on_progress: Callable[[int], None],
    text: str,
    sign: str,
    params: Sequence[str],
) -> dict[str, Any]:
    """Judge every row as a client would, and count segments where the text is known.

    Args:
        rows: Numbers or recipients.
        rules: For them.
        on_rejected: Told of refused rows.
        on_duplicate: Told of duplicates.
        on_progress: Told of how many were read.
        text: The template's text with {1}, {2} … for the params; empty when it is not known.
        sign: The signature.
        params: Values for rows that bring none.

    Raises:
        BadInput: No row is good, or the text has a slot without a param, or other braces.
    """
    if rule := rule_of_text(text):
        raise BadInput("--text", text, rule)
    tally, sizes, odd, worst, fullest = Tally(), Counter[int](), Counter[str](), "", (0, 0.0)
    for part in parts(rows, tally, rules=rules, on_rejected=on_rejected, on_duplicate=on_duplicate):
        on_progress(tally.rows)
        for i, number in enumerate(part.numbers if text else ()):
            # Every text is counted, not the average: one long name makes a second
            # segment, which is billed.
            own = part.params[i] if part.params else None
            found = segments(filled(text, params if own is None else own), mainland=is_mainland(number), sign=sign)
            # Of as many segments, the one that is nearest to another.
            fullness = found.count, found.places / SIZES[found.encoding][found.count > 1]
            if fullness > fullest:
                fullest, worst = fullness, told(found)
            sizes[found.count] += 1
            odd.update(found.culprits)
    if not tally.good:
        raise nothing_good(tally)
    counted = {
        "segments": sum(count * numbers for count, numbers in sizes.items()),
        "numbers_by_segments": {str(count): sizes[count] for count in sorted(sizes)},
        "longest": worst,
        "not_in_gsm7": dict(odd.most_common(10)),
    }
    seen = {"good": tally.good, "rejected": tally.bad, "duplicates": tally.doubled}
    return seen | (counted if text else {"segments": None})


def filled(text: str, params: Sequence[str]) -> str:
    """The text with its params.

    Raises:
        BadInput: It has a slot without a param.
    """

    # One pass over the text, so that a param with {2} in it is not filled in turn.
    def value(slot: re.Match[str]) -> str:
        if int(slot[1]) > len(params):
            raise BadInput("--text", text, f"has {slot[0]}, but the row brings {counted(len(params), 'param')}")
        return params[int(slot[1]) - 1]

    return PLACE.sub(value, text)


def show_look(found: dict[str, Any], *, refused: int, as_json: bool) -> None:
    """Print it; `refused` counts the rows that the file's reader refused too."""
    found["rejected"] = refused
    if as_json:
        print_json(found)
        return
    print_line(
        f"would go out {found['good']:,} · duplicates {found['duplicates']:,} · rejected {refused:,}; nothing is sent"
    )
    if found["segments"] is None:
        print_line("segments are not counted: the provider keeps the template's text; give it with --text")
        return
    sizes = ", ".join(
        f"{counted(numbers, 'number')} with {count}" for count, numbers in found["numbers_by_segments"].items()
    )
    print_line(f"segments {found['segments']:,}: {sizes}")
    print_line(f"longest: {found['longest']}")
    if found["not_in_gsm7"]:
        odd = ", ".join(
            f"{named(letter)} in {counted(texts, 'text')}" for letter, texts in found["not_in_gsm7"].items()
        )
        print_line(f"characters that make a text UCS-2: {odd}")
