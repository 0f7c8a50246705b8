"""What a producer hands over, checked: a `JobSpec` and its `Recipient` rows."""

import json
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from typing import Final, Self, TypedDict

from smsline import job_values
from smsline.errors import BadInput
from smsline.names import LANES, Lane
from smsline.row_values import check_params
from smsline.windows import parse_window

# Seconds after its start in which a recipient may still be sent to, when the producer says nothing.
# A job always ends.
DEFAULT_TTL_S: Final[dict[Lane, float]] = {"otp": 300.0, "notify": 86_400.0, "marketing": 259_200.0}

# Bounds of what a producer may ask for. They keep a slip (milliseconds for seconds) from making a
# job that lives for centuries; providers' own bounds are tighter.
MAX_TTL_S: Final = 30 * 86_400.0
MAX_KEY_CHARS: Final = 128
# Recipients of a part; a large job arrives in several.
PART_SIZE: Final = 1_000

_TEMPLATE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_SENDER: Final = re.compile(r"[A-Za-z0-9 +._-]{0,20}")
_EXTEND: Final = re.compile(r"[0-9]{0,12}")
# A `traceparent` (W3C Trace Context, section 3.2) or nothing; ids of zeros are none.
TRACEPARENT: Final = re.compile(r"|00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
# A `tracestate` (section 3.3) or nothing: members `key=value`, divided by commas.
_MEMBER: Final = r"[a-z0-9][a-z0-9_*/@-]*=[ -+\--<>-~]*[!-+\--<>-~]"
# 512 characters are what everyone who carries one on must be able to.
TRACESTATE: Final = re.compile(rf"|(?=.{{,512}}\Z){_MEMBER}(?:[ \t]*,[ \t]*{_MEMBER}){{,31}}")

# As job ids are made, with room for another kind: no sign that could divide a key
# of Redis, or end a path.
_JOB: Final = re.compile(r"[a-z0-9]{8,40}")


@dataclass(frozen=True, slots=True)
class Recipient:
    """One row of a campaign.

    Attributes:
        phone: The number in any usual spelling.
        params: The template's values for this number, or None for the job's own.
        ref: The producer's name for this row, given back in the results.
    """

    phone: str
    params: tuple[str, ...] | None = field(default=None, repr=False)
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was refused while the good rows went out.

    Attributes:
        row: Its position in the input, from 1.
        phone: The number, masked.
        field: What was wrong with it: `phone`, `params` or `ref`.
        reason: The rule it breaks.
        first: The row that had the same phone first; 0 when it is none of that.
    """

    row: int
    phone: str
    field: str
    reason: str
    first: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of the rows of one `Client.campaign`; the four counts add up to the rows read.

    Attributes:
        job: The job's id.
        added: Numbers that this call added to the job.
        held: Numbers that the job had from an earlier call under the same key.
        duplicates: Rows that repeat another one.
        rejected: Rows that were refused.
        repeated: The key had its complete job with the same rows, so that nothing was added.
    """

    job: str
    added: int
    held: int
    duplicates: int
    rejected: int
    repeated: bool


@dataclass(frozen=True, slots=True)
class RowRules:
    """What is taken for a number and for params.

    Attributes:
        region: ISO 3166 country of numbers without a country code, or None.
        allow_unassigned: Take numbers in ranges that libphonenumber does not know (yet).
        allow_blank: Take params that are empty, or an export's word for none (`NULL`, `#N/A`).
    """

    region: str | None = None
    allow_unassigned: bool = False
    allow_blank: bool = False


NO_RULES: Final = RowRules()
# What a job says about its rows and does not keep.
ROW_SWITCHES: Final = frozenset({"allow_unassigned", "allow_blank"})


class JobOptions(TypedDict, total=False):
    """What may be said of a job besides its template and its numbers.

    None is the same as leaving it out.

    Attributes:
        params: The template's values, in order.
        sign: Signature; the account's own when left out.
        sender: Sender id for global numbers.
        extend: Extend code, digits.
        lane: `otp`, `notify` or `marketing`.
        ttl_s: Seconds after the start in which it may still be sent; `DEFAULT_TTL_S` of its lane
            when left out.
        key: Idempotency key: the same key gives the same job for as long as jobs are kept.
        account: The account to send through.
        window: Hours in which it goes out, `09:00-20:00` by the recipient's own clock, or
            `09:00-20:00 Europe/Paris`; any hour when left out. Not for the lane otp.
        traceparent: W3C `traceparent` of the span that asks for it; the present OpenTelemetry
            span's when left out.
        tracestate: W3C `tracestate` that came with that `traceparent`, at most 512 characters.
        allow_unassigned: Take numbers in ranges that libphonenumber does not know (yet).
        allow_blank: Take params that are empty, or an export's word for none (`NULL`, `#N/A`).
    """

    params: Sequence[str]
    sign: str
    sender: str
    extend: str
    lane: str
    ttl_s: float | None
    key: str
    account: str
    window: str
    traceparent: str
    tracestate: str
    allow_unassigned: bool
    allow_blank: bool


class CampaignOptions(JobOptions, total=False):
    """As `JobOptions`, and for many numbers.

    Attributes:
        pace: Numbers per second at most.
        stream: Whether parts may go out before the last one has been handed over.
    """

    pace: float | None
    stream: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """A job without its recipients.

    Attributes:
        template: The provider's template id.
        params: The template's values, in order; secret.
        sign: Signature, or empty for the account's own.
        sender: Sender id for global numbers, or empty.
        extend: Extend code, digits, or empty.
        lane: What it may wait for.
        account: The account to send through, or empty for the route's choice.
        ttl_s: Seconds after the start in which it may still be sent.
        key: Idempotency key, or empty.
        pace: Numbers per second at most, or 0 for as fast as allowed.
        start_s: Epoch seconds before which nothing is sent, or 0 for now.
        stream: Whether parts may go out before the last one has come.
        window: Hours in which it goes out, or empty for any: `smsline.windows.parse_window`.
        traceparent: W3C `traceparent` of the span that handed it over, or empty.
        tracestate: W3C `tracestate` of that span, or empty.
    """

    template: str
    params: tuple[str, ...] = field(default=(), repr=False)
    sign: str = ""
    sender: str = ""
    extend: str = ""
    lane: Lane = "notify"
    account: str = ""
    ttl_s: float = 0.0
    key: str = ""
    pace: float = 0.0
    start_s: float = 0.0
    stream: bool = False
    window: str = ""
    traceparent: str = ""
    tracestate: str = ""

    @classmethod
    def checked(cls, given: Mapping[str, object], *, now_s: float | None = None) -> Self:
        """The spec a producer asked for.

        Args:
            given: The fields above by name, and `ROW_SWITCHES`; what is left out, or None, is the
                default.
            now_s: The present, epoch seconds.

        Raises:
            BadInput: A field breaks its rule, or is not known.
        """
        values = {name: value for name, value in given.items() if value is not None}
        allow_blank = rules_of(values).allow_blank
        for name in values.keys() - cls.__dataclass_fields__.keys() - ROW_SWITCHES:
            raise BadInput(name, "…", "is not a field of a job")
        wanted = values.get("lane", "notify")
        lane = next((known for known in LANES if known == wanted), None)
        if lane is None:
            raise BadInput("lane", wanted, f"must be one of {', '.join(LANES)}")
        return cls(
            template=job_values.matching(
                values, "template", _TEMPLATE, "must be a template id of 1 to 64 letters, digits or _.:-"
            ),
            params=check_params(values.get("params", ()), allow_blank=allow_blank),
            sign=job_values.text(values, "sign", 40),
            sender=job_values.matching(values, "sender", _SENDER, "must be at most 20 letters, digits, spaces or +._-"),
            extend=job_values.matching(values, "extend", _EXTEND, "must be at most 12 digits"),
            lane=lane,
            account=job_values.account(values),
            ttl_s=job_values.number(values, "ttl_s", DEFAULT_TTL_S[lane], MAX_TTL_S),
            key=job_values.text(values, "key", MAX_KEY_CHARS),
            pace=job_values.number(values, "pace", 0.0, 1_000_000.0),
            start_s=job_values.start(values, time.time() if now_s is None else now_s),
            stream=job_values.flag(values, "stream"),
            window=job_values.window(values, lane),
            traceparent=job_values.matching(
                values, "traceparent", TRACEPARENT, "must be a W3C traceparent of version 00, or be left out"
            ),
            tracestate=job_values.matching(
                values, "tracestate", TRACESTATE, "must be a W3C tracestate of at most 512 characters, or be left out"
            ),
        )

    def to_json(self, *, params: bool = True) -> str:
        """The spec as JSON, without what it leaves to the defaults.

        Without the params, too, when `params` is False.

        It is short on purpose: in 64 bytes Redis keeps a job with all its counts in some 400, else
        in 1,700.
        """
        # Not `asdict`, which copies deeply: of a single message it would be a
        # tenth of the whole price.
        fields = {name: value for name, default in _DEFAULTS.items() if (value := getattr(self, name)) != default}
        if not params:
            fields.pop("params", None)
        # Passed over by an older worker it would be sent at night. Null is no list to that one: it
        # sets this job alone aside.
        if self.window:
            fields.setdefault("params", None)
        # Unicode as it is, without escapes: a signature in Chinese takes 3 bytes a
        # character instead of 6.
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes | None, **known_besides: str) -> Self:
        """The inverse of `to_json`; its values are not checked again, only their kinds.

        Args:
            text: The JSON; None of a small closed job, whose ttl is its lane's usual one.
            **known_besides: Fields that are kept elsewhere; the text has the last word.

        Raises:
            ValueError: A field is of another kind, or of a lane that this version does not know.
        """
        # Passed over, not refused: during an upgrade new producers and old workers share a ledger.
        usual_s = next((ttl_s for lane, ttl_s in DEFAULT_TTL_S.items() if lane == known_besides.get("lane")), 0.0)
        told = {"ttl_s": usual_s} if text is None else json.loads(text)
        fields = {name: value for name, value in {**known_besides, **told}.items() if name in _DEFAULTS}
        fields["params"] = tuple(fields.get("params") or ())
        # A newer producer may mean something else by a field: met later, it would stop all that is
        # accepted with this job.
        for name, value in fields.items():
            if type(value) not in _KINDS[name]:
                raise ValueError(f"its field {name} is of a kind that this version does not know")
        made = cls(**fields)
        if made.lane not in LANES:
            raise ValueError("its lane is none that this version knows")
        if made.window:
            parse_window(made.window)  # a zone that this machine does not know sets the job aside, as a newer text does
        return made


