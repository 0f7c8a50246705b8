"""The code that every number of a call gets for its template, values or signature, or nothing."""

import math
import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from worker.sandbox.book import Book, places_of
from worker.sandbox.flags import Flags, SandboxTemplate

# Template values taken when nothing is known of the template.
VALUES_LIMIT: Final = 20

_TEMPLATE_ID: Final = re.compile(r"[0-9]{1,20}")
_URL: Final = re.compile(r"https?://|www\.", re.IGNORECASE)
_OTP_VALUE: Final = re.compile(r"[0-9]{0,6}")
_ONE_PART: Final = 70
_PART_OF_SEVERAL: Final = 67

BAD_SIGN: Final = "FailedOperation.SignatureIncorrectOrUnapproved"
BAD_TEMPLATE: Final = "FailedOperation.TemplateUnapprovedOrNotExist"
BAD_COUNT: Final = "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"
BAD_OTP: Final = "InvalidParameterValue.TemplateParameterFormatError"
HAS_URL: Final = "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter"
GLOBAL_TO_MAINLAND: Final = "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone"
MAINLAND_TO_GLOBAL: Final = "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone"


class TencentContent(Struct, frozen=True):
    """What one or many numbers are told.

    Attributes:
        template: Template id.
        values: Its values in order.
        sign: Signature, without its brackets.
    """

    template: str
    values: Sequence[str]
    sign: str = ""

    @property
    def fee(self) -> int:
        """Billable parts: 70 characters in one, 67 in each of several.

        The template's own text is unknown here, so only the signature in its brackets and the
        values are counted.
        """
        length = sum(map(len, self.values)) + (len(self.sign) + 2 if self.sign else 0)
        return 1 if length <= _ONE_PART else math.ceil(length / _PART_OF_SEVERAL)


def refusing_code(flags: Flags, book: Book, content: TencentContent, *, mainland: bool) -> str:
    """The code that each number gets for a bad content; empty when nothing is wrong.

    Args:
        flags: What is approved and what is refused on purpose.
        book: What was added by actions: it counts when it is approved.
        content: What is to be sent.
        mainland: Whether to mainland numbers, which need a signature.
    """
    return _refused_sign(flags, book, content.sign, mainland=mainland) or _refused_template(
        flags, book, content, mainland=mainland
    )


def _refused_sign(flags: Flags, book: Book, sign: str, *, mainland: bool) -> str:
    if not sign:
        return BAD_SIGN if mainland else ""
    if code := flags.sign_codes.get(sign):
        return code
    # What was added by an action counts before the flags' list, which knows nothing of it.
    if added := book.sign(sign):
        return "" if added.status == 0 else BAD_SIGN
    return BAD_SIGN if flags.signs and sign not in flags.signs else ""


def _refused_template(flags: Flags, book: Book, content: TencentContent, *, mainland: bool) -> str:
    if code := flags.template_codes.get(content.template):
        return code
    template, added = flags.templates.get(content.template), book.template(content.template)
    if template is None and added is not None and added.status == 0:
        template = SandboxTemplate(
            params=places_of(added.content), region="global" if added.international else "mainland"
        )
    # Any id made of digits will do where the flags name no templates, so that a first try needs no
    # preparation.
    if template is None:
        known = not flags.templates and _TEMPLATE_ID.fullmatch(content.template) and not book.withheld(content.template)
        return _refused_values(SandboxTemplate(), content.values) if known else BAD_TEMPLATE
    if template.region == "global" and mainland:
        return GLOBAL_TO_MAINLAND
    if template.region == "mainland" and not mainland:
        return MAINLAND_TO_GLOBAL
    return _refused_values(template, content.values)


def _refused_values(template: SandboxTemplate, values: Sequence[str]) -> str:
    if len(values) > VALUES_LIMIT or template.params not in (None, len(values)):
        return BAD_COUNT
    if template.otp and not all(map(_OTP_VALUE.fullmatch, values)):
        return BAD_OTP
    # An approved template must not become an advertisement by its values.
    return HAS_URL if any(map(_URL.search, values)) else ""
