"""Signatures: AddSmsSign, ModifySmsSign, DeleteSmsSign, DescribeSmsSignList over a key's book."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from worker.sandbox.sandbox import Sandbox
from worker.sandbox.tencent.result import TencentResult
from worker.sandbox.tencent.reviews import APPROVED, PENDING, check_scope, deleted, page, reviewed, row
from worker.sandbox.wire import WireRefusal

# Rows of a page that does not say how long it is (official SDK,
# `models.DescribeSmsSignListRequest`).
_LISTED: Final = 10

# Which document types go with which signature type (Tencent SMS API document, line 3243). Read from
# the document again and not from the adapter: a slip in its table would else agree with itself.
_DOCUMENTS: Final[Mapping[int, frozenset[int]]] = {
    0: frozenset({0, 1}),
    1: frozenset({0, 1, 2, 3, 4}),
    2: frozenset({0, 1, 2, 3, 5}),
    3: frozenset({0, 1, 2, 3, 8}),
    4: frozenset({7}),
    5: frozenset({2, 3}),
    6: frozenset({0, 1, 2, 3, 6}),
}


def add_sign(sandbox: Sandbox, key: str, params: Mapping[str, Any]) -> TencentResult | WireRefusal:
    """AddSmsSign: not the name of an approved or waiting one (document, line 3242)."""
    if refusal := _check(params) or _check_name(sandbox, key, params, besides=0):
        return refusal
    made = reviewed(sandbox.flags, params["SignName"], params["International"])
    return TencentResult({"AddSignStatus": {"SignId": sandbox.book.add_sign(key, made)}})


def modify_sign(sandbox: Sandbox, key: str, params: Mapping[str, Any]) -> TencentResult | WireRefusal:
    """ModifySmsSign: only what is not approved, within its scope (document, line 3606)."""
    held = sandbox.book.signs[key]
    sign = held.get(params["SignId"])
    if sign is None:
        return WireRefusal("FailedOperation.MissingSignatureToModify", "There is no such signature to modify.")
    if sign.status == APPROVED:
        return WireRefusal("InvalidParameterValue.SignAlreadyPassedCheck", "An approved signature cannot be modified.")
    if refusal := _check(params) or _check_name(sandbox, key, params, besides=sign.id):
        return refusal
    if sign.international != params["International"]:
        return WireRefusal("InvalidParameterValue.InvalidInternational", "A signature stays in its scope.")
    made = reviewed(sandbox.flags, params["SignName"], params["International"])
    made.id = sign.id
    held[sign.id] = made
    return TencentResult({"ModifySignStatus": {"SignId": made.id}})


def delete_sign(sandbox: Sandbox, key: str, params: Mapping[str, Any]) -> TencentResult | WireRefusal:
    """DeleteSmsSign."""
    if sandbox.book.signs[key].pop(params["SignId"], None) is None:
        return WireRefusal("FailedOperation.SignIdNotExist", "There is no such signature.")
    return TencentResult({"DeleteSignStatus": deleted()})


def list_signs(sandbox: Sandbox, key: str, params: Mapping[str, Any]) -> TencentResult | WireRefusal:
    """DescribeSmsSignList."""
    found = page(sandbox.book.signs[key].values(), params, "SignIdSet", usual=_LISTED)
    if isinstance(found, WireRefusal):
        return found
    return TencentResult({"DescribeSignListStatusSet": [row(one, "Sign") for one in found]})


def _check_name(sandbox: Sandbox, key: str, params: Mapping[str, Any], *, besides: int) -> WireRefusal | None:
    for sign in sandbox.book.signs[key].values():
        # The same name may be handed in once for each scope.
        if (sign.name, sign.international) != (params["SignName"], params["International"]) or sign.id == besides:
            continue
        if sign.status == PENDING:
            return WireRefusal("InvalidParameterValue.SignExistAndUnapproved", "The same signature is under review.")
        if sign.status == APPROVED:
            return WireRefusal(
                "InvalidParameterValue.SignAlreadyPassedCheck", "The same signature is approved already."
            )
    return None


def _check(params: Mapping[str, Any]) -> WireRefusal | None:
    if refusal := check_scope(params):
        return refusal
    if params["DocumentType"] not in _DOCUMENTS.get(params["SignType"], frozenset()):
        return WireRefusal("InvalidParameterValue.InvalidDocumentType", "This document does not prove this type.")
    if params["SignPurpose"] not in (0, 1):
        return WireRefusal("InvalidParameterValue.InvalidUsedMethod", "`SignPurpose` is 0 or 1.")
    if not params["SignName"].strip():
        return WireRefusal("MissingParameter", "`SignName` is empty.")
    # A power of attorney is asked for only for another company's signature; AAAA stands for
    # none needed.
    images = [params["ProofImage"], params.get("CommissionImage", "") if params["SignPurpose"] else "AAAA"]
    try:
        fits = all(base64.b64decode(image, validate=True) for image in images)
    except (binascii.Error, ValueError):
        fits = False
    return None if fits else _BAD_IMAGE


_BAD_IMAGE: Final = WireRefusal("InvalidParameterValue.ImageInvalid", "An image is not Base64, or is missing.")
