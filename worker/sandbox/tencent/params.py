"""What each action takes: parameters of body or query, checked for presence and type."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from worker.sandbox.wire import Request, WireRefusal

Kind: TypeAlias = Literal["text", "integer", "texts", "integers", "messages"]

# Most bytes of a GET request (Tencent SMS API document, line 353).
GET_LIMIT: Final = 32 * 1024


class Param(Struct, frozen=True):
    """One parameter: its type on the wire and whether the action asks for it."""

    kind: Kind
    required: bool = False


_TEXT: Final = Param("text")
_APP: Final = {"SmsSdkAppId": Param("text", required=True)}
_PULL: Final = {"Limit": Param("integer", required=True), **_APP}
_PULL_BY_NUMBER: Final = {
    **_PULL,
    "BeginTime": Param("integer", required=True),
    "Offset": Param("integer", required=True),
    "PhoneNumber": Param("text", required=True),
    "EndTime": Param("integer"),
}
_MESSAGE: Final = {
    "PhoneNumber": Param("text", required=True),
    "TemplateId": Param("text", required=True),
    "TemplateParamSet": Param("texts"),
    "SenderId": _TEXT,
    "SessionContext": _TEXT,
}

_STATISTICS: Final = {
    **_APP,
    "BeginTime": Param("text", required=True),
    "EndTime": Param("text", required=True),
    "Limit": Param("integer", required=True),
    "Offset": Param("integer", required=True),
}
_INTERNATIONAL: Final = {"International": Param("integer", required=True)}
_TEMPLATE: Final = {
    **_INTERNATIONAL,
    "TemplateName": Param("text", required=True),
    "TemplateContent": Param("text", required=True),
    "SmsType": Param("integer", required=True),
    "Remark": Param("text", required=True),
}
_SIGN: Final = {
    **_INTERNATIONAL,
    "SignName": Param("text", required=True),
    "SignType": Param("integer", required=True),
    "DocumentType": Param("integer", required=True),
    "SignPurpose": Param("integer", required=True),
    "ProofImage": Param("text", required=True),
    "CommissionImage": _TEXT,
    "Remark": _TEXT,
    "QualificationId": Param("integer"),
}
_LIST: Final = {**_INTERNATIONAL, "Limit": Param("integer"), "Offset": Param("integer")}

# The actions carried out and what they take (Tencent SMS API document, from line 2369 on; official
# SDK's models).
ACTIONS: Final[Mapping[str, Mapping[str, Param]]] = {
    "SendSms": {
        **_APP,
        "PhoneNumberSet": Param("texts", required=True),
        "TemplateId": Param("text", required=True),
        "SignName": _TEXT,
        "TemplateParamSet": Param("texts"),
        "ExtendCode": _TEXT,
        "SessionContext": _TEXT,
        "SenderId": _TEXT,
    },
    "SendMultiGlobalSms": {**_APP, "MultiSmsInfoSet": Param("messages", required=True)},
    "PullSmsSendStatus": _PULL,
    "PullSmsSendStatusByPhoneNumber": _PULL_BY_NUMBER,
    "PullSmsReplyStatus": _PULL,
    "PullSmsReplyStatusByPhoneNumber": _PULL_BY_NUMBER,
    "SendStatusStatistics": _STATISTICS,
    "CallbackStatusStatistics": _STATISTICS,
    "DescribePhoneNumberInfo": {"PhoneNumberSet": Param("texts", required=True)},
    "ReportConversion": {**_APP, "SerialNo": Param("text", required=True), "ConversionTime": Param("integer")},
    "AddSmsTemplate": _TEMPLATE,
    "ModifySmsTemplate": {"TemplateId": Param("integer", required=True), **_TEMPLATE},
    "DeleteSmsTemplate": {"TemplateId": Param("integer", required=True)},
    "DescribeSmsTemplateList": {"TemplateIdSet": Param("integers"), **_LIST},
    "AddSmsSign": _SIGN,
    "ModifySmsSign": {"SignId": Param("integer", required=True), **_SIGN},
    "DeleteSmsSign": {"SignId": Param("integer", required=True)},
    "DescribeSmsSignList": {"SignIdSet": Param("integers"), **_LIST},
}


def read_params(request: Request, action: str) -> dict[str, Any] | WireRefusal:
    """An action's parameters from a POST's JSON or a GET's query, nulls left out.

    Args:
        request: As it arrived.
        action: One of `ACTIONS`.

    Returns:
        Names to values of the right types, or why the request is refused.
    """
    if request.method != "GET":
        return _checked(_read_body(request), action)
    if len(request.query) > GET_LIMIT:
        return WireRefusal("RequestSizeLimitExceeded", "A GET request may have 32 KB; use POST.")
    return read_flat(parse_qsl(request.query, keep_blank_values=True), action)


def read_flat(pairs: Iterable[tuple[str, str]], action: str) -> dict[str, Any] | WireRefusal:
    """An action's parameters from flat names, such as `("PhoneNumberSet.0", "+86…")`."""
    # A query has only text: integers are told by what the action takes.
    integers = {name for name, param in ACTIONS[action].items() if param.kind in ("integer", "integers")}
    tree: dict[str, Any] = {}
    for path, value in pairs:
        node = tree
        *branches, leaf = path.split(".", _DEPTH)
        for branch in branches:
            node = node.setdefault(branch, {})
            if not isinstance(node, dict):
                return WireRefusal("InvalidParameter", "A parameter is given both as a value and as a list.")
        named = branches[0] if leaf.isdecimal() and len(branches) == 1 else path
        node[leaf] = int(value) if named in integers and _INTEGER.fullmatch(value) else value
    return _checked({name: _listed(value) for name, value in tree.items()}, action)


