"""The columns of a campaign file: which of them holds the phone, and one row's values by them."""

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from smsline.counted import counted
from smsline.errors import BadInput, shorten
from smsline.numbers import mask_in

PHONE: Final = "phone"
REF: Final = "ref"
# A line of a million commas is no header.
MOST_COLUMNS: Final = 1_000
# What the phone's column is called where it is not called phone; none that may mean another thing.
_NAMES: Final = """
phone number, phone no, phone nr, phone num, ph no, ph number, telephone, telephone number, telephone no, tel, tel no,
mobile, mobile number, mobile no, mobile phone, mobile phone number, mob no, cell, cell number, cell no, cell phone,
cell phone number, msisdn, number, recipient, to,
Telefon, Telefonnummer, Telefonnr, Rufnummer, Mobil, Mobilnummer, Mobilnr, Mobiltelefon, Mobilfunknummer, Mobilrufnummer,
Handy, Handynummer, Handynr,
téléphone, téléphone portable, téléphone mobile, tél portable, tél mobile, numéro de téléphone, numéro de portable,
numéro de mobile, n téléphone, no de téléphone, n de téléphone, portable, numéro portable,
teléfono, teléfono móvil, teléfono celular, número de teléfono, número de móvil, número de celular, no de teléfono,
n de teléfono, no de celular, no celular, móvil, celular,
cellulare, telefono cellulare, numero di telefono, numero di cellulare, numero cellulare,
telefone, telefone celular, telemóvel, número de telefone, número de telemóvel, número de celular, número do celular,
telefoon, telefoonnummer, telefoonnr, mobiel, mobiel nummer, mobiele nummer, mobiele telefoon, gsm nummer,
numer telefonu, nr telefonu, telefon komórkowy, telefonní číslo, telefónne číslo, mobilní telefon,
telefon numarası, telefon no, cep telefonu, cep telefonu numarası, cep no,
телефон, номер телефона, мобильный, мобильный телефон, номер телефону, мобільний, мобільний телефон,
τηλέφωνο, κινητό, κινητό τηλέφωνο, الهاتف, رقم الهاتف, الجوال, رقم الجوال, الموبايل, رقم الموبايل,
טלפון, מספר טלפון, נייד, טלפון נייד, موبایل, شماره موبایل, تلفن, شماره تلفن, फ़ोन नंबर, मोबाइल, मोबाइल नंबर,
手机, 手机号, 手机号码, 电话, 电话号, 电话号码, 联系电话, 移动电话, 手機, 手機號, 手機號碼, 電話, 電話號碼, 行動電話,
電話番号, 携帯, 携帯番号, 携帯電話, 携帯電話番号, 전화, 전화번호, 휴대폰, 휴대폰번호, 핸드폰, 핸드폰번호, 휴대전화, 휴대전화번호,
số điện thoại, điện thoại, điện thoại di động, โทรศัพท์, เบอร์โทร, เบอร์โทรศัพท์, เบอร์มือถือ,
nomor hp, no hp, nomor ponsel, nomor telepon, nomor telefon, no telepon, no telp, no telefon
"""  # noqa: RUF001 - Turkish has two i

# Bytes that are no text in the file's encoding come as lone surrogates.
HALF: Final = re.compile("[\ud800-\udfff]")

# The reason of a row that has some; the file's reader knows what to say in its place.
NOT_TEXT: Final = "is not text"

_PARAM: Final = re.compile(r"param0?([1-9][0-9]?)")
# Whatever else begins so was meant to be one.
_LIKE_PARAM: Final = re.compile(r"para?ms?(?:eter)?s?[0-9]*")
_DELIMITERS: Final = ",;\t|"
NUMBER: Final = re.compile(r"\+?[0-9][0-9 ().-]{5,}")


# Said of a phone's column besides its name.
_BESIDES: Final = re.compile(r"(?<=.)(?:e164|required|必填|必須)+\Z")


def plain_name(name: str) -> str:
    """A column's name without blanks, punctuation, accents and case; `Phone # (E.164)` is phone."""
    letters = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKD", name.casefold()))
    return _BESIDES.sub("", letters)


