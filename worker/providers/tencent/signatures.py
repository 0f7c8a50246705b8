"""Signatures: AddSmsSign, ModifySmsSign, DeleteSmsSign and DescribeSmsSignList."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from smsline.errors import BadInput
from worker.providers import reading
from worker.providers.reading import Row
from worker.providers.tencent.checks import filled, scope
from worker.providers.tencent.facts import ADD_SIGN, DELETE_SIGN, LIST_SIGNS, MODIFY_SIGN
from worker.providers.tencent.reviews import Action, Review, Reviewed

KINDS: Final[Mapping[str, int]] = {
    "company": 0,
    "app": 1,
    "website": 2,
    "official-account": 3,
    "trademark": 4,
    "institution": 5,
    "mini-program": 6,
}
"""What a signature stands for: `SignType` (Tencent SMS API document, line 3243). The mainland site takes company,
trademark and institution alone nowadays (official SDK, `models.AddSmsSignRequest`)."""

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
"""What proves it: `DocumentType` (Tencent SMS API document, line 3244)."""

_PROVES: Final[Mapping[int, frozenset[int]]] = {
    0: frozenset({0, 1}),
    1: frozenset({0, 1, 2, 3, 4}),
    2: frozenset({0, 1, 2, 3, 5}),
    3: frozenset({0, 1, 2, 3, 8}),
    4: frozenset({7}),
    5: frozenset({2, 3}),
    6: frozenset({0, 1, 2, 3, 6}),
}
"""Which documents prove which kind (line 3243); with another the review is bound to fail."""


@dataclass(frozen=True, slots=True)
class Application:
    """A signature as it is handed in for review.

    Attributes:
        name: The signature, without brackets.
        kind: A key of `KINDS`.
        document: A key of `DOCUMENTS` that proves the kind.
        proof: The document's image, as in its file.
        international: For global numbers; False for mainland numbers.
        commission: Image of the power of attorney when the signature belongs to another company; else empty.
        remark: For the reviewer.
        qualification: Id of an approved qualification, which the mainland site asks for (official SDK); 0 for none.
    """

    name: str
    kind: str
    document: str
    proof: bytes = field(repr=False)
    international: bool = False
    commission: bytes = field(default=b"", repr=False)
    remark: str = ""
    qualification: int = 0


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as the provider lists it (Tencent SMS API document, line 4745).

    Attributes:
        id: Its id.
        name: The signature, which jobs name.
        international: Whether it is for global numbers.
        review: What became of it.
        reply: The reviewer's words, mostly why it was rejected.
        created_at_s: When it was handed in, epoch seconds.
    """

    id: int
    name: str
    international: bool
    review: Review
    reply: str
    created_at_s: int


def params_of(application: Application) -> dict[str, object]:
    """The parameters that hand an application in."""
    kind = _known("kind", application.kind, KINDS)
    document = _known("document", application.document, DOCUMENTS)
    if document not in _PROVES[kind]:
        # Found out here: a review takes hours, and would come back with no more than "rejected".
        proofs = ", ".join(name for name, number in DOCUMENTS.items() if number in _PROVES[kind])
        raise BadInput("document", application.document, f"does not prove the kind {application.kind}; {proofs} would")
    if not application.proof:
        raise BadInput("proof", "", "is empty; it must be the image of the document")
    return {
        "SignName": filled("name", application.name),
        "SignType": kind,
        "DocumentType": document,
        "International": scope(application.international),
        # 1 is another company's signature, which a power of attorney proves; without the image it is
        # one's own.
        "SignPurpose": int(bool(application.commission)),
        "ProofImage": base64.b64encode(application.proof).decode(),
        "CommissionImage": base64.b64encode(application.commission).decode(),
        # Optional for signatures, and `Api.ask` leaves an empty one out.
        "Remark": application.remark.strip(),
        "QualificationId": application.qualification or None,
    }


def _known(field_name: str, value: str, known: Mapping[str, int]) -> int:
    if value not in known:
        raise BadInput(field_name, value, f"must be one of {', '.join(known)}")
    return known[value]


def read_signature(row: Row) -> Signature:
    """A row of DescribeSmsSignList."""
    return Signature(
        id=reading.whole(row.get("SignId")),
        name=reading.text(row.get("SignName")),
        international=reading.signed(row.get("International")) == 1,
        review=Review.of(row.get("StatusCode")),
        reply=reading.text(row.get("ReviewReply")),
        created_at_s=reading.whole(row.get("CreateTime")),
    )


SIGNATURES: Final[Reviewed[Application, Signature]] = Reviewed(
    noun="signature",
    id_field="SignId",
    added=Action(ADD_SIGN, "AddSignStatus"),
    modified=Action(MODIFY_SIGN, "ModifySignStatus"),
    deleted=Action(DELETE_SIGN, "DeleteSignStatus"),
    described=Action(LIST_SIGNS, "DescribeSignListStatusSet"),
    ids_field="SignIdSet",
    params=params_of,
    read=read_signature,
)
