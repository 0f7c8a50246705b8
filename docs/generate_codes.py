"""Make docs/codes.md from the code tables; with `--check`, say whether it is up to date.

python docs/generate_codes.py            write docs/codes.md
python docs/generate_codes.py --check    exit 1 when docs/codes.md is stale
"""  # noqa: INP001 - a script, no package

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "codes.md"
sys.path.insert(0, str(ROOT))  # the checkout's own tables, installed or not

from smsline.codes import CodeRow, Namespace, namespaces, rows, what_smsline_does  # noqa: E402
from smsline.codes.store import table  # noqa: E402
from smsline.codes.words import duration  # noqa: E402
from smsline.verdicts import Verdict  # noqa: E402

INTRODUCTION: Final = """\
# Codes

What every provider's codes mean, and what smsline does about them. This page is made from
`smsline/codes/data/` by `python docs/generate_codes.py`; change the tables, not the page. `smsline
codes explain CODE` says the same about one code, in any of its spellings. Where and why the tables
differ from a plain reading of the providers' documents: [codes/review.md](codes/review.md). How to
change or add a row without touching the package: [codes/overrides.md](codes/overrides.md).

## How to read a row

A row has a **verdict**, which says what happens, and a **scope**, which says what the verdict
speaks of.

| verdict | meaning | scopes |
|---|---|---|
| ok | accepted (for a receipt: delivered) | recipient, request |
| retry | certainly not carried out; may work later | recipient, request, provider |
| throttle | not carried out; something is over its limit | account or provider: the account's bucket for this action \
closes; template or recipient: only these wait, the bucket stays open |
| park | not carried out; a person must act | account; region: its mainland or its global side alone; process: the machine \
that called, by its clock, address or key; template |
| reroute | not carried out; this provider cannot, another could | recipient, provider |
| dead | not carried out; will never work like this | recipient, content, request |
| unsure | may or may not have been carried out | recipient, request, provider |

- **wait**: a time, or until a moment in the provider's time zone. Empty: growing pauses for a
  retry. A daily or monthly cap of an account or a template is asked about again every ten minutes,
  because a person can raise it.
- **read**: the verdict for a call that only reads, where it differs: what a send must doubt, a read
  can repeat. A park met by a read holds the reads; sends find out for themselves.
- **other**: whether another provider may be tried. "no" also where that would go round a legal or
  abuse control.
- A **receipt** is about a message that was taken before. Its success flag is trusted first; the
  code explains a failure and says whether another try makes sense. A receipt never parks or
  throttles anything.
- A code is looked for in this order: exact, alias, range, wildcard, family; then it is unknown. An
  unknown code is unsure for a send, asked again for a read, and for a receipt leaves the word to
  the success flag.
"""

COUNTED: Final = """\
**codes** counts the rows that stand for a row of the provider's documents: Tencent 136 error codes,
124 of its document and 12 of its SDKs (and Ok, which the lists leave out), 41 legacy numbers (40
and 0 for success), 1,975 receipt rows with 1,968 distinct codes; Alibaba 75, after 121 entries of
three editions were merged by name; SMSPartner 259 (and 4 more, because its code 9 is told apart by
the field it names, and a failure may hold no code). No row of a document was dropped; damaged and
doubled ones are listed in [codes/review.md](codes/review.md). **added** counts codes in none of
these documents; they are marked, and `explain` names where each was seen.
"""

COUNTS: Final = "| provider | namespace | what it answers | codes | added | " + " | ".join(Verdict) + " |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the page; returns the exit code."""
    parser = argparse.ArgumentParser(description="Make docs/codes.md from the code tables.")
    parser.add_argument("--check", action="store_true", help="only say whether the page is up to date")
    wanted = page()
    if not parser.parse_args(arguments).check:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == wanted:
        return 0
    sys.stderr.write("docs/codes.md is stale: run python docs/generate_codes.py\n")
    return 1


def page() -> str:
    """The whole page as text."""
    parts = [INTRODUCTION, "## What there is\n", COUNTED, *_counts(), ""]
    for provider, spaces in groupby(namespaces().values(), key=lambda space: space.provider):
        parts.append(f"## {provider}\n")
        for space in spaces:
            parts += [f"### {space.title}\n", f"Namespace `{space.name}`.\n", *_tables(space), ""]
    return "\n".join(parts).rstrip() + "\n"


def _counts() -> Iterator[str]:
    yield COUNTS
    yield "|---" * (COUNTS.count("|") - 1) + "|"
    for space in namespaces().values():
        found = list(rows(space.provider, space.name))
        counts = [sum(row.verdict is verdict for row in found) for verdict in Verdict]
        numbers = " | ".join(str(count or "") for count in counts)
        added = sum(row.added for row in found)
        yield (f"| {space.provider} | {space.name} | {space.kind} | {len(found) - added} | {added or ''} | {numbers} |")


