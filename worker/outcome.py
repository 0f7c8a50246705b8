"""The decision: what a provider's answer means for each recipient of its call, and for the account.

Pure. What needs Redis, such as which account is next, is a mark in the outcome that
`worker.sending` acts on: a known answer must never depend on a read that can fail.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, cast

from config.providers import facts_of
from smsline.codes import Match, for_send, for_taken, lookup, wait_s
from smsline.ledger.attempts import NO_DELAY, EntryResults, RecipientResult, Taken
from smsline.ledger.batch_queues import CallGroup
from smsline.states import State
from smsline.verdicts import Scope, Verdict
from worker.providers.base import Answer, Broken, Item, Refused, Sent

BACKOFF_FIRST_S: Final = 1.0
BACKOFF_MOST_S: Final = 600.0
# For how long a bucket is closed when the provider says "too many" and not for how long.
SHUT_S: Final = 1.0

TRIES: Final = 0x7F
# Bits of a recipient's attempts byte: how many calls, and whether one was made although an earlier
# one may have gone out.
RESENT: Final = 0x80

SMALLER: Final = 4
"""Into so many calls a refused one is split, again and again, until the recipient that spoilt it is alone: one among 200 is found with 18
calls, and two rounds fewer than by halves."""

CALL_SCOPES: Final = frozenset({Scope.ACCOUNT, Scope.PROCESS, Scope.REGION, Scope.TEMPLATE, Scope.CONTENT})
BUCKET_SCOPES: Final = frozenset({Scope.ACCOUNT, Scope.PROVIDER, Scope.REQUEST})
# Scopes of a retry that is the provider's fault alone; a whole call of them counts against the
# account.
FAILING_SCOPES: Final = frozenset({Scope.ACCOUNT, Scope.PROVIDER})

FAULT_SCOPES: Final = frozenset({Scope.REQUEST, Scope.CONTENT})
"""Scopes of a refusal that meets every call of a job alike."""

QUEUE_SCOPES: Final = frozenset({Scope.TEMPLATE, Scope.CONTENT})
# When a recipient is tried again whose call parked only a part of its recipients; it costs no try.
PARTLY_PARKED_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """What an operator must mend, as the provider said it."""

    scope: Scope
    code: str
    message: str


class Place(NamedTuple):
    """Where in its candidates a number is.

    Attributes:
        before: How many accounts it has been to before this one.
        more: Whether any is left.
    """

    before: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """What decides besides the code.

    Attributes:
        provider: Whose codes these are.
        retry_max: Counted tries after the first, at each account.
        now_s: The present, epoch seconds, for codes that hold until an hour or a day.
        chance: Uniform numbers from 0 to 1, for the jitter; one for a call, so that its recipients come back together.
        place: Where in its candidates a number is; by the settings alone.
        trial: Whether the call was made to find out if the account works again; one that fails uses up no try.
    """

    provider: str
    retry_max: int
    now_s: float
    chance: Callable[[], float] = random.random
    place: Callable[[int], Place] = lambda _number: Place()
    trial: bool = False


@dataclass(slots=True)
class Outcome:
    """What is to be written and done after a call.

    Attributes:
        entries: The new state of every recipient.
        shut_s: For how long the action's bucket is closed; 0 not at all.
        hold_s: For how long the batch queue is held, because its template may not be sent now; 0 not at all.
        park: What parks the account, one side of it, or the template, or None.
        machine: What keeps this machine from the account, while others may go on with it, or None.
        worked: Whether the provider took at least one recipient.
        failed: The code of a call that failed through no fault of its recipients; empty for any other.
        fault: The code of a call that was refused for what it says, whatever its recipients are; empty for any other.
        silent: Whether the call says nothing of the account, because it was not made.
        unknown_codes: Codes that no table knows.
        opted_out: Numbers whose owners do not want to be texted.
    """

    entries: list[EntryResults] = field(default_factory=list)
    shut_s: float = 0.0
    hold_s: float = 0.0
    park: Trouble | None = None
    machine: Trouble | None = None
    worked: bool = False
    failed: str = ""
    fault: str = ""
    silent: bool = False
    unknown_codes: list[str] = field(default_factory=list)
    opted_out: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Word:
    """The provider's word on one recipient, or on all of whom it said the same."""

    match: Match
    code: str
    message: str = ""
    delay_s: float | None = None
    fee: int = 0

    @property
    def verdict(self) -> Verdict:
        return self.match.row.verdict