# As `plain_name` gives them.
USUAL: Final = frozenset(map(plain_name, (PHONE, *_NAMES.split(","))))


class CsvRow(NamedTuple):
    """One data row.

    Attributes:
        line: The line of the file the row begins on; the header is 1. Quoted values may span lines.
        phone: The number as written, in full; empty when the row is too broken to tell.
        params: `param1…` in order, or None when the file has no such columns.
        ref: The caller's own reference, or empty.
        reason: Why the row cannot be sent, or empty.
        others: What stands in the other columns, in the order of `Columns.ignored`.
    """

    line: int
    phone: str
    params: tuple[str, ...] | None = None
    ref: str = ""
    reason: str = ""
    others: tuple[str, ...] = ()


class Columns(NamedTuple):
    """Where in a row the values are.

    Attributes:
        width: Values a row must have.
        phone: Position of `phone`.
        params: Positions of `param1`, `param2`, … in that order.
        ref: Position of `ref`, or None.
        ignored: Names of the columns that mean nothing to a campaign.
        others: Positions of those.
        headless: The first line is no header but the first row.
    """

    width: int
    phone: int
    params: tuple[int, ...]
    ref: int | None
    ignored: tuple[str, ...]
    others: tuple[int, ...] = ()
    headless: bool = False


def delimiter_of(header: str, phone_column: str = "") -> str:
    """The one by which the first line names the phone.

    Spreadsheets write `;` where a comma is the decimal point.
    """
    wanted = {plain_name(phone_column)} if phone_column else USUAL
    for delimiter in _DELIMITERS:
        cells = next(csv.reader([header], delimiter=delimiter, skipinitialspace=True), [])[:MOST_COLUMNS]
        if any(plain_name(column_name(cell)) in wanted for cell in cells):
            return delimiter
    # The one that it has most of; a header of one column has none, and a comma will do.
    return max(_DELIMITERS, key=header.count)


def read_header(cells: Sequence[str], name: str, phone_column: str = "", *, header: bool = True) -> Columns:
    """Find the columns; their order and case are free.

    Args:
        cells: The first row.
        name: The file, for messages.
        phone_column: The name of the column with the numbers; empty for `phone`, or else the one
            with a usual name.
        header: Whether it must be a header; else it may be the first of a list of numbers.

    Raises:
        BadInput: No column for the phone or several, a name twice, or a gap in `param1, param2, …`.
    """
    # Only where it may be: a campaign's file without a header would lose its
    # first recipient to a guess.
    if not header and cells and NUMBER.fullmatch(cells[0]):
        return Columns(len(cells), 0, (), None, (), headless=True)
    # `Param 1` and `param_01` are param1.
    names = [
        f"param{int(found[1])}" if (found := _PARAM.fullmatch(plain_name(cell))) else cell.casefold() for cell in cells
    ]
    at = {found: position for position, found in enumerate(names) if found}
    if twice := sorted(found for found, count in Counter(names).items() if found and count > 1):
        raise BadInput("file", name, f"the column '{mask_in(twice[0])}' is there twice; remove or rename one")
    phone = _phone_of(at, name, phone_column)
    params = sorted((found for found in at if _PARAM.fullmatch(found)), key=lambda found: int(found[5:]))
    wanted = [f"param{number + 1}" for number in range(len(params))]
    if params != wanted:
        missing = next(want for want in wanted if want not in params)
        raise BadInput("file", name, f"has a column '{params[-1]}' but no '{missing}'; number them from param1 up")
    if odd := next(
        (found for found in at if found not in {phone, *params} and _LIKE_PARAM.fullmatch(plain_name(found))), ""
    ):
        # Passed over, its values would be missing in every text.
        raise BadInput(
            "file", name, f"has a column '{odd}'; call it param1, param2 …, or rename it where it is no param"
        )
    ignored = tuple(found for found in at if found not in {phone, REF, *params})
    return Columns(
        len(names),
        at[phone],
        tuple(at[param] for param in params),
        at.get(REF),
        ignored,
        tuple(at[name] for name in ignored),
    )