def _tables(space: Namespace) -> Iterator[str]:
    found = table(space.provider, space.name)
    if any(row.reason for row in found.rows):
        yield from _reasons(found.rows)
    elif space.name == "legacy":
        yield from _legacy(found.rows)
    else:
        yield from _rows(found.rows, reads=space.kind == "send")
    if found.families:
        yield "\nFamilies, for codes without a row:\n"
        yield from _rows(found.families, reads=True)


def _rows(found: Iterable[CodeRow], *, reads: bool) -> Iterator[str]:
    read = " read |" if reads else ""
    yield f"| code | meaning | verdict | wait |{read} other | what to do |"
    yield "|---|---|---|---|" + ("---|" if reads else "") + "---|---|"
    for row in found:
        seen = f" {_read(row)} |" if reads else ""
        yield (
            f"| {_code(row)} | {_text(row.meaning)} | {row.verdict}, {row.scope} | {_wait(row)} |{seen} "
            f"{_yes(row.reroute_ok)} | {_text(_advice(row))} |"
        )


def _legacy(found: Iterable[CodeRow]) -> Iterator[str]:
    yield "The numbers say the same as codes of API 3.0; wait and advice are those of the code named.\n"
    yield "| number | code of API 3.0 | meaning | verdict |"
    yield "|---|---|---|---|"
    for row in found:
        same = ", ".join(f"`{code}`" for code in row.see)
        yield f"| `{row.code}` | {same} | {_text(row.meaning)} | {row.verdict}, {row.scope} |"


def _reasons(found: Sequence[CodeRow]) -> Iterator[str]:
    """Receipts by reason: the codes of one reason differ in nothing but their names."""
    yield f"{len(found):,} rows share {len({row.reason for row in found})} reasons.\n"
    yield "| reason | meaning | verdict | wait | other | what to do | codes |"
    yield "|---|---|---|---|---|---|---|"
    order = list(dict.fromkeys(row.reason for row in sorted(found, key=_weight)))
    for reason in order:
        members = [row for row in found if row.reason == reason]
        row = members[0]
        yield (
            f"| {reason} ({len(members)}) | {_text(row.meaning)} | {row.verdict}, {row.scope} | {_wait(row)} "
            f"| {_yes(row.reroute_ok)} | {_text(row.advice)} | {_codes(members)} |"
        )


def _weight(row: CodeRow) -> tuple[int, str]:
    return list(Verdict).index(row.verdict), row.reason


def _codes(members: Sequence[CodeRow]) -> str:
    """Codes by what stands before their colon, runs of numbers joined: `MA:` 0051, 0060-0063."""
    groups: dict[str, list[str]] = {}
    for row in members:
        stem, _, tail = row.code.partition(":")
        grouped = row.form == "exact" and bool(stem and tail) and ":" not in tail
        groups.setdefault(f"{stem}:" if grouped else "", []).append((tail if grouped else row.code) + _also(row))
    lines = [(f"`{stem}` " if stem else "") + ", ".join(_drawn_together(groups[stem])) for stem in sorted(groups)]
    return "<br>".join(lines)


def _drawn_together(spelt: Iterable[str]) -> Iterator[str]:
    run: list[str] = []
    for code in [*sorted(set(spelt), key=lambda code: (len(code), code)), ""]:
        if run and _follows(run[-1], code):
            run.append(code)
            continue
        yield from (_text(one) for one in run) if len(run) < 3 else [f"{run[0]}\u2013{run[-1]}"]
        run = [code] if code else []


def _follows(before: str, code: str) -> bool:
    digits = before.isascii() and before.isdigit() and code.isascii() and code.isdigit()
    return digits and len(before) == len(code) and int(code) == int(before) + 1


def _also(row: CodeRow) -> str:
    return f" (= {', '.join(row.aliases)})" if row.aliases else ""


def _code(row: CodeRow) -> str:
    others = "".join(f"<br>`{alias}`" for alias in row.aliases)
    numbers = f"<br>SMPP {', '.join(row.numbers)}" if row.numbers else ""
    return f"**`{row.code}`**{'<br>(added)' if row.added else ''}{others}{numbers}"


def _read(row: CodeRow) -> str:
    return f"{row.read_verdict}, {row.read_scope}" if row.read_verdict else ""


def _wait(row: CodeRow) -> str:
    if row.until_window:
        return (
            "named in the answer"
            if row.until_window == "from_message"
            else "until " + row.until_window.replace("_", " ")
        )
    return "" if row.delay_s is None else duration(row.delay_s)


def _advice(row: CodeRow) -> str:
    return f"{what_smsline_does(row)} {row.advice}" if row.does or row.pending else row.advice


def _yes(flag: bool) -> str:  # noqa: FBT001 - it is the value itself
    return "yes" if flag else "no"


def _text(text: str) -> str:
    """Text that stays inside its cell."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")


if __name__ == "__main__":
    sys.exit(main())