def decide(answer: Answer, groups: Sequence[CallGroup], policy: Policy) -> Outcome:
    """What a call came to.

    Args:
        answer: What the adapter returned.
        groups: The recipients of the call.
        policy: What decides besides the code.
    """
    if (taken := _taken(answer, groups)) is not None:
        return Outcome(entries=taken, worked=True)
    said, chance = _listen(answer, groups, policy.provider), policy.chance()
    # One draw for the call: recipients that come back together share the next call too.
    policy = replace(policy, chance=lambda: chance)
    fault = _fault(said)
    scope = said.kinds[0].match.row.scope if fault else None
    if fault and len(said.words) > 1:
        # The same words would be refused for all who are to have them. The job is held, for a
        # person to see and cancel or mend, before a campaign has ended in the dead letter call by
        # call.
        said = _held(said)
    outcome = _overall(said, policy)
    # Three people with a bad word in their names say nothing of the template that they share.
    outcome.fault = fault if scope is Scope.REQUEST else ""
    outcome.entries = [
        EntryResults(group.entry, _results(group, said, policy, parked=bool(outcome.park or outcome.machine)))
        for group in groups
    ]
    return outcome


def _taken(answer: Answer, groups: Sequence[CallGroup]) -> list[EntryResults] | None:
    """The results of a call whose every number was taken, as columns; None when it is not so plain.

    It means nothing beyond its recipients, and nearly all calls are so: what follows costs eight times as much a number.
    """
    if not isinstance(answer, Sent) or not all(item.ok for item in answer.items):
        return None
    items = {item.number: item for item in answer.items}
    entries = []
    for group in groups:
        found = [items.get(number) for number in group.numbers]
        if None in found:
            return None
        told = cast("list[Item]", found)
        taken = Taken(group.positions, [item.serial for item in told], [item.fee for item in told])
        entries.append(EntryResults(group.entry, taken))
    return entries


@dataclass(frozen=True, slots=True)
class _Said:
    """What the provider said of the recipients of a call.

    Attributes:
        words: Its word on each number; those of whom it said the same share one, so that mostly there is one in all.
        items: Its answer for each number that has one of its own.
        kinds: The words, each once.
        split: Identities of the words whose recipients must be tried in smaller calls.
        at_most: Most recipients of these.
    """

    words: Mapping[int, _Word]
    items: Mapping[int, Item]
    kinds: Sequence[_Word]
    split: frozenset[int]
    at_most: int