_DEFAULTS: Final = {each.name: each.default for each in dataclass_fields(JobSpec)}
_KINDS: Final = {
    name: (int, float)
    if isinstance(default, float)
    else (type(default),)
    if isinstance(default, bool | tuple)
    else (str,)
    for name, default in _DEFAULTS.items()
}


def new_job_id(now_s: float | None = None) -> str:
    """A fresh id that sorts by time: 9 characters of milliseconds and 9 of chance, in base 36."""
    # Milliseconds first, so that ids sort by time; 46 bits of chance, so that a million jobs within
    # one millisecond meet with a probability below 1 %.
    moment = int((time.time() if now_s is None else now_s) * 1000)
    return _base36(moment, 9) + _base36(secrets.randbits(46), 9)


def made_ms(job: str) -> int:
    """When an id was made, epoch ms by its producer's clock."""
    return int(job[:9], 36)


def _base36(value: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        value, digit = divmod(value, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits


def check_job_id(job: object) -> str:
    """The id, when it can be one.

    Raises:
        BadInput: It cannot.
    """
    if not isinstance(job, str) or not _JOB.fullmatch(job):
        raise BadInput("job", job, "is not a job id; `smsline jobs` lists them")
    return job


def rules_of(given: Mapping[str, object], region: str | None = None) -> RowRules:
    """The rules for rows among what a producer asked for.

    Raises:
        BadInput: A switch is neither true nor false.
    """
    return RowRules(region, job_values.flag(given, "allow_unassigned"), job_values.flag(given, "allow_blank"))
