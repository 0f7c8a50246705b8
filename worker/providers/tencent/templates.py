"""Templates: AddSmsTemplate, ModifySmsTemplate, DeleteSmsTemplate and DescribeSmsTemplateList."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from worker.providers import reading
from worker.providers.base import Broken, Refused
from worker.providers.reading import Row
from worker.providers.tencent.api import Api
from worker.providers.tencent.checks import IDS_AT_ONCE, filled, page, positive, scope
from worker.providers.tencent.facts import ADD_TEMPLATE, DELETE_TEMPLATE, LIST_TEMPLATES, MODIFY_TEMPLATE
from worker.providers.tencent.reviews import Deletion, Review, remove, submit


class Kind(IntEnum):
    """What a template is for: `SmsType` (Tencent SMS API document, line 4195). Its 0 is not offered to new templates."""

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


def add(api: Api, draft: Draft) -> int | Refused | Broken:
    """Hand a template in for review; returns its id.

    Raises:
        BadInput: A field is empty.
    """
    return submit(api, ADD_TEMPLATE, _params(draft), field="AddTemplateStatus", name="TemplateId")


def modify(api: Api, template: int, draft: Draft) -> int | Refused | Broken:
    """Replace a template that is not approved yet, or was rejected; returns its id.

    Args:
        api: The account.
        template: Its id.
        draft: All of it anew; `international` cannot change (official SDK, `models.ModifySmsTemplateRequest`).

    Raises:
        BadInput: A field is empty, or the id cannot be one.
    """
    params = {"TemplateId": positive("template", template), **_params(draft)}
    return submit(api, MODIFY_TEMPLATE, params, field="ModifyTemplateStatus", name="TemplateId")


def delete(api: Api, template: int) -> Deletion | Refused | Broken:
    """Delete a template. Jobs that name it end up refused.

    Raises:
        BadInput: The id cannot be one.
    """
    params = {"TemplateId": positive("template", template)}
    return remove(api, DELETE_TEMPLATE, params, field="DeleteTemplateStatus")


def listed(
    api: Api, *, international: bool, ids: Sequence[int] = (), limit: int = IDS_AT_ONCE, offset: int = 0
) -> tuple[Template, ...] | Refused | Broken:
    """Templates by their ids, or a page of all; fewer than `limit` means that there are no more.

    Args:
        api: The account.
        international: Those for global numbers; False for mainland ones.
        ids: At most 100; empty for a page of all.
        limit: Templates in a page, 1 to 100.
        offset: Templates before the page.

    Raises:
        BadInput: An id or a page that cannot be.
    """
    params = {"International": scope(international), **page("TemplateIdSet", ids, limit=limit, offset=offset)}
    found = api.rows(LIST_TEMPLATES, params, "DescribeTemplateStatusSet")
    return tuple(_template(row) for row in found if isinstance(row, dict)) if isinstance(found, list) else found


def _params(draft: Draft) -> dict[str, object]:
    return {
        "TemplateName": filled("name", draft.name),
        "TemplateContent": filled("content", draft.content),
        "SmsType": int(draft.kind),
        "International": scope(draft.international),
        "Remark": filled("remark", draft.remark),
    }


_WHERE: Final[Mapping[int | None, str]] = {0: "mainland", 1: "global", 3: "both"}


def _template(row: Row) -> Template:
    return Template(
        id=reading.whole(row.get("TemplateId")),
        name=reading.text(row.get("TemplateName")),
        content=reading.text(row.get("TemplateContent"), 4096),
        international=_WHERE.get(reading.signed(row.get("International")), ""),
        review=Review.of(row.get("StatusCode")),
        reply=reading.text(row.get("ReviewReply")),
        created_at_s=reading.whole(row.get("CreateTime")),
    )
