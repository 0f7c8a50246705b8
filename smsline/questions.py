"""What producers and people ask of a provider.

It is a question in the ledger, which a worker with the account answers.

Only workers have a provider's keys. They ask under the limit of the action, so that questions take
nothing away from sends.
"""

import json
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, TypedDict

from smsline.errors import BadInput, NotFound, SmslineError
from smsline.ledger import accounts
from smsline.ledger.jobs import ResultReader, iso, status_of
from smsline.ledger.keys import Keys
from smsline.ledger.link import clock_ms
from smsline.ledger.serial_index import serial_place
from smsline.ledger.serials import DAYS_BACK
from smsline.ledger.talk import Command, Talk, ask
from smsline.numbers import mask

# The question by which a conversion is told; what else can be asked is named where it is.
CONVERSION: Final = "conversion"

LOOK_S: Final = 0.05
ANSWER_KEPT_S: Final = 60
# For so long a conversion is tried to be told, while the provider or the workers are away.
REPORT_KEPT_S: Final = 86_400

MOST_NUMBERS: Final = 200
PAGE: Final = 100
MOST_CONVERTED: Final = 1_000

MADE: Final = re.compile(r"[0-9a-z]{18}")
"""As `new_job_id` makes them; a serial of a provider that can be told has a colon."""


class NumberInfo(TypedDict):
    """A number as the provider reads it; `ok` is False for one that it cannot.

    `country` is ISO 3166.
    """

    phone: str
    ok: bool
    code: str
    message: str
    calling_code: str
    subscriber: str
    country: str
    country_name: str


class TemplateInfo(TypedDict):
    """A template at the provider.

    `review` is approved, pending, rejected, or what else it says, and `reply` why.
    """

    id: int
    name: str
    content: str
    international: str
    review: str
    reply: str
    created_at: str | None


class SignatureInfo(TypedDict):
    """A signature at the provider; see `TemplateInfo`."""

    id: int
    name: str
    international: bool
    review: str
    reply: str
    created_at: str | None


def account_that_answers(keys: Keys, what: str, account: str) -> Talk[str]:
    """The account that a question goes to.

    The one that is named, or the only one whose provider answers it, by what its adapter told the
    workers (`AnswerProvider.questions`).

    Raises:
        BadInput: It cannot be asked, or there are several.
        NotFound: There is none.
    """
    can = yield from accounts.that_answer(keys, what)
    if account and account not in can:
        raise BadInput("account", account, f"cannot be asked; these can: {', '.join(can) or 'none'}")
    if not account and len(can) > 1:
        raise BadInput("account", "", f"must be given, as several can be asked: {', '.join(can)}")
    if not can:
        raise NotFound(f"no account can be asked about {what}; a worker with one whose provider can be must have run")
    return account or can[0]


def question(keys: Keys, account: str, what: str, args: Mapping[str, object], *, timeout_s: float) -> Talk[list[Any]]:
    """Ask, and wait for the rows of the answer.

    Raises:
        BadInput: The provider's rules refuse a value.
        SmslineError: The provider refused, with its code and words.
        TimeoutError: No worker has answered in time.
    """
    name = secrets.token_hex(8)
    yield from _leave(keys, [(account, name, what, args)], keep_s=int(timeout_s) + ANSWER_KEPT_S)
    until_s = time.monotonic() + timeout_s
    while True:
        (held,) = yield from ask(("GET", keys.answer(name)))
        if held is not None:
            answer = json.loads(held)
            if bad := answer.get("bad"):
                raise BadInput(*bad)
            if code := answer.get("code"):
                raise SmslineError(f"account {account}: the provider refuses with {code}: {answer.get('message', '')}")
            rows: list[Any] = answer["rows"]
            return rows
        if time.monotonic() >= until_s:
            # The caller waits no more, so it need not be asked.
            yield from ask(("DEL", keys.question(name)), ("ZREM", keys.questions_due, f"{account} {name}"))
            raise TimeoutError(f"no worker with the account {account} has answered within {timeout_s:g} s")
        yield LOOK_S


def _leave(keys: Keys, asked: Sequence[tuple[str, str, str, Mapping[str, object]]], *, keep_s: int) -> Talk[None]:
    """Write questions down: account, name, what, and its arguments."""
    (told,) = yield from ask(("TIME",))
    now_ms = clock_ms(told)
    commands = list[Command]()
    for account, name, what, args in asked:
        # The question before its place in the due set: a worker that finds the
        # place finds the question.
        commands.append(("SET", keys.question(name), json.dumps({"what": what, "args": args}), "EX", keep_s))
        commands.append(("ZADD", keys.questions_due, now_ms, f"{account} {name}"))
    yield from ask(*commands)