def _checked(raw: dict[str, Any] | WireRefusal, action: str) -> dict[str, Any] | WireRefusal:
    if isinstance(raw, WireRefusal):
        return raw
    given = _without_nulls(raw)
    return check(given, ACTIONS[action]) or given


def check(given: Mapping[str, Any], takes: Mapping[str, Param]) -> WireRefusal | None:
    """Why these values are not what an action takes, or None."""
    for name in given:
        # As at the real service: a misspelt optional parameter would else be passed over in
        # silence.
        if name not in takes:
            return WireRefusal("UnknownParameter", f"The parameter `{name[:40]}` is not recognized.")
    for name, param in takes.items():
        if name not in given:
            if param.required:
                return WireRefusal("MissingParameter", f"The request is missing a required parameter `{name}`.")
        elif refusal := _check_one(name, given[name], param.kind):
            return refusal
    return None


def _check_one(name: str, value: object, kind: Kind) -> WireRefusal | None:
    if kind == "messages" and isinstance(value, list):
        wrong = (check(_without_nulls(one), _MESSAGE) if isinstance(one, dict) else _wrong_type(name) for one in value)
        return next(filter(None, wrong), None)
    if kind in ("texts", "integers"):
        one_of = str if kind == "texts" else int
        fits = isinstance(value, list) and all(type(one) is one_of for one in value)
    else:
        # `type` and not `isinstance`: true is an int in Python, and no integer on the wire.
        fits = type(value) is (str if kind == "text" else int)
    return None if fits else _wrong_type(name)


def _without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _wrong_type(name: str) -> WireRefusal:
    return WireRefusal("InvalidParameter", f"The value type of parameter `{name}` is not valid.")


def _read_body(request: Request) -> dict[str, Any] | WireRefusal:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        return WireRefusal("FailedOperation.FailResolvePacket", "A POST must carry `Content-Type: application/json`.")
    try:
        raw = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, RecursionError):
        return WireRefusal("FailedOperation.JsonParseFail", "The body is not JSON.")
    return (
        raw
        if isinstance(raw, dict)
        else WireRefusal("FailedOperation.FailResolvePacket", "The body is no JSON object.")
    )


_DEPTH: Final = 3  # MultiSmsInfoSet.0.TemplateParamSet.0 is the deepest name there is
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")


def _listed(node: object) -> object:
    if not isinstance(node, dict):
        return node
    if all(key.isdecimal() for key in node):
        return [_listed(node[key]) for key in sorted(node, key=int)]
    return {key: _listed(value) for key, value in node.items()}
