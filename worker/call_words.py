"""What a provider has said of the recipients of a call.

One word for each, and which of them are in doubt.

Pure. `worker.outcome` decides what follows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from smsline.codes import Match, for_send, for_taken, lookup
from smsline.ledger.batch_queues import CallGroup
from smsline.verdicts import Scope, Verdict
from worker.providers.base import Answer, Broken, Item, Refused, Sent

# Into so many calls a refused one is split, again and again, until the recipient that spoilt it is
# alone: one among 200 is found with 18 calls, and two rounds fewer than by halves.
SMALLER: Final = 4

# Scopes of a retry that is the provider's fault alone; a whole call of them counts against the
# account.
FAILING_SCOPES: Final = frozenset({Scope.ACCOUNT, Scope.PROVIDER})


@dataclass(frozen=True, slots=True)
class Word:
    """The provider's word on one recipient, or on all of whom it said the same."""

    match: Match
    code: str
    message: str = ""
    delay_s: float | None = None
    fee: int = 0

    @property
    def verdict(self) -> Verdict:
        """What the word means."""
        return self.match.row.verdict

    @property
    def failing(self) -> bool:
        """Whether the word tells of trouble of the account or provider, not of a recipient.

        A call of which nothing is known counts, whatever its code speaks of: a provider that
        answers everything with an empty list, or with a code that no table has, would else leave a
        whole campaign in doubt.
        """
        row = self.match.row
        return row.verdict is Verdict.UNSURE or (row.verdict is Verdict.RETRY and row.scope in FAILING_SCOPES)

    @property
    def not_made(self) -> bool:
        """Whether the call was not made for a reason here: settings, limits, a stop, no time."""
        row = self.match.row
        ours = row.provider == "smsline" and not row.code.startswith("http.") and row.verdict is not Verdict.UNSURE
        return ours or (row.verdict is Verdict.RETRY and row.scope is Scope.REQUEST)


@dataclass(frozen=True, slots=True)
class CallWords:
    """What the provider said of the recipients of a call.

    Attributes:
        words: Its word on each number; those of whom it said the same share one, so that mostly
            there is one in all.
        items: Its answer for each number that has one of its own.
        kinds: The words, each once.
        split: Identities of the words whose recipients must be tried in smaller calls.
        at_most: Most recipients of these.
        own_params: Whether recipients have brought params of their own.
    """

    words: Mapping[int, Word]
    items: Mapping[int, Item]
    kinds: Sequence[Word]
    split: frozenset[int]
    at_most: int
    own_params: bool


def listen(answer: Answer, groups: Sequence[CallGroup], provider: str) -> CallWords:
    """Read an answer.

    Args:
        answer: What the adapter returned.
        groups: The recipients of the call.
        provider: Whose codes it holds.
    """
    numbers = [number for group in groups for number in group.numbers]
    if isinstance(answer, Sent):
        items, words = {item.number: item for item in answer.items}, dict[int, Word]()
        # One word will do for all that were taken: what differs, serial and
        # fee, stands in the items.
        taken = Word(for_taken(provider), "")
        # Missing in the answer is in doubt and not refused: the provider may have taken it.
        missing = Word(lookup("smsline", "local", "http.NoItem"), "http.NoItem")
        for number in numbers:
            item = items.get(number)
            words[number] = taken if item and item.ok else missing
            if item and not item.ok:
                words[number] = Word(for_send(provider, item.code), item.code, item.message, fee=item.fee)
    else:
        items, words = {}, dict.fromkeys(numbers, _call_word(answer, provider))
    # By identity: a word is shared by all of whom it was said, and is looked at once.
    kinds = list({id(word): word for word in words.values()}.values())
    own_params = any(group.own_params for group in groups)
    several = isinstance(answer, Refused) and len(numbers) > 1
    # One bad recipient may have made the provider refuse a whole call: smaller ones must find out
    # which. Where each number brings its own params, it may as well be those of one. A text that
    # all share is looked at by filters that know the recipient as well; it is held after a few such
    # calls in a row (`worker.sending.effects.hold_refused`).
    doubted = {Scope.RECIPIENT, Scope.CONTENT} | ({Scope.REQUEST} if own_params else set())
    refusals = {Verdict.DEAD, Verdict.REROUTE, Verdict.THROTTLE}
    spoilt = [word for word in kinds if word.verdict in refusals and word.match.row.scope in doubted]
    split = frozenset(map(id, spoilt if several else ()))
    # Where each has brought params of its own, the next call has one set of them.
    at_most = 1 if own_params else max(1, len(numbers) // SMALLER)
    return CallWords(words, items, kinds, split, at_most, own_params)


def _call_word(answer: Refused | Broken, provider: str) -> Word:
    """The word on all of a call that was answered as a whole, or not at all."""
    if isinstance(answer, Refused):
        return Word(for_send(provider, answer.code), answer.code, answer.message, answer.delay_s)
    match = lookup("smsline", "local", answer.code)
    # The adapter knows best whether the request can have left; a row must not turn doubt into
    # certainty.
    if answer.maybe_sent != (match.row.verdict is Verdict.UNSURE):
        match = lookup("smsline", "local", "http.ReadTimeout" if answer.maybe_sent else "http.ConnectError")
    return Word(match, answer.code, answer.detail, answer.delay_s)
