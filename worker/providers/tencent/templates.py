"""Templates: AddSmsTemplate, ModifySmsTemplate, DeleteSmsTemplate and DescribeSmsTemplateList."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from worker.providers import reading
from worker.providers.reading import Row
from worker.providers.tencent.checks import filled, scope
from worker.providers.tencent.facts import ADD_TEMPLATE, DELETE_TEMPLATE, LIST_TEMPLATES, MODIFY_TEMPLATE
from worker.providers.tencent.reviews import Action, Review, Reviewed


class Kind(IntEnum):
    """What a template is for: `SmsType` (Tencent SMS API document, line 4195). Its 0 is not offered to new templates."""

    # 0, the regular kind, can still be handed in, and the document advises against it.
    MARKETING = 1
    NOTIFICATION = 2
    OTP = 3


@dataclass(frozen=True, slots=True)
class Draft:
    """A template as it is handed in for review.

    Attributes:
        name: What it is called.
        content: Its text, with {1}, {2} … for the params.
        kind: What it is for.
        international: For global numbers; False for mainland numbers.
        remark: Why it is asked for, for the reviewer; the provider requires one.
    """

    name: str
    content: str
    kind: Kind
    international: bool
    remark: str


@dataclass(frozen=True, slots=True)
class Template:
    """A template as the provider lists it (Tencent SMS API document, line 4760).

    Attributes:
        id: The id that jobs name.
        name: What it is called.
        content: Its text.
        international: `mainland`, `global` or `both`; the last is the official SDK's.
        review: What became of it.
        reply: The reviewer's words, mostly why it was rejected.
        created_at_s: When it was handed in, epoch seconds.
    """

    id: int
    name: str
    content: str
    international: str
    review: Review
    reply: str
    created_at_s: int


def params_of(draft: Draft) -> dict[str, object]:
    """The parameters that hand a draft in."""
    return {
        "TemplateName": filled("name", draft.name),
        "TemplateContent": filled("content", draft.content),
        "SmsType": int(draft.kind),
        "International": scope(draft.international),
        # Required, other than a signature's (document, line 4197).
        "Remark": filled("remark", draft.remark),
    }


# The document has no 3; the official SDK does.
_WHERE: Final[Mapping[int | None, str]] = {0: "mainland", 1: "global", 3: "both"}


def read_template(row: Row) -> Template:
    """A row of DescribeSmsTemplateList."""
    return Template(
        id=reading.whole(row.get("TemplateId")),
        name=reading.text(row.get("TemplateName")),
        content=reading.text(row.get("TemplateContent"), 4096),
        international=_WHERE.get(reading.signed(row.get("International")), ""),
        review=Review.of(row.get("StatusCode")),
        reply=reading.text(row.get("ReviewReply")),
        created_at_s=reading.whole(row.get("CreateTime")),
    )


TEMPLATES: Final[Reviewed[Draft, Template]] = Reviewed(
    noun="template",
    id_field="TemplateId",
    added=Action(ADD_TEMPLATE, "AddTemplateStatus"),
    modified=Action(MODIFY_TEMPLATE, "ModifyTemplateStatus"),
    deleted=Action(DELETE_TEMPLATE, "DeleteTemplateStatus"),
    described=Action(LIST_TEMPLATES, "DescribeTemplateStatusSet"),
    ids_field="TemplateIdSet",
    params=params_of,
    read=read_template,
)
