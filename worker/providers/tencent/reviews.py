"""What is handed in for review: templates and signatures have the same four actions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from worker.providers import reading
from worker.providers.base import Broken, Refused
from worker.providers.reading import Row
from worker.providers.tencent.api import Api
from worker.providers.tencent.checks import IDS_AT_ONCE, page, positive, scope

Draft = TypeVar("Draft")
Listed = TypeVar("Listed")


class Review(StrEnum):
    """What became of a review: `StatusCode` (Tencent SMS API document, lines 4755 and 4769)."""

    APPROVED = "approved"
    PENDING = "pending"
    NOT_YET = "approved, not in effect yet"
    REJECTED = "rejected"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, code: object) -> "Review":
        """The state that a code stands for."""
        known = {0: cls.APPROVED, 1: cls.PENDING, 2: cls.NOT_YET, -1: cls.REJECTED}
        number = reading.signed(code)
        return cls.UNKNOWN if number is None else known.get(number, cls.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Deletion:
    """Something was deleted: the provider's words, and when, epoch seconds."""

    status: str
    at_s: int


@dataclass(frozen=True, slots=True)
class Action:
    """One action, and the field of its answer that holds what it did."""

    name: str
    field: str


@dataclass(frozen=True, slots=True)
class Reviewed(Generic[Draft, Listed]):
    """The four actions of one kind of thing; an argument that cannot be right raises `BadInput` before a call is made.

    Attributes:
        noun: What it is called here.
        id_field: The parameter, and the field of an answer, that holds its id.
        added: Its Add action.
        modified: Its Modify action.
        deleted: Its Delete action.
        described: Its Describe…List action.
        ids_field: The parameter of that one which names several ids.
        params: Checks a draft and makes the parameters of it.
        read: Reads one row of a list.
    """

    noun: str
    id_field: str
    added: Action
    modified: Action
    deleted: Action
    described: Action
    ids_field: str
    params: Callable[[Draft], dict[str, object]]
    read: Callable[[Row], Listed]

    def add(self, api: Api, draft: Draft) -> int | Refused | Broken:
        """Hand one in; returns its id."""
        return self._submit(api, self.added, self.params(draft))

    def modify(self, api: Api, identity: int, draft: Draft) -> int | Refused | Broken:
        """Replace one that is not approved yet, or was rejected (line 3606); returns its id.

        Args:
            api: The account.
            identity: Its id.
            draft: All of it anew; `international` cannot change (official SDK, `models.ModifySmsTemplateRequest`).
        """
        return self._submit(api, self.modified, {self.id_field: positive(self.noun, identity), **self.params(draft)})

    def delete(self, api: Api, identity: int) -> Deletion | Refused | Broken:
        """Delete one. Jobs that name it end up refused."""
        row = api.row(self.deleted.name, {self.id_field: positive(self.noun, identity)}, self.deleted.field)
        if not isinstance(row, dict):
            return row
        return Deletion(reading.text(row.get("DeleteStatus")), reading.whole(row.get("DeleteTime")))

    def listed(
        self, api: Api, *, international: bool, ids: Sequence[int] = (), limit: int = IDS_AT_ONCE, offset: int = 0
    ) -> tuple[Listed, ...] | Refused | Broken:
        """Some by their ids, or a page of all; fewer than `limit` means that there are no more.

        For signatures the document (line 3493) knows only the ids; the page is the official SDK's (`models.DescribeSmsSignListRequest`).

        Args:
            api: The account.
            international: Those for global numbers; False for mainland ones.
            ids: At most 100; empty for a page of all.
            limit: Rows in a page, 1 to 100.
            offset: Rows before the page.
        """
        params = {"International": scope(international), **page(self.ids_field, ids, limit=limit, offset=offset)}
        return api.rows(self.described.name, params, self.described.field, self.read)

    def _submit(self, api: Api, action: Action, params: dict[str, object]) -> int | Refused | Broken:
        row = api.row(action.name, params, action.field)
        if not isinstance(row, dict):
            return row
        # The id comes as text or as a number (Tencent SMS API document, lines 4689-4704 and 4786).
        return reading.whole(row.get(self.id_field)) or reading.unreadable(f"{action.field} without a {self.id_field}")
