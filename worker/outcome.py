"""What a provider's answer means: an answer and the recipients of its call go in, one `Outcome` comes out. Pure: nothing is done here."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from smsline.codes import Match, lookup, wait_s
from smsline.ledger.attempts import NO_DELAY, Mark, Verdicts
from smsline.ledger.lines import Group
from smsline.states import State
from smsline.verdicts import Scope, Verdict
from worker import meanings
from worker.providers.base import Answer, Broken, Item, Refused, Sent

BACKOFF_FIRST_S: Final = 1.0
BACKOFF_MOST_S: Final = 600.0
SHUT_S: Final = 1.0
"""For how long a bucket is closed when the provider says "too many" and not for how long."""

TRIES: Final = 0x7F
RESENT: Final = 0x80
"""Bits of a recipient's attempts byte: how many calls, and whether one was made although an earlier one may have gone out."""

OPT_OUT_REASON: Final = "optout_list"
OPT_OUT_CODES: Final = frozenset({("tencent", "FailedOperation.PhoneNumberInBlacklist"), ("smspartner", "14")})
"""Codes by which a provider says that the recipient does not want to be texted; receipts say it by their reason."""

CALL_SCOPES: Final = frozenset({Scope.ACCOUNT, Scope.TEMPLATE})
BUCKET_SCOPES: Final = frozenset({Scope.ACCOUNT, Scope.PROVIDER, Scope.REQUEST})
LINE_SCOPES: Final = frozenset({Scope.TEMPLATE, Scope.CONTENT})
PARTLY_PARKED_S: Final = 60.0
"""When a recipient is tried again whose call parked only a part of its recipients; it costs no try."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What an operator must mend, as the provider said it."""

    scope: Scope
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Policy:
    """What decides besides the code.

    Attributes:
        provider: Whose codes these are.
        retry_max: Counted tries after the first.
        now_s: The present, epoch seconds, for codes that hold until an hour or a day.
        chance: Uniform numbers from 0 to 1, for the jitter; one for a call, so that its recipients come back together.
    """

    provider: str
    retry_max: int
    now_s: float
    chance: Callable[[], float] = random.random


@dataclass(slots=True)
class Outcome:
    """What is to be written and done after a call.

    Attributes:
        verdicts: The new state of every recipient.
        shut_s: For how long the action's bucket is closed; 0 not at all.
        hold_s: For how long the line is held, because its template may not be sent now; 0 not at all.
        park: What parks the account or the template, or None.
        worked: Whether the provider took at least one recipient.
        unknown_codes: Codes that no table knows.
        opted_out: Numbers whose owners do not want to be texted.
    """

    verdicts: list[Verdicts] = field(default_factory=list)
    shut_s: float = 0.0
    hold_s: float = 0.0
    park: Trouble | None = None
    worked: bool = False
    unknown_codes: list[str] = field(default_factory=list)
    opted_out: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Word:
    """The provider's word on one recipient."""

    match: Match
    code: str
    message: str = ""
    delay_s: float | None = None
    serial: str = ""
    fee: int = 0

    @property
    def verdict(self) -> Verdict:
        return self.match.row.verdict


def decide(answer: Answer, groups: Sequence[Group], policy: Policy) -> Outcome:
    """What a call came to.

    Args:
        answer: What the adapter returned.
        groups: The recipients of the call.
        policy: What decides besides the code.
    """
    words, chance = _words(answer, groups, policy.provider), policy.chance()
    policy = replace(policy, chance=lambda: chance)
    outcome = Outcome(worked=any(word.verdict is Verdict.OK for word in words.values()))
    outcome.unknown_codes = sorted({word.code for word in words.values() if word.match.how in {"family", "unknown"}})
    outcome.opted_out = [
        number
        for number, word in words.items()
        if (policy.provider, word.code) in OPT_OUT_CODES and not _ambiguous(answer, word, groups)
    ]
    all_parked = bool(words) and all(
        word.verdict is Verdict.PARK and word.match.row.scope in CALL_SCOPES for word in words.values()
    )
    if all_parked:
        outcome.park = _trouble(words)
    outcome.shut_s = _longest_s(words.values(), BUCKET_SCOPES, policy)
    outcome.hold_s = _longest_s(words.values(), LINE_SCOPES, policy)
    for group in groups:
        marks = [
            _alone(position, words[number])
            if _ambiguous(answer, words[number], groups)
            else _mark(position, words[number], tries & TRIES, policy, parked=all_parked)
            for position, number, tries in zip(group.positions, group.numbers, group.attempts, strict=True)
        ]
        outcome.verdicts.append(Verdicts(group.entry, marks))
    return outcome


