"""The kinds of value a setting can have: how each is read from text and checked, and its unit."""

import re
from itertools import pairwise
from typing import Annotated, Final, Generic, NamedTuple, TypeVar, cast
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from smsline import segments
from smsline.errors import BadInput
from smsline.names import LANES, NAME, NAME_RULE
from smsline.numbers import check_region
from smsline.urls import BROKER_SCHEMES, REDIS_SCHEMES, read_url

T = TypeVar("T")

# A time span that cannot be nothing.
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]

# A time span; 0 means at once.
SecondsOrZero = Annotated[float, Field(ge=0, allow_inf_nan=False)]

# Calls per second; below 1 is allowed (0.5 is one call every two seconds).
PerSecond = Annotated[float, Field(gt=0, allow_inf_nan=False)]

# Where a param goes into a text.
PLACE: Final = segments.PLACE


class PerLane(BaseModel, Generic[T]):
    """One value for each lane; `setting["otp"]` and `setting.otp` are the same."""

    # Fields and no dict: a lane that is misspelt in an environment variable is refused by its name.
    model_config = ConfigDict(frozen=True, extra="forbid")

    otp: T
    notify: T
    marketing: T

    def __repr_name__(self) -> str:
        """Without the type arguments, which are pages long."""
        return "PerLane"

    def __getitem__(self, lane: str) -> T:
        """The value of a lane.

        Raises:
            KeyError: No such lane.
        """
        if lane not in LANES:
            raise KeyError(lane)
        return cast("T", getattr(self, lane))


def split(value: object) -> object:
    """`"5,30,120"` or a list, as a list: an environment variable can hold several values."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _country(region: str) -> str:
    try:
        # The client takes an empty region for none; as a setting it is a mistake, and a
        # blank is refused as one.
        return check_region(region or " ") or ""
    except BadInput as error:
        raise ValueError(error.rule) from None


def _ascending(spans_s: tuple[float, ...]) -> tuple[float, ...]:
    if not spans_s:
        raise ValueError("must hold at least one number of seconds")
    if any(later <= earlier for earlier, later in pairwise(spans_s)):
        raise ValueError("must ascend: each probe is counted from the same start, so each is later than the one before")
    return spans_s


def matching(pattern: str, rule: str) -> AfterValidator:
    """A check of a text, the whole of which must match; `{text}` in the rule is what was given."""
    found = re.compile(pattern)

    def check(text: str) -> str:
        if not found.fullmatch(text):
            raise ValueError(rule.replace("{text}", repr(text)))
        return text

    return AfterValidator(check)


def _text(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    if rule := segments.rule_of_text(text):
        raise ValueError(rule)
    return text


class TemplateAt(NamedTuple):
    """A job's template as an account has it: `SMS_9(code, minutes)`.

    Attributes:
        id: The provider's template id.
        params: Names of its params, in the order in which jobs bring them; empty where they have no
            names.
    """

    id: str
    params: tuple[str, ...] = ()


def _template_at(value: object) -> object:
    found = re.fullmatch(r"\s*([^\s()|]+)\s*(?:\(([^()]*)\))?\s*", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(
            "must be a template id, with the names of its params where they have any: SMS_9(code, minutes)"
        )
    names = tuple(name.strip() for name in (found[2] or "").split(",") if name.strip())
    if not all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) for name in names) or len(set(names)) < len(names):
        raise ValueError("must name each param once, with letters, digits and _")
    return TemplateAt(found[1], names)


def _url_of(*schemes: str) -> AfterValidator:
    def check(text: str) -> str:
        read_url(text, schemes)
        return text

    return AfterValidator(check)


def _endpoint(text: str) -> str:
    wanted = "must be a URL that begins with http:// or https:// and names a host"
    try:
        # urlsplit drops line breaks and tabs in silence, hence the look at the text; a port out of
        # range is found only when it is asked for.
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and not re.search(r"\s", text)
    except ValueError:
        raise ValueError(f"{wanted}; its port must be a number from 1 to 65535") from None
    if not usable:
        raise ValueError(wanted)
    # Of an API only host and path are wanted: the rest would be sent, or signed, where
    # no provider expects it.
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must be a URL without user, query and fragment")
    return text.rstrip("/")


# An account, a route or a namespace.
Name = Annotated[
    str,
    matching(NAME, NAME_RULE),
]

Country = Annotated[str, AfterValidator(_country)]

LowerCase = BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value)

# Times to ask again, in seconds since the same start, ascending: `5,30,120` or a list.
Probes = Annotated[tuple[Seconds, ...], BeforeValidator(split), AfterValidator(_ascending)]

# Country prefixes without plus sign: `86,852` or a list.
Prefix = Annotated[
    str,
    matching(r"\+?[1-9][0-9]{0,6}", "must be country prefixes of 1 to 7 digits such as 86 or 1242, not {text}"),
    AfterValidator(lambda text: text.removeprefix("+")),
]
Prefixes = Annotated[tuple[Prefix, ...], BeforeValidator(split)]

# A template id as a key of settings.
TemplateKey = Annotated[
    str, LowerCase, matching(r"[a-z0-9_.:-]{1,64}", "must be a template id of 1 to 64 letters, digits or _.:-")
]

# Template ids, lower case because environment variables cannot tell, to texts with {1}, {2} … for
# the params.
Texts = dict[TemplateKey, Annotated[str, AfterValidator(_text)]]

# Template ids as jobs give them, lower case, to the account's own. `SMS_9`, or `SMS_9(code,
# minutes)`.
Templates = dict[TemplateKey, Annotated[TemplateAt, PlainValidator(_template_at)]]

RedisUrl = Annotated[str, _url_of(*REDIS_SCHEMES)]
BrokerUrl = Annotated[str, _url_of(*BROKER_SCHEMES)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