def number_info(keys: Keys, phones: Sequence[str], account: str, timeout_s: float) -> Talk[list[NumberInfo]]:
    """What the provider makes of numbers.

    Raises:
        BadInput: None, too many, or text that is no number.
    """
    if isinstance(phones, str) or not 1 <= len(phones) <= MOST_NUMBERS:
        raise BadInput(
            "phones", "text" if isinstance(phones, str) else len(phones), f"must be 1 to {MOST_NUMBERS} numbers"
        )
    # Odd spellings are let through, for how the provider reads them is the
    # question; letters never are.
    for phone in phones:
        digits = phone.removeprefix("+")
        if not (digits.isascii() and digits.isdecimal() and 5 <= len(digits) <= 20):
            raise BadInput("phones", mask(phone), "must be digits, with or without a + before them")
    account = yield from account_that_answers(keys, "numbers", account)
    return (yield from question(keys, account, "numbers", {"phones": list(phones)}, timeout_s=timeout_s))


def reviewed(keys: Keys, what: str, *, international: bool, account: str, timeout_s: float) -> Talk[list[Any]]:
    """All templates or signatures of an account, page by page."""
    account = yield from account_that_answers(keys, what, account)
    found: list[Any] = []
    while True:
        # Each page is a question of its own, under the provider's limit, and
        # perhaps another worker's.
        args = {"international": international, "offset": len(found)}
        page = yield from question(keys, account, what, args, timeout_s=timeout_s)
        for row in page:
            row["created_at"] = iso(row.pop("created_at_s") * 1000)
        found += page
        if len(page) < PAGE:
            return found


def converted(keys: Keys, job_or_serial: str, *, at: float | None, account: str) -> Talk[int]:
    """Have it told to the provider that the code of a message was typed in.

    Returns of how many messages.

    Raises:
        BadInput: The time cannot be one, or the job has too many recipients.
        NotFound: No message of it, or with that serial, is known.
    """
    if not job_or_serial.strip():
        raise BadInput("job_or_serial", job_or_serial, "is empty")
    if at is not None and at <= 0:
        raise BadInput("at", at, "must be epoch seconds")
    (told,) = yield from ask(("TIME",))
    now_s = int(clock_ms(told)) // 1000
    at_s = now_s if at is None else int(at)
    status = yield from status_of(keys, job_or_serial)
    if status is not None and status["counts"]["total"] > MOST_CONVERTED:
        raise BadInput(
            "job_or_serial", job_or_serial, f"is a job of more than {MOST_CONVERTED:,} recipients; give serials"
        )
    sent = (yield from _sent_of(keys, job_or_serial)) if status else []
    if status is None:
        # Handed on as a serial, the id of a job that is kept no more would be refused by the
        # provider, in a log alone.
        if not account and MADE.fullmatch(job_or_serial):
            raise NotFound(f"there is no job {job_or_serial} (any more); its messages are reported by their serials")
        sent = [((yield from _account_of(keys, job_or_serial, account, today=now_s // 86_400)), job_or_serial)]
    if not sent:
        raise NotFound(f"job {job_or_serial} has no message that was taken by an account which is told of conversions")
    yield from _leave(
        keys,
        # The same name for the same message: told twice in a row, it is one report.
        [
            (name, blake2b(serial.encode(), digest_size=12).hexdigest(), CONVERSION, {"serial": serial, "at_s": at_s})
            for name, serial in sent
        ],
        keep_s=REPORT_KEPT_S,
    )
    return len(sent)


def _sent_of(keys: Keys, job: str) -> Talk[list[tuple[str, str]]]:
    """Account and serial of each message of a job that a provider which answers has taken."""
    reader = ResultReader(keys, job)
    yield from reader.open()
    can, sent = (yield from accounts.that_answer(keys, CONVERSION)), []
    for page in reader.block_pages():
        rows = yield from page
        sent += [(account, row["serial"]) for _, account, row in rows if row["serial"] and account in can]
    return sent


def _account_of(keys: Keys, serial: str, account: str, *, today: int) -> Talk[str]:
    """The account of a bare serial: the named one, or the only one, else the one that indexed it.

    Where there are several, serials of lane otp are indexed for some days (`worker.contexts`). From
    others nothing leads to the account.

    Raises:
        BadInput: It cannot be asked; or there are several, and none has it in its index.
        NotFound: There is none.
    """
    can = yield from accounts.that_answer(keys, CONVERSION)
    if account or len(can) <= 1:
        return (yield from account_that_answers(keys, CONVERSION, account))
    shard, field = serial_place(serial)
    places = [(name, day) for name in can for day in range(today + 1, today - DAYS_BACK - 1, -1)]
    held = yield from ask(*(("HGET", keys.index(name, day, shard), field) for name, day in places))
    if of := next((name for (name, _), value in zip(places, held, strict=True) if value), ""):
        return of
    rule = f"is the serial of no code that was sent lately; give its job, or the account: {', '.join(can)}"
    raise BadInput("job_or_serial", serial, rule)