def _words(answer: Answer, groups: Sequence[Group], provider: str) -> dict[int, _Word]:
    numbers = [number for group in groups for number in group.numbers]
    if isinstance(answer, Sent):
        items = {item.number: item for item in answer.items}
        missing = _Word(lookup("smsline", "local", "http.NoItem"), "http.NoItem")
        return {number: _item_word(items[number], provider) if number in items else missing for number in numbers}
    if isinstance(answer, Refused):
        word = _Word(meanings.of_send(provider, answer.code), answer.code, answer.message, answer.delay_s)
    else:
        word = _Word(lookup("smsline", "local", answer.code), answer.code, answer.detail)
        word = _certain(word, answer)
    return dict.fromkeys(numbers, word)


def _certain(word: _Word, broken: Broken) -> _Word:
    """The adapter knows best whether the request can have left; a table row must not turn doubt into certainty."""
    if broken.maybe_sent == (word.verdict is Verdict.UNSURE):
        return word
    stand_in = "http.ReadTimeout" if broken.maybe_sent else "http.ConnectError"
    return _Word(lookup("smsline", "local", stand_in), broken.code, broken.detail)


def _item_word(item: Item, provider: str) -> _Word:
    match = meanings.of_taken(provider) if item.ok else meanings.of_send(provider, item.code)
    return _Word(match, "" if item.ok else item.code, item.message, serial=item.serial if item.ok else "", fee=item.fee)


def _trouble(words: dict[int, _Word]) -> Trouble:
    word = next(iter(words.values()))
    scopes = {word.match.row.scope for word in words.values()}
    return Trouble(Scope.ACCOUNT if Scope.ACCOUNT in scopes else Scope.TEMPLATE, word.code, word.message)


def _wait_s(word: _Word, policy: Policy) -> float | None:
    """How long the provider asks to wait: in its answer, else by its code; None when it does not say."""
    if word.delay_s is not None:
        return word.delay_s
    return wait_s(word.match.row, now_s=policy.now_s, message=word.message)


def _throttle_s(word: _Word, policy: Policy) -> float:
    return (_wait_s(word, policy) or SHUT_S) if word.verdict is Verdict.THROTTLE else 0.0


def _longest_s(words: Iterable[_Word], scopes: frozenset[Scope], policy: Policy) -> float:
    """How long the throttles of these scopes ask to wait, at most."""
    return max((_throttle_s(word, policy) for word in words if word.match.row.scope in scopes), default=0.0)


def _ambiguous(answer: Answer, word: _Word, groups: Sequence[Group]) -> bool:
    """One bad recipient made the provider refuse a whole call: each must be tried alone to find out which.

    Where each number brings its own params, it may as well be one bad text.
    """
    differ = word.match.row.scope is Scope.CONTENT and any(group.own_params for group in groups)
    return (
        isinstance(answer, Refused)
        and sum(len(group.numbers) for group in groups) > 1
        and word.verdict in {Verdict.DEAD, Verdict.REROUTE, Verdict.THROTTLE}
        and (differ or word.match.row.scope is Scope.RECIPIENT)
    )


def _mark(position: int, word: _Word, tries: int, policy: Policy, *, parked: bool) -> Mark:
    match word.verdict:
        case Verdict.OK:
            mark = Mark(position, State.ACCEPTED, serial=word.serial, fee=word.fee)
        case Verdict.UNSURE:
            mark = Mark(position, State.UNSURE, word.code)
        case Verdict.THROTTLE:
            later_s = _wait_s(word, policy) if word.match.row.scope is Scope.RECIPIENT else None
            mark = Mark(
                position,
                State.WAITING,
                word.code,
                counted=False,
                delay_ms=NO_DELAY if later_s is None else later_s * 1000,
            )
        case Verdict.PARK if parked:
            mark = Mark(position, State.WAITING, word.code, counted=False)
        case Verdict.PARK:
            mark = Mark(position, State.WAITING, word.code, counted=False, delay_ms=PARTLY_PARKED_S * 1000)
        case Verdict.RETRY:
            mark = _retry(position, word, tries, policy)
        case _:
            mark = Mark(position, State.DEAD, word.code)
    return mark


def _alone(position: int, word: _Word) -> Mark:
    return Mark(position, State.WAITING, word.code, counted=False, delay_ms=0.0, alone=True)


def _retry(position: int, word: _Word, tries: int, policy: Policy) -> Mark:
    if tries + 1 > policy.retry_max:
        return Mark(position, State.DEAD, word.code)
    fixed_s = _wait_s(word, policy)
    later_s = fixed_s if fixed_s is not None else backoff_s(tries, policy.chance())
    return Mark(position, State.WAITING, word.code, delay_ms=later_s * 1000)


def backoff_s(tries: int, chance: float) -> float:
    """Full jitter: anything from nothing to 1 s doubled for every try so far, at most 10 minutes."""
    return chance * min(BACKOFF_MOST_S, BACKOFF_FIRST_S * 2.0 ** min(tries, 30))
