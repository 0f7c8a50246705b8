"""The fields of a request at SMSPartner, from a POST's JSON or a GET's query.

A refusal has the provider's words.
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from worker.sandbox.numbers import normalise
from worker.sandbox.wire import Request

# What the sandbox says to a code; the real words are French too, and a client must go by the code
# alone.
WORDS: Final[Mapping[int, str]] = {
    1: "La cle API est requise",
    2: "Le numero de telephone est requis",
    3: "L'ID du message est requis",
    4: "Message introuvable",
    5: "La liste des numeros est vide",
    6: "Le format n'est pas correct",
    7: "Vous ne pouvez pas annuler un SMS deja envoye",
    9: "Au moins une contrainte n'a pas ete respectee",
    10: "Cle API incorrecte",
    19: "Les numeros doivent etre separes par une virgule",
    42: "Un SMS Low Cost a 160 caracteres au maximum",
    44: "L'emetteur n'est pas valide",
    50: "Le nombre de numeros est de 500 au maximum",
    52: "Un SMS a 10 parties au maximum",
    55: "Aucun numero",
    90: "Le JSON est mal forme",
    429: "Trop de requetes",
}

_NATIONAL: Final = re.compile(r"0([1-9][0-9]{8})")
_FRANCE: Final = "+33"


class Complaint(Struct, frozen=True, rename="camel"):
    """One field that did not pass the check of code 9."""

    element_id: str
    message: str


class CallRefusal(Struct, frozen=True):
    """Why a call is refused.

    Attributes:
        code: The provider's.
        complaints: For code 9, the fields.
        status: HTTP status.
    """

    code: int
    complaints: tuple[Complaint, ...] = ()
    status: int = 400


def complaint(field: str, message: str) -> Complaint:
    """A field and what is wrong with it."""
    return Complaint(f"children[{field}].data", message)


def fields_of(request: Request) -> dict[str, Any] | CallRefusal:
    """The request's fields: of a POST's JSON object, or of a GET's query."""
    if request.method == "GET":
        return dict(parse_qsl(request.query, keep_blank_values=True))
    try:
        found = msgspec.json.decode(request.body)
    except ValueError:  # msgspec's errors are ValueErrors
        return CallRefusal(90)
    return found if isinstance(found, dict) else CallRefusal(90)


def number_of(spelled: object) -> int | None:
    """The E.164 integer of `+33…`, `0033…`, `33…`, or national French `06…`."""
    if not isinstance(spelled, str):
        return None
    # Spaces, dots and dashes are how French numbers are written on paper.
    digits = re.sub(r"[\s.-]", "", spelled)
    if national := _NATIONAL.fullmatch(digits):
        return normalise(_FRANCE + national[1])
    # Without any sign it is taken to be international: only French numbers have a national spelling
    # here.
    return normalise("+" + digits.removeprefix("+").removeprefix("00"))


def whole(value: object) -> int | None:
    """A number written as one or as digits; None for what is neither."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
