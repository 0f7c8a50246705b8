"""Templates and signatures, which are handed in for review.

Both have the same four actions, Add…, Modify…, Delete… and Describe…List: what differs is a row of
`Reviewed` and a draft's parameters.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from functools import partial
from typing import Annotated, Final, Generic, TypeVar

from smsline.errors import BadInput
from worker.providers.adapter import Adapter
from worker.providers.base import Broken, Refused
from worker.providers.reading import Row, held, signed, text, unreadable, whole
from worker.providers.tencent import facts
from worker.providers.tencent.questions import filled, positive

MadeOf = TypeVar("MadeOf")
Listed = TypeVar("Listed")

# Ids, or rows, in one list (Tencent SMS API document, lines 3493 and 4442; the official SDK's
# models say the same).
IDS_AT_ONCE: Final = facts.ROWS_PER_PAGE


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
        known: dict[int | None, Review] = {0: cls.APPROVED, 1: cls.PENDING, 2: cls.NOT_YET, -1: cls.REJECTED}
        return known.get(signed(code), cls.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Deletion:
    """Something was deleted: the provider's words, and when, epoch seconds."""

    status: Annotated[str, text, "DeleteStatus"]
    at_s: Annotated[int, whole, "DeleteTime"]


class Kind(IntEnum):
    """What a template is for: `SmsType` (line 4195); its 0 is not offered to new ones."""

    # 0, the regular kind, can still be handed in, and the document advises against it.
    MARKETING = 1
    NOTIFICATION = 2
    OTP = 3


@dataclass(frozen=True, slots=True)
class Draft:
    """A template as it is handed in for review, its text with {1}, {2} … for the params.

    The remark tells the reviewer why it is asked for; the provider requires one.
    """

    name: str
    content: str
    kind: Kind
    international: bool
    remark: str

    def params(self) -> dict[str, object]:
        """The parameters that hand it in."""
        return {
            "TemplateName": filled("name", self.name),
            "TemplateContent": filled("content", self.content),
            "SmsType": int(self.kind),
            "International": int(self.international),
            # Required, other than a signature's (document, line 4197).
            "Remark": filled("remark", self.remark),
        }


# `International`: the document has no 3; the official SDK does.
_WHERE: Final[Mapping[int | None, str]] = {0: "mainland", 1: "global", 3: "both"}


@dataclass(frozen=True, slots=True)
class Template:
    """A template as the provider lists it (Tencent SMS API document, line 4760).

    The reply is the reviewer's words, mostly why it was rejected.
    """

    id: Annotated[int, whole, "TemplateId"]
    name: Annotated[str, text, "TemplateName"]
    content: Annotated[str, partial(text, longest=4096), "TemplateContent"]
    international: Annotated[str, lambda code: _WHERE.get(signed(code), ""), "International"]
    review: Annotated[Review, Review.of, "StatusCode"]
    reply: Annotated[str, text, "ReviewReply"]
    created_at_s: Annotated[int, whole, "CreateTime"]


# What a signature stands for: `SignType` (Tencent SMS API document, line 3243). The mainland site
# takes company, trademark and institution alone nowadays (official SDK,
# `models.AddSmsSignRequest`).
KINDS: Final[Mapping[str, int]] = {
    "company": 0,
    "app": 1,
    "website": 2,
    "official-account": 3,
    "trademark": 4,
    "institution": 5,
    "mini-program": 6,
}

# What proves it: `DocumentType` (Tencent SMS API document, line 3244).
DOCUMENTS: Final[Mapping[str, int]] = {
    "three-in-one": 0,
    "business-license": 1,
    "organization-code": 2,
    "social-credit-code": 3,
    "app-screenshot": 4,
    "icp-screenshot": 5,
    "mini-program-screenshot": 6,
    "trademark-certificate": 7,
    "official-account-screenshot": 8,
}

# Which documents prove which kind (line 3243); with another the review is bound to fail.
_PROVES: Final[Mapping[int, frozenset[int]]] = {
    0: frozenset({0, 1}),
    1: frozenset({0, 1, 2, 3, 4}),
    2: frozenset({0, 1, 2, 3, 5}),
    3: frozenset({0, 1, 2, 3, 8}),
    4: frozenset({7}),
    5: frozenset({2, 3}),
    6: frozenset({0, 1, 2, 3, 6}),
}


