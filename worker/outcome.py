"""The decision: what a provider's answer means for each recipient of its call, and for the account.

Pure. What needs Redis, such as which account is next, is a mark in the outcome that
`worker.sending` acts on: a known answer must never depend on a read that can fail.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, cast

from config.providers import facts_of
from smsline.codes import wait_s
from smsline.ledger.batch_queues import CallGroup
from smsline.ledger.call_results import NO_DELAY, AcceptedColumns, EntryResults, RecipientResult
from smsline.states import State
from smsline.verdicts import Scope, Verdict
from worker.call_words import CallWords, Word, listen
from worker.providers.base import Answer, Item, Sent

BACKOFF_FIRST_S: Final = 1.0
BACKOFF_MOST_S: Final = 600.0
# For how long a bucket is closed when the provider says "too many" and not for how long.
SHUT_S: Final = 1.0

TRIES: Final = 0x7F
# Bits of a recipient's attempts byte: how many calls, and whether one was made although an earlier
# one may have gone out.
RESENT: Final = 0x80

CALL_SCOPES: Final = frozenset({Scope.ACCOUNT, Scope.PROCESS, Scope.REGION, Scope.TEMPLATE, Scope.CONTENT})
BUCKET_SCOPES: Final = frozenset({Scope.ACCOUNT, Scope.PROVIDER, Scope.REQUEST})
# Scopes of a refusal that meets every call of a job alike.
FAULT_SCOPES: Final = frozenset({Scope.REQUEST, Scope.CONTENT})
QUEUE_SCOPES: Final = frozenset({Scope.TEMPLATE, Scope.CONTENT})
# When a recipient is tried again whose call parked only a part of its recipients; it costs no try.
PARTLY_PARKED_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a person must mend, as the provider said it."""

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
        chance: Uniform numbers from 0 to 1, for the jitter; one for a call, so that its recipients
            come back together.
        place: Where in its candidates a number is; by the settings alone.
        trial: Whether the call was made to find out if the account works again; one that fails uses
            up no try.
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
        hold_s: For how long the batch queue is held, because its template may not be sent now; 0
            not at all.
        park: What parks the account, one side of it, or the template, or None.
        machine: What keeps this machine from the account, while others may go on with it, or None.
        worked: Whether the provider took at least one recipient.
        failed: The code of a call that failed through no fault of its recipients; empty for any
            other.
        fault: The code of a call that was refused for what it says, whatever its recipients are;
            empty for any other.
        of_text: Whether the fault is the text's, which is its job's own.
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
    of_text: bool = False
    silent: bool = False
    unknown_codes: list[str] = field(default_factory=list)
    opted_out: list[int] = field(default_factory=list)


def decide(answer: Answer, groups: Sequence[CallGroup], policy: Policy) -> Outcome:
    """What a call came to.

    Args:
        answer: What the adapter returned.
        groups: The recipients of the call.
        policy: What decides besides the code.
    """
    if (taken := _taken(answer, groups)) is not None:
        return Outcome(entries=taken, worked=True)
    said, chance = listen(answer, groups, policy.provider), policy.chance()
    # One draw for the call: recipients that come back together share the next call too.
    policy = replace(policy, chance=lambda: chance)
    fault, several = _fault(said), len(said.words) > 1
    if fault and several and not said.split:
        # The same words would be refused for all who are to have them. The job is held, for a
        # person to see and cancel or mend, before a campaign has ended in the dead letter call by
        # call.
        said = _held(said)
    outcome = _overall(said, policy)
    if fault and (several or said.kinds[0].match.row.scope is Scope.REQUEST):
        # Three people with a bad word in their names say nothing of the template that they share:
        # a text counts only where several were to have it.
        outcome.fault, outcome.of_text = fault, said.kinds[0].match.row.scope is Scope.CONTENT
    outcome.entries = [
        EntryResults(group.entry, _results(group, said, policy, parked=bool(outcome.park or outcome.machine)))
        for group in groups
    ]
    return outcome