def _phone_of(at: Mapping[str, int], name: str, phone_column: str) -> str:
    has = shorten(mask_in(", ".join(at)) or "nothing", 200)
    if phone_column:
        exact = column_name(phone_column).casefold()
        found = [exact] if exact in at else [each for each in at if plain_name(each) == plain_name(phone_column)]
        if len(found) != 1:
            names = mask_in(", ".join(found))
            several = f"may be one of several columns of {name}; write it as it stands there: {names}"
            raise BadInput(
                "--phone-column", phone_column, several if found else f"is no column of {name}; it has: {has}"
            )
        return found[0]
    if PHONE in at:
        return PHONE
    # Two usual names are no reason to take one: `mobile` and `telephone` may be
    # two phones of one person.
    found = [each for each in at if plain_name(each) in USUAL]
    if len(found) > 1:
        raise BadInput(
            "file", name, f"several columns may hold the phone ({', '.join(found)}); say which: --phone-column"
        )
    if not found:
        rule = f"its first line must name a column 'phone'; it has: {has}. --phone-column takes another name"
        raise BadInput("file", name, rule)
    return found[0]


def read_row(cells: Sequence[str], columns: Columns, line: int) -> CsvRow:
    """One row's values by the header's columns.

    A row that cannot be taken apart says why in `reason`.

    Cells that are missing at the end are empty, as spreadsheets leave them out; a param must be
    there.
    """
    width, at, of_params, of_ref, _, of_others, _ = columns  # once: each look by a name costs as much as a cell
    # Spreadsheets leave empty cells at the end out, or add some: neither is a fault while all
    # that is needed is there.
    if len(cells) != width and (len(cells) <= max((at, *of_params)) or any(map(str.strip, cells[width:]))):
        phone = cells[at].strip() if at < len(cells) else ""
        return CsvRow(
            line,
            _text(phone),
            reason=f"has {counted(len(cells), 'value')} where the header names {counted(width, 'column')}",
        )
    phone = cells[at].strip()
    params = tuple([cells[position] for position in of_params]) if of_params else None
    ref = cells[of_ref].strip() if of_ref is not None and of_ref < len(cells) else ""
    if not phone:
        return CsvRow(line, "", reason="phone is empty")
    # Bytes that were no text came as lone surrogates; `isascii` is the quick answer
    # for nearly every cell.
    if not (phone.isascii() and ref.isascii()) or params is not None:
        taken = "".join((phone, ref, *(params or ())))
        if not taken.isascii() and HALF.search(taken):
            return CsvRow(line, _text(phone), reason=NOT_TEXT)
    others = tuple([cells[n].strip() if n < len(cells) else "" for n in of_others]) if of_others else ()
    # As CsvRow(...), without the call within that one: a third of all that is done for a row.
    return tuple.__new__(CsvRow, (line, phone, params, ref, "", others))


def holds_a_row(cells: Sequence[str], columns: Columns, delimiter: str) -> bool:
    """Whether a value of several lines has another row in it, as between two stray quotes."""
    return any(
        len(inner := line.split(delimiter)) > columns.phone and NUMBER.fullmatch(inner[columns.phone].strip('" '))
        for cell in cells
        if "\n" in cell and columns.width > 1
        for line in cell.splitlines()[1:]
    )


def column_name(cell: str) -> str:
    """A column's name without outer blanks, line breaks, unseen marks and full-width forms."""
    # NFKC: a Chinese or Japanese keyboard writes a full-width param1, which looks the same and
    # would be passed over. Errors show names, and what is no sign could command a terminal.
    seen = "".join(
        letter if letter.isprintable() or HALF.match(letter) else " "
        for letter in unicodedata.normalize("NFKC", cell)
        if unicodedata.category(letter) != "Cf"
    )
    return " ".join(seen.replace('"', " ").split())


def _text(value: str) -> str:
    return value.encode("utf-8", "replace").decode()