@dataclass(frozen=True, slots=True)
class Application:
    """A signature as it is handed in for review.

    Attributes:
        name: The signature, without brackets.
        kind: A key of `KINDS`.
        document: A key of `DOCUMENTS` that proves the kind.
        proof: The document's image, as in its file.
        international: For global numbers; False for mainland numbers.
        commission: Image of the power of attorney for another company's signature; else empty.
        remark: For the reviewer.
        qualification: Id of one that the mainland site has approved (official SDK); 0 for none.
    """

    name: str
    kind: str
    document: str
    proof: bytes = field(repr=False)
    international: bool = False
    commission: bytes = field(default=b"", repr=False)
    remark: str = ""
    qualification: int = 0

    def params(self) -> dict[str, object]:
        """The parameters that hand it in."""
        for name, value, known in (("kind", self.kind, KINDS), ("document", self.document, DOCUMENTS)):
            if value not in known:
                raise BadInput(name, value, f"must be one of {', '.join(known)}")
        kind, document = KINDS[self.kind], DOCUMENTS[self.document]
        if document not in _PROVES[kind]:
            # Found out here: a review takes hours, and would come back with no more than
            # "rejected".
            proofs = ", ".join(name for name, number in DOCUMENTS.items() if number in _PROVES[kind])
            raise BadInput("document", self.document, f"does not prove the kind {self.kind}; {proofs} would")
        if not self.proof:
            raise BadInput("proof", "", "is empty; it must be the image of the document")
        return {
            "SignName": filled("name", self.name),
            "SignType": kind,
            "DocumentType": document,
            "International": int(self.international),
            # 1 is another company's signature, which a power of attorney proves; without the image
            # it is one's own.
            "SignPurpose": int(bool(self.commission)),
            "ProofImage": base64.b64encode(self.proof).decode(),
            "CommissionImage": base64.b64encode(self.commission).decode(),
            "Remark": self.remark.strip(),
            "QualificationId": self.qualification or None,
        }


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as the provider lists it (Tencent SMS API document, line 4745)."""

    id: Annotated[int, whole, "SignId"]
    name: Annotated[str, text, "SignName"]
    international: Annotated[bool, lambda code: signed(code) == 1, "International"]
    review: Annotated[Review, Review.of, "StatusCode"]
    reply: Annotated[str, text, "ReviewReply"]
    created_at_s: Annotated[int, whole, "CreateTime"]


@dataclass(frozen=True, slots=True)
class Reviewed(Generic[MadeOf, Listed]):
    """The four actions of one kind of thing.

    What cannot be right raises `BadInput` before a call is made.

    Attributes:
        noun: What it is called here.
        id_field: The parameter, and the field of an answer, of its id; with `Set` that of several.
        add_action: The action and the field of its answer; so are the next three.
        params: Checks a draft and makes the parameters of it.
        listed_as: A row of the list.
    """

    noun: str
    id_field: str
    add_action: tuple[str, str]
    modify_action: tuple[str, str]
    delete_action: tuple[str, str]
    list_action: tuple[str, str]
    params: Callable[[MadeOf], dict[str, object]]
    listed_as: type[Listed]

    def add(self, provider: Adapter, draft: MadeOf) -> int | Refused | Broken:
        """Hand one in; returns its id."""
        return self._submit(provider, self.add_action, self.params(draft))

    def modify(self, provider: Adapter, identity: int, draft: MadeOf) -> int | Refused | Broken:
        """Replace one that is not approved yet, or was rejected (line 3606); returns its id.

        All of it is given anew; `international` cannot change (official SDK,
        `models.ModifySmsTemplateRequest`).
        """
        params = {self.id_field: positive(self.noun, identity), **self.params(draft)}
        return self._submit(provider, self.modify_action, params)

    def delete(self, provider: Adapter, identity: int) -> Deletion | Refused | Broken:
        """Delete one. Jobs that name it end up refused."""
        action, done = self.delete_action
        return provider.one(action, {self.id_field: positive(self.noun, identity)}, Deletion, done)

    def listed(
        self, provider: Adapter, *, international: bool, ids: Sequence[int] = (), offset: int = 0
    ) -> tuple[Listed, ...] | Refused | Broken:
        """At most 100 by their ids, or the page of all behind `offset`; a short page is the last.

        For signatures the document (line 3493) knows only the ids; the page is the official SDK's
        (`models.DescribeSmsSignListRequest`).
        """
        ids_field, (action, rows) = f"{self.id_field}Set", self.list_action
        if len(ids) > IDS_AT_ONCE:
            raise BadInput(ids_field, len(ids), f"at most {IDS_AT_ONCE} at once")
        if offset < 0:
            raise BadInput("offset", offset, "must be 0 or more")
        # Limit and Offset count only where the list of ids is empty (document, lines 4441-4442), so
        # one of the two is sent.
        wanted: dict[str, object] = {ids_field: [positive(ids_field, one) for one in ids]}
        if not ids:
            wanted = {"Limit": IDS_AT_ONCE, "Offset": offset}
        return provider.several(action, {"International": int(international), **wanted}, self.listed_as, rows)

    def _submit(self, provider: Adapter, action: tuple[str, str], params: dict[str, object]) -> int | Refused | Broken:
        def read(row: Row) -> int | Broken:
            found = held(row, action[1], dict)
            if isinstance(found, Broken):
                return found
            # The id comes as text or as a number (Tencent SMS API document, lines 4689-4704 and
            # 4786).
            return whole(found.get(self.id_field)) or unreadable(f"{action[1]} without a {self.id_field}")

        return provider.manage(action[0], params, read)


TEMPLATES: Final[Reviewed[Draft, Template]] = Reviewed(
    "template",
    "TemplateId",
    (facts.ADD_TEMPLATE, "AddTemplateStatus"),
    (facts.MODIFY_TEMPLATE, "ModifyTemplateStatus"),
    (facts.DELETE_TEMPLATE, "DeleteTemplateStatus"),
    (facts.LIST_TEMPLATES, "DescribeTemplateStatusSet"),
    Draft.params,
    Template,
)
SIGNATURES: Final[Reviewed[Application, Signature]] = Reviewed(
    "signature",
    "SignId",
    (facts.ADD_SIGN, "AddSignStatus"),
    (facts.MODIFY_SIGN, "ModifySignStatus"),
    (facts.DELETE_SIGN, "DeleteSignStatus"),
    (facts.LIST_SIGNS, "DescribeSignListStatusSet"),
    Application.params,
    Signature,
)
