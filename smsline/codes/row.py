"""Values of this package: a namespace, a code's row, and the match that a lookup answers with."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from smsline.verdicts import Scope, Verdict

# How a code was found, best first; `unknown` means that no row speaks of it.
How: TypeAlias = Literal["exact", "alias", "range", "wildcard", "family", "unknown"]

# What a row's code stands for. Itself, numbers from-to, everything with this beginning, or a family
# as last resort.
Form: TypeAlias = Literal["exact", "range", "wildcard", "family"]

# What a namespace's codes answer. A call that sends, one that only reads, a message sent before, or
# anything else.
Kind: TypeAlias = Literal["send", "read", "receipt", "manage"]

# Until when a code says to wait, in the provider's time zone. `from_message`: the answer's text
# names it.
Window: TypeAlias = Literal[
    "08:00", "next_day", "next_day_08:00", "next_month", "next_working_day_08:00", "from_message"
]

FORMS: Final[tuple[Form, ...]] = ("exact", "range", "wildcard", "family")
WINDOWS: Final[tuple[Window, ...]] = (
    "08:00",
    "next_day",
    "next_day_08:00",
    "next_month",
    "next_working_day_08:00",
    "from_message",
)


@dataclass(frozen=True, slots=True)
class Namespace:
    """One set of codes that are told apart by nothing but their name.

    Attributes:
        provider: `tencent`, `alibaba`, `smspartner`, `smsline`.
        name: `api`, `receipt`, …; at SMSPartner the endpoint, because a number means something else
            at each.
        kind: What the codes answer.
        file: The data file that holds them.
        also: The namespaces of the same provider to look in when a code is not here.
        zone: The IANA time zone that the provider's days and hours are counted in.
        title: For people.
        utc_offset_h: Hours of the zone from UTC, for machines without a time zone database; an hour
            too late does no harm in summer, and who comes too early is told to wait once more.
    """

    provider: str
    name: str
    kind: Kind
    file: str
    also: tuple[str, ...]
    zone: str
    title: str
    utc_offset_h: int = 0


@dataclass(frozen=True, slots=True)
class CodeRow:
    """What one code means and what is done about it.

    Attributes:
        provider: Whose code it is.
        namespace: The namespace's name.
        kind: What the code answers; `read` too where a read of a sending namespace was asked about.
        code: The spelling that the row is filed under.
        verdict: What to do; for a call that sends.
        scope: What the verdict speaks of.
        meaning: A sentence or two for people.
        advice: What a person should do.
        source: The document and line, or where else it was seen.
        aliases: Other spellings of the same code on the wire or in documents.
        form: What the code stands for.
        read_verdict: The verdict for a call that only reads, where it differs.
        read_scope: The scope of `read_verdict`.
        delay_s: Seconds to wait; None for the engine's own backoff.
        until_window: Wait until then; set instead of `delay_s`.
        permanent: It will never be otherwise for what `scope` names.
        reroute_ok: Another provider may be tried; False also where that would go round a legal or
            abuse control.
        pending: Not a final word on the message: another will come.
        numbers: Numbers that documents print beside the code, with their edition; they are no keys.
        see: Codes of the same provider that say the same.
        reason: For receipts, the reason that this code shares with others.
        carrier: For receipts, the carrier whose table lists it.
        does: What smsline does, where the verdict's own sentence would not fit.
        added: The code is in none of the documents that the tables were made from; `source` says
            where it was seen.
    """

    provider: str
    namespace: str
    kind: Kind
    code: str
    verdict: Verdict
    scope: Scope
    meaning: str
    advice: str
    source: str
    aliases: tuple[str, ...] = ()
    form: Form = "exact"
    read_verdict: Verdict | None = None
    read_scope: Scope | None = None
    delay_s: int | None = None
    until_window: Window | None = None
    permanent: bool = False
    reroute_ok: bool = False
    pending: bool = False
    numbers: tuple[str, ...] = ()
    see: tuple[str, ...] = ()
    reason: str = ""
    carrier: str = ""
    does: str = ""
    added: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """The answer to a lookup; there always is one.

    Attributes:
        row: What was found. For a read its verdict is the one for reads already.
        how: How it was found.
        asked: The code as it was asked for, shortened when it is longer than any code.
    """

    row: CodeRow
    how: How
    asked: str