def _taken(answer: Answer, groups: Sequence[CallGroup]) -> list[EntryResults] | None:
    """The results of a call whose every number was taken, as columns; None when it is not so plain.

    It means nothing beyond its recipients, and nearly all calls are so: what follows costs eight
    times as much a number.
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
        taken = AcceptedColumns(group.positions, [item.serial for item in told], [item.fee for item in told])
        entries.append(EntryResults(group.entry, taken))
    return entries


def _fault(said: CallWords) -> str:
    """The code of a call that was refused as a whole for what it says, and not for whom."""
    rows = [word.match.row for word in said.kinds]
    alike = len({row.scope for row in rows}) == 1 and rows[0].scope in FAULT_SCOPES
    if not alike or any(row.verdict is not Verdict.DEAD or row.reroute_ok for row in rows):
        return ""
    # Where each brings its own params each has a text of its own, and the call
    # says nothing of others.
    own = said.own_params and (said.split or rows[0].scope is Scope.CONTENT)
    return "" if own else said.kinds[0].code


def _held(said: CallWords) -> CallWords:
    """The same, with the request's fault as what parks its job."""
    held: dict[int, Word] = {}
    for word in said.kinds:
        # A text is its job's own. Any other fault may turn out to be the template's.
        scope = Scope.CONTENT if word.match.row.scope is Scope.CONTENT else Scope.TEMPLATE
        row = replace(word.match.row, verdict=Verdict.PARK, scope=scope)
        held[id(word)] = replace(word, match=replace(word.match, row=row))
    words = {number: held[id(word)] for number, word in said.words.items()}
    return replace(said, words=words, kinds=list(held.values()))


def _overall(said: CallWords, policy: Policy) -> Outcome:
    """What a call means beyond its recipients."""
    kinds = said.kinds
    outcome = Outcome(worked=any(word.verdict is Verdict.OK for word in kinds))
    if kinds and all(word.failing for word in kinds):
        outcome.failed = kinds[0].code
    outcome.silent = bool(kinds) and all(word.not_made for word in kinds)
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


def _results(group: CallGroup, said: CallWords, policy: Policy, *, parked: bool) -> list[RecipientResult]:
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
            result = _result(_TriedRecipient(position, number, tries & TRIES), word, policy, parked=parked)
        # Of a fault of our own the message is a detail of this machine, and nothing that the
        # provider said.
        ours = word.match.row.provider == "smsline"
        results.append(result if ours or not result.code else result._replace(message=word.message))
    return results


def _wait_s(word: Word, policy: Policy) -> float | None:
    """How long the provider asks to wait: in its answer, else by its code.

    None when it does not say.
    """
    if word.delay_s is not None:
        return word.delay_s
    return wait_s(word.match.row, now_s=policy.now_s, message=word.message)


def _longest_s(words: Iterable[Word], scopes: frozenset[Scope], policy: Policy) -> float:
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


class _TriedRecipient(NamedTuple):
    """A recipient of a call, and how often it was tried before."""

    position: int
    number: int
    tries: int


def _result(tried: _TriedRecipient, word: Word, policy: Policy, *, parked: bool) -> RecipientResult:
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


def _uncounted(position: int, word: Word, later_s: float | None) -> RecipientResult:
    delay_ms = NO_DELAY if later_s is None else later_s * 1000
    return RecipientResult(position, State.WAITING, word.code, counted=False, delay_ms=delay_ms)


def _end(tried: _TriedRecipient, word: Word, policy: Policy) -> RecipientResult:
    """Another account's turn, where the code allows one to serve the recipient; else dead."""
    row = word.match.row
    elsewhere = row.reroute_ok or row.verdict is Verdict.REROUTE
    if elsewhere and policy.place(tried.number).more:
        return RecipientResult(tried.position, State.WAITING, word.code, delay_ms=0.0, next_account=True)
    return RecipientResult(tried.position, State.DEAD, word.code)


def _retry(tried: _TriedRecipient, word: Word, policy: Policy) -> RecipientResult:
    if policy.trial and word.failing:
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
    """Full jitter: from nothing to 1 s doubled for every try so far, at most 10 minutes."""
    return chance * min(BACKOFF_MOST_S, BACKOFF_FIRST_S * 2.0 ** min(tries, 30))
