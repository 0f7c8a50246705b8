"""What a request asks for: action, version and parameters of its query string, form and headers."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl

from msgspec import Struct

from worker.sandbox.wire import Request, WireRefusal

MAINLAND: Final = "2017-05-25"
INTERNATIONAL: Final = "2018-05-01"
FORM: Final = "application/x-www-form-urlencoded"

# The actions carried out and what each must be given, by version (official SDKs 4.6.0 and 1.0.10,
# the requests' models).
ACTIONS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = MappingProxyType(
    {
        MAINLAND: {
            "SendSms": ("PhoneNumbers", "SignName", "TemplateCode"),
            "SendBatchSms": ("PhoneNumberJson", "SignNameJson", "TemplateCode"),
            "QuerySendDetails": ("PhoneNumber", "SendDate", "PageSize", "CurrentPage"),
        },
        INTERNATIONAL: {
            "SendMessageToGlobe": ("To", "Message"),
            "BatchSendMessageToGlobe": ("To", "Message"),
            "SendMessageWithTemplate": ("To", "From", "TemplateCode"),
            "QueryMessage": ("MessageId",),
        },
    }
)


class QueryParams(Struct, frozen=True):
    """What a request says it wants, unchecked.

    Attributes:
        action: Name of the action, or empty.
        version: Of the API, or empty.
        query: Decoded query string.
        form: Decoded form, empty when the body is none.
    """

    action: str
    version: str
    query: Mapping[str, str]
    form: Mapping[str, str]

    @property
    def params(self) -> dict[str, str]:
        """Parameters from both places; empty ones count as not given."""
        return {name: value for name, value in {**self.query, **self.form}.items() if value}


def is_alibaba(request: Request) -> bool:
    """Whether a request speaks this wire: by an x-acs-action header, or an Action parameter.

    A request by Tencent's older signatures has an Action there too, beside a SecretId that this
    wire knows nothing of.
    """
    if "x-acs-action" in request.headers:
        return True
    if "x-tc-action" in request.headers:
        return False
    asked = read(request)
    # Only RPC is left: its AccessKeyId is looked for when the signature is.
    return bool(asked.action) and "SecretId" not in {*asked.query, *asked.form}


def read(request: Request) -> QueryParams:
    """Take a request apart; the headers of an ACS3 request go before RPC's parameters."""
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    is_form = request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM
    form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)) if is_form else {}
    return QueryParams(
        action=request.headers.get("x-acs-action") or query.get("Action") or form.get("Action", ""),
        version=request.headers.get("x-acs-version") or query.get("Version") or form.get("Version", ""),
        query=query,
        form=form,
    )


def check(asked: QueryParams) -> WireRefusal | None:
    """Why there is no such action, or what it lacks; unknown parameters are passed over."""
    if asked.version not in ACTIONS:
        return WireRefusal("InvalidVersion", "Specified parameter Version is not valid.")
    if asked.action not in ACTIONS[asked.version]:
        return WireRefusal("InvalidAction.NotFound", "Specified api is not found, please check your url and method.")
    params = asked.params
    missing = next((name for name in ACTIONS[asked.version][asked.action] if name not in params), None)
    return WireRefusal(f"Missing{missing}", f"{missing} is mandatory for this action.") if missing else None