def _listen(answer: Answer, groups: Sequence[CallGroup], provider: str) -> _Said:
    numbers = [number for group in groups for number in group.numbers]
    if isinstance(answer, Sent):
        items = {item.number: item for item in answer.items}
        words = _item_words(numbers, items, provider)
    else:
        items, words = {}, dict.fromkeys(numbers, _call_word(answer, provider))
    # By identity: a word is shared by all of whom it was said, and is looked at once.
    kinds = list({id(word): word for word in words.values()}.values())
    split = frozenset(id(word) for word in kinds if _ambiguous(answer, word, groups))
    # Where each has brought params of its own, the next call has one set of them.
    at_most = 1 if any(group.own_params for group in groups) else max(1, len(numbers) // SMALLER)
    return _Said(words, items, kinds, split, at_most)


def _fault(said: _Said) -> str:
    """The code of a call that was refused as a whole for what it says, and not for whom."""
    rows = [word.match.row for word in said.kinds]
    alike = len({row.scope for row in rows}) == 1 and rows[0].scope in FAULT_SCOPES
    if said.split or not alike or any(row.verdict is not Verdict.DEAD for row in rows):
        return ""
    return "" if any(row.reroute_ok for row in rows) else said.kinds[0].code


def _held(said: _Said) -> _Said:
    """The same, with the request's fault as what parks its job."""
    held: dict[int, _Word] = {}
    for word in said.kinds:
        # A text is its job's own. Any other fault may turn out to be the template's.
        scope = Scope.CONTENT if word.match.row.scope is Scope.CONTENT else Scope.TEMPLATE
        row = replace(word.match.row, verdict=Verdict.PARK, scope=scope)
        held[id(word)] = replace(word, match=replace(word.match, row=row))
    words = {number: held[id(word)] for number, word in said.words.items()}
    return replace(said, words=words, kinds=list(held.values()))


def _item_words(numbers: Iterable[int], items: Mapping[int, Item], provider: str) -> dict[int, _Word]:
    """A word for each number. One will do for all that were taken: what differs, serial and fee, stands in the items."""
    taken = _Word(for_taken(provider), "")
    # Missing in the answer is in doubt and not refused: the provider may have taken it.
    missing = _Word(lookup("smsline", "local", "http.NoItem"), "http.NoItem")
    words: dict[int, _Word] = {}
    for number in numbers:
        if (item := items.get(number)) is None:
            words[number] = missing
        elif item.ok:
            words[number] = taken
        else:
            words[number] = _Word(for_send(provider, item.code), item.code, item.message, fee=item.fee)
    return words


def _call_word(answer: Refused | Broken, provider: str) -> _Word:
    """The word on all of a call that was answered as a whole, or not at all."""
    if isinstance(answer, Refused):
        return _Word(for_send(provider, answer.code), answer.code, answer.message, answer.delay_s)
    match = lookup("smsline", "local", answer.code)
    # The adapter knows best whether the request can have left; a row must not turn doubt into
    # certainty.
    if answer.maybe_sent != (match.row.verdict is Verdict.UNSURE):
        match = lookup("smsline", "local", "http.ReadTimeout" if answer.maybe_sent else "http.ConnectError")
    return _Word(match, answer.code, answer.detail, answer.delay_s)


def _overall(said: _Said, policy: Policy) -> Outcome:
    """What a call means beyond its recipients."""
    kinds = said.kinds
    outcome = Outcome(worked=any(word.verdict is Verdict.OK for word in kinds))
    if kinds and all(_failing(word) for word in kinds):
        outcome.failed = kinds[0].code
    outcome.silent = bool(kinds) and all(_not_made(word) for word in kinds)
    outcome.unknown_codes = sorted({word.code for word in kinds if word.match.how in {"family", "unknown"}})
    facts = facts_of(policy.provider)
    # Not of a call that one recipient may have spoilt: then it is not known who has opted out.
    leaving = {id(word) for word in kinds if facts.opt_out(word.match.row.code, word.match.row.reason)} - said.split
    outcome.opted_out = [number for number, word in said.words.items() if id(word) in leaving] if leaving else []
    if kinds and all(word.verdict is Verdict.PARK and word.match.row.scope in CALL_SCOPES for word in kinds):
        # Parked for two reasons at once: the wider one holds.
        scope = kinds[0].match.row.scope if len({word.match.row.scope for word in kinds}) == 1 else Scope.ACCOUNT
        trouble = Trouble(scope, kinds[0].code, kinds[0].message)
        outcome.machine, outcome.park = (trouble, None) if scope is Scope.PROCESS else (None, trouble)
    outcome.shut_s = _longest_s(kinds, BUCKET_SCOPES, policy)
    outcome.hold_s = _longest_s(kinds, QUEUE_SCOPES, policy)
    return outcome


def _failing(word: _Word) -> bool:
    """Whether the word tells of the account's or the provider's trouble, and not of a recipient's.

    A call of which nothing is known counts, whatever its code speaks of: a provider that answers everything with an empty list,
    or with a code that no table has, would else leave a whole campaign in doubt.
    """
    row = word.match.row
    return row.verdict is Verdict.UNSURE or (row.verdict is Verdict.RETRY and row.scope in FAILING_SCOPES)


def _not_made(word: _Word) -> bool:
    """Whether the call did not come to be made, for a reason on this side of the wire: settings, limits, a stop, no time."""
    row = word.match.row
    ours = row.provider == "smsline" and not row.code.startswith("http.") and row.verdict is not Verdict.UNSURE
    return ours or (row.verdict is Verdict.RETRY and row.scope is Scope.REQUEST)


def _results(group: CallGroup, said: _Said, policy: Policy, *, parked: bool) -> list[RecipientResult]:
    results = []
    for position, number, tries in zip(group.positions, group.numbers, group.attempts, strict=True):
        word, item = said.words[number], said.items.get(number)
        if item is not None and item.ok:
            results.append(RecipientResult(position, State.ACCEPTED, serial=item.serial, fee=item.fee))
            continue
        if id(word) in said.split:
            result = RecipientResult(
                position, State.WAITING, word.code, counted=False, delay_ms=0.0, at_most=said.at_most
            )
        else:
            result = _result(_Tried(position, number, tries & TRIES), word, policy, parked=parked)
        # Of a fault of our own the message is a detail of this machine, and nothing that the
        # provider said.
        ours = word.match.row.provider == "smsline"
        results.append(result if ours or not result.code else result._replace(message=word.message))
    return results


def _wait_s(word: _Word, policy: Policy) -> float | None:
    """How long the provider asks to wait: in its answer, else by its code; None when it does not say."""
    if word.delay_s is not None:
        return word.delay_s
    return wait_s(word.match.row, now_s=policy.now_s, message=word.message)


def _longest_s(words: Iterable[_Word], scopes: frozenset[Scope], policy: Policy) -> float:
    """How long the throttles and failures of these scopes ask to wait, at most."""
    longest_s = 0.0
    for word in (word for word in words if word.match.row.scope in scopes):
        if word.verdict is Verdict.THROTTLE:
            longest_s = max(longest_s, _wait_s(word, policy) or SHUT_S)
        elif word.verdict in {Verdict.RETRY, Verdict.UNSURE}:
            # A 503 with a Retry-After may have let the call through, and still wants no other for
            # so long.
            longest_s = max(longest_s, word.delay_s or 0.0)
    return longest_s


def _ambiguous(answer: Answer, word: _Word, groups: Sequence[CallGroup]) -> bool:
    """One bad recipient made the provider refuse a whole call: smaller ones must find out which.

    Where each number brings its own params, it may as well be those of one.
    """
    differ = word.match.row.scope in {Scope.CONTENT, Scope.REQUEST} and any(group.own_params for group in groups)
    return (
        isinstance(answer, Refused)
        and sum(len(group.numbers) for group in groups) > 1
        and word.verdict in {Verdict.DEAD, Verdict.REROUTE, Verdict.THROTTLE}
        and (differ or word.match.row.scope is Scope.RECIPIENT)
    )


class _Tried(NamedTuple):
    """A recipient of a call, and how often it was tried before."""

    position: int
    number: int
    tries: int


def _result(tried: _Tried, word: _Word, policy: Policy, *, parked: bool) -> RecipientResult:
    position = tried.position
    match word.verdict:
        case Verdict.OK:
            result = RecipientResult(position, State.ACCEPTED, fee=word.fee)
        case Verdict.UNSURE:
            result = RecipientResult(position, State.UNSURE, word.code)
        case Verdict.THROTTLE:
            later_s = _wait_s(word, policy) if word.match.row.scope is Scope.RECIPIENT else None
            result = _uncounted(position, word, later_s)
        case Verdict.PARK:
            result = _uncounted(position, word, None if parked else PARTLY_PARKED_S)
        case Verdict.RETRY:
            result = _retry(tried, word, policy)
        case _:
            result = _end(tried, word, policy)
    return result


def _uncounted(position: int, word: _Word, later_s: float | None) -> RecipientResult:
    delay_ms = NO_DELAY if later_s is None else later_s * 1000
    return RecipientResult(position, State.WAITING, word.code, counted=False, delay_ms=delay_ms)


def _end(tried: _Tried, word: _Word, policy: Policy) -> RecipientResult:
    """Another account's turn, where the code says that another may serve the recipient; else the dead letter."""
    row = word.match.row
    elsewhere = row.reroute_ok or row.verdict is Verdict.REROUTE
    if elsewhere and policy.place(tried.number).more:
        return RecipientResult(tried.position, State.WAITING, word.code, delay_ms=0.0, next_account=True)
    return RecipientResult(tried.position, State.DEAD, word.code)


def _retry(tried: _Tried, word: _Word, policy: Policy) -> RecipientResult:
    if policy.trial and _failing(word):
        # Asked for by the breaker and not by the recipient, who waits at the front for the next
        # one.
        return _uncounted(tried.position, word, None)
    allowed = policy.retry_max
    if tried.tries + 1 > allowed:
        allowed += (policy.retry_max + 1) * policy.place(tried.number).before
    if tried.tries + 1 > allowed:
        return _end(tried, word, policy)
    if (later_s := _wait_s(word, policy)) is None:
        later_s = backoff_s(tried.tries, policy.chance())
    return RecipientResult(tried.position, State.WAITING, word.code, delay_ms=later_s * 1000)


def backoff_s(tries: int, chance: float) -> float:
    """Full jitter: anything from nothing to 1 s doubled for every try so far, at most 10 minutes."""
    return chance * min(BACKOFF_MOST_S, BACKOFF_FIRST_S * 2.0 ** min(tries, 30))
