"""What a provider's answer means, as tables.

By verdict and scope they tell the recipients' moves and what happens to the account.
"""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsline.ledger.batch_queues import CallGroup
from smsline.ledger.call_results import NO_DELAY, RecipientResult
from smsline.ledger.runs import Entry, encode
from smsline.states import State
from smsline.verdicts import Scope
from worker.outcome import BACKOFF_MOST_S, RESENT, Outcome, Place, Policy, backoff_s, decide
from worker.providers.base import Answer, Broken, Item, Refused, Sent

FIRST = 8613700000000
NOON_S = 1_790_000_000.0
POLICY = Policy("tencent", retry_max=2, now_s=NOON_S, chance=lambda: 0.5)

BALANCE = "FailedOperation.InsufficientBalanceInSmsPackage"  # park, one side of the account
ARREARS = "UnauthorizedOperation.SmsSdkAppIdVerifyFail"  # park, account
CLOCK = "AuthFailure.SignatureExpire"  # park, this process
TEMPLATE = "FailedOperation.TemplateUnapprovedOrNotExist"  # park, template
NUMBER = "InvalidParameterValue.IncorrectPhoneNumber"  # dead, recipient
WORDS = "FailedOperation.ContainSensitiveWord"  # dead, content
REQUEST = "InvalidParameter"  # dead, request
BUSY = "RequestLimitExceeded"  # throttle, account, 1 s
HOURLY = "LimitExceeded.PhoneNumberOneHourLimit"  # throttle, recipient, an hour
NIGHT = "FailedOperation.MarketingSendTimeConstraint"  # throttle, template, until 08:00
INTERNAL = "InternalError.Timeout"  # unsure
NEW = "SomethingNobodyHasSeen"  # no row: unsure


def groups(count: int = 3, tries: Sequence[int] = (), own_params: str = "") -> list[CallGroup]:
    """One block's recipients in a call."""
    numbers = range(FIRST, FIRST + count)
    attempts = bytes(tries) if tries else bytes(count)
    return [CallGroup(Entry("job", 7, encode(range(count))), list(numbers), attempts, own_params)]


def sent(*codes: str) -> Sent:
    """An answer with a code per number, in reverse order; Ok takes it."""
    items = [
        Item(FIRST + n, code == "Ok", code, f"s{n}" if code == "Ok" else "", int(code == "Ok"), "")
        for n, code in enumerate(codes)
    ]
    return Sent(tuple(reversed(items)), "r")


def refused(code: str, delay_s: float | None = None) -> Refused:
    """One error for the whole call."""
    return Refused(code, "", "r", delay_s)


def results(outcome: Outcome) -> list[RecipientResult]:
    """What became of each recipient, in their order."""
    return [result for verdict in outcome.entries for result in verdict.results]


def test_what_is_taken_waits_for_its_receipt() -> None:
    """Serial and fee are kept; answers are matched by number, whatever their order."""
    outcome = decide(sent("Ok", "Ok", "Ok"), groups(), POLICY)
    assert [(result.position, result.state, result.serial, result.fee) for result in results(outcome)] == [
        (n, State.ACCEPTED, f"s{n}", 1) for n in range(3)
    ]
    assert outcome.worked
    assert (outcome.park, outcome.shut_s, outcome.hold_s, outcome.unknown_codes) == (None, 0, 0, [])


TABLE: list[tuple[Answer, State, bool, float]] = [
    # answer, state, counted, delay in ms
    (refused(BALANCE), State.WAITING, False, NO_DELAY),
    (refused(TEMPLATE), State.WAITING, False, NO_DELAY),
    (refused(BUSY), State.WAITING, False, NO_DELAY),
    (refused(NIGHT), State.WAITING, False, NO_DELAY),
    (refused(HOURLY), State.WAITING, False, 3_600_000.0),
    (refused(WORDS), State.DEAD, True, NO_DELAY),
    (refused(REQUEST), State.DEAD, True, NO_DELAY),
    (refused(INTERNAL), State.UNSURE, True, NO_DELAY),
    (refused(NEW), State.UNSURE, True, NO_DELAY),
    (refused("LimitExceeded.Whatever"), State.WAITING, False, NO_DELAY),
    (Broken(maybe_sent=True, code="http.ReadTimeout", detail=""), State.UNSURE, True, NO_DELAY),
    (Broken(maybe_sent=True, code="http.503", detail=""), State.UNSURE, True, NO_DELAY),
    (Broken(maybe_sent=True, code="http.ConnectError", detail=""), State.UNSURE, True, NO_DELAY),
    (Broken(maybe_sent=True, code="http.404", detail=""), State.UNSURE, True, NO_DELAY),
    (Broken(maybe_sent=True, code="odd", detail=""), State.UNSURE, True, NO_DELAY),
    (Broken(maybe_sent=False, code="http.ConnectError", detail=""), State.WAITING, True, 500.0),
    (Broken(maybe_sent=False, code="http.ReadTimeout", detail=""), State.WAITING, True, 500.0),
    (Broken(maybe_sent=False, code="worker.Late", detail=""), State.WAITING, True, 500.0),
    (Broken(maybe_sent=False, code="odd", detail=""), State.WAITING, True, 500.0),
    (Broken(maybe_sent=False, code="http.429", detail=""), State.WAITING, False, NO_DELAY),
    (Broken(maybe_sent=False, code="http.InvalidURL", detail=""), State.WAITING, False, NO_DELAY),
    (sent("Ok"), State.ACCEPTED, True, NO_DELAY),
    (sent(NUMBER), State.DEAD, True, NO_DELAY),
    (sent(HOURLY), State.WAITING, False, 3_600_000.0),
    (sent(INTERNAL), State.UNSURE, True, NO_DELAY),
    (Sent((), "r"), State.UNSURE, True, NO_DELAY),
]


@pytest.mark.parametrize(
    ("answer", "state", "counted", "delay_ms"), TABLE, ids=lambda value: getattr(value, "code", "")
)
def test_each_verdict_moves_its_recipient(answer: Answer, state: State, *, counted: bool, delay_ms: float) -> None:
    """State, whether the try counts, and when it may be tried again."""
    (result,) = results(decide(answer, groups(1), POLICY))
    assert result.state is state
    if state is State.WAITING:
        assert (result.counted, result.delay_ms, result.at_most) == (counted, delay_ms, 0)
    if state is not State.ACCEPTED:
        assert result.code


def test_the_code_of_a_broken_call_is_kept_whatever_row_stands_in_for_it() -> None:
    """People see what happened, not what it was treated as."""
    (result,) = results(decide(Broken(maybe_sent=True, code="http.404", detail=""), groups(1), POLICY))
    assert result.code == "http.404"


@pytest.mark.parametrize(
    ("answer", "scope", "code"),
    [
        (refused(BALANCE), Scope.REGION, BALANCE),
        (refused(ARREARS), Scope.ACCOUNT, ARREARS),
        (refused(TEMPLATE), Scope.TEMPLATE, TEMPLATE),
        (sent(TEMPLATE, TEMPLATE, TEMPLATE), Scope.TEMPLATE, TEMPLATE),
        (sent(TEMPLATE, BALANCE, TEMPLATE), Scope.ACCOUNT, None),
    ],
)
def test_a_whole_call_of_parked_recipients_is_one_park(answer: Answer, scope: Scope, code: str | None) -> None:
    """The account's trouble goes before the template's; no recipient dies, no try is counted."""
    outcome = decide(answer, groups(), POLICY)
    assert outcome.park is not None
    assert outcome.park.scope is scope
    assert code in {None, outcome.park.code}
    assert {(result.state, result.counted, result.delay_ms) for result in results(outcome)} == {
        (State.WAITING, False, NO_DELAY)
    }
    assert not outcome.worked


def test_what_speaks_of_the_machine_parks_nothing() -> None:
    """A wrong clock keeps this machine from the account.

    Its recipients wait for another one, and no try is counted.
    """
    outcome = decide(refused(CLOCK), groups(), POLICY)
    assert (outcome.park, outcome.machine and outcome.machine.code) == (None, CLOCK)
    assert {(result.counted, result.delay_ms) for result in results(outcome)} == {(False, NO_DELAY)}


@pytest.mark.parametrize(
    ("answer", "failed", "silent"),
    [
        (Broken(maybe_sent=False, code="http.ConnectError", detail=""), True, False),
        (Broken(maybe_sent=True, code="http.502", detail=""), True, False),
        (refused(INTERNAL), True, False),
        (refused(NEW), True, False),
        (sent(INTERNAL, INTERNAL, INTERNAL), True, False),
        (Sent((), "r"), True, False),
        (sent("Ok", INTERNAL, INTERNAL), False, False),
        (sent(NUMBER, INTERNAL, INTERNAL), False, False),
        (refused(BUSY), False, False),
        (refused(BALANCE), False, False),
        (Broken(maybe_sent=False, code="http.PoolTimeout", detail=""), False, True),
        (Broken(maybe_sent=False, code="text.Unknown", detail=""), False, True),
        (Broken(maybe_sent=False, code="http.429", detail=""), False, False),
    ],
)
def test_a_whole_call_without_a_word_on_its_recipients_counts_against_the_account(
    answer: Answer, *, failed: bool, silent: bool
) -> None:
    """A single recipient on whom the provider has a word shows that it works.

    A call that was not made says nothing.
    """
    outcome = decide(answer, groups(), POLICY)
    assert (bool(outcome.failed), outcome.silent) == (failed, silent)


def test_a_trial_uses_up_no_try() -> None:
    """It was made for the account's sake; its recipient waits at the front for the next one."""
    broken = Broken(maybe_sent=False, code="http.ConnectError", detail="")
    (result,) = results(decide(broken, groups(1, tries=[2]), replace(POLICY, trial=True)))
    assert (result.state, result.counted, result.delay_ms) == (State.WAITING, False, NO_DELAY)


def test_that_a_number_moves_on_is_a_mark() -> None:
    """Which account is next is not for the decision to find out; with none left it is dead."""
    unserved = sent("UnsupportedOperation.UnsupportedRegion")
    for more, state in ((True, State.WAITING), (False, State.DEAD)):
        (result,) = results(
            decide(unserved, groups(1), replace(POLICY, place={FIRST: Place(0, more=more)}.__getitem__))
        )
        assert (result.state, result.next_account) == (state, more)


def test_some_parked_recipients_park_no_account() -> None:
    """They are tried again by themselves in a minute, and no try is counted."""
    outcome = decide(sent("Ok", TEMPLATE, NUMBER), groups(), POLICY)
    assert outcome.park is None
    assert outcome.worked
    assert [(result.state, result.counted) for result in results(outcome)] == [
        (State.ACCEPTED, True),
        (State.WAITING, False),
        (State.DEAD, True),
    ]
    assert results(outcome)[1].delay_ms == 60_000.0


@pytest.mark.parametrize(
    ("answer", "shut_s", "hold_s"),
    [
        (Broken(maybe_sent=False, code="http.429", detail="", delay_s=9), 9, 0),
        (Broken(maybe_sent=True, code="http.503", detail="", delay_s=9), 9, 0),
        (Broken(maybe_sent=True, code="http.503", detail=""), 0, 0),
        (refused(BUSY), 1, 0),
        (refused("LimitExceeded"), 60, 0),
        (refused(BUSY, delay_s=7.5), 7.5, 0),
        (refused(HOURLY), 0, 0),
        (sent("Ok", BUSY, "LimitExceeded"), 60, 0),
        (refused(INTERNAL), 0, 0),
        (Broken(maybe_sent=False, code="http.429", detail=""), 5, 0),
    ],
)
def test_a_throttle_closes_what_it_speaks_of(answer: Answer, shut_s: float, hold_s: float) -> None:
    """An account's throttle closes its bucket, for the longest time that was said.

    A number's closes nothing.
    """
    outcome = decide(answer, groups(), POLICY)
    assert (outcome.shut_s, outcome.hold_s) == (shut_s, hold_s)


def test_a_throttled_template_holds_its_batch_queue_and_leaves_the_bucket_open() -> None:
    """A marketing template at night must not stop the account's one-time passwords."""
    outcome = decide(refused(NIGHT), groups(), POLICY)
    assert outcome.shut_s == 0
    assert 0 < outcome.hold_s <= 86_400


@pytest.mark.parametrize(("numbers", "at_most"), [(200, 50), (50, 12), (12, 3), (3, 1)])
def test_a_call_refused_for_one_number_is_split_into_smaller_ones(numbers: int, at_most: int) -> None:
    """Down to single calls, which mean what they say; no try is counted until then."""
    split = results(decide(refused(NUMBER), groups(numbers), POLICY))
    assert {(result.state, result.at_most, result.counted, result.delay_ms) for result in split} == {
        (State.WAITING, at_most, False, 0.0)
    }
    (alone,) = results(decide(refused(NUMBER), groups(1), POLICY))
    assert (alone.state, alone.at_most) == (State.DEAD, 0)


def test_a_call_refused_for_its_content_is_tried_in_smaller_ones() -> None:
    """A filter may mean one recipient.

    A text that all share counts against its job, one of a recipient's own against nothing.
    """
    own = decide(refused(WORDS), groups(40, own_params='[["a"]]'), POLICY)
    assert ({result.at_most for result in results(own)}, own.fault) == ({1}, "")
    shared = decide(refused(WORDS), groups(40), POLICY)
    assert {(result.state, result.at_most, result.counted) for result in results(shared)} == {
        (State.WAITING, 10, False)
    }
    assert (shared.park, shared.fault, shared.of_text) == (None, WORDS, True)
    alone = decide(refused(WORDS), groups(1), POLICY)
    assert ([result.state for result in results(alone)], alone.fault) == ([State.DEAD], "")


@pytest.mark.parametrize(
    ("tries", "state"), [(0, State.WAITING), (1, State.WAITING), (2, State.DEAD), (100, State.DEAD)]
)
def test_retries_are_used_up(tries: int, state: State) -> None:
    """As many as the lane allows after the first; being sent again after a doubt is no try."""
    broken = Broken(maybe_sent=False, code="http.ConnectError", detail="")
    for byte in {tries, tries | RESENT}:
        (result,) = results(decide(broken, groups(1, tries=[byte]), POLICY))
        assert result.state is state


def test_recipients_with_as_many_tries_come_back_together() -> None:
    """The jitter is the call's, so that the next call is as full as this one."""
    outcome = decide(
        Broken(maybe_sent=False, code="http.ConnectError", detail=""),
        groups(100),
        Policy("tencent", retry_max=2, now_s=NOON_S),
    )
    assert len({result.delay_ms for result in results(outcome)}) == 1


def test_numbers_left_out_of_an_answer_are_unsure() -> None:
    """And an answer for a number that was not asked about changes nothing."""
    answer = Sent((*sent("Ok").items, Item(FIRST + 99, True, "Ok", "x", 1, "")), "r")
    assert [result.state for result in results(decide(answer, groups(2), POLICY))] == [State.ACCEPTED, State.UNSURE]
    assert results(decide(answer, groups(2), POLICY))[1].code == "http.NoItem"


def test_several_blocks_of_a_call_each_get_their_own_marks() -> None:
    """In the order of each block's positions."""
    first = CallGroup(Entry("a", 1, "3,5"), [FIRST, FIRST + 2], b"\0\0", "")
    second = CallGroup(Entry("b", 2, "0"), [FIRST + 1], b"\0", "")
    outcome = decide(sent("Ok", NUMBER, HOURLY), [first, second], POLICY)
    assert [(v.entry.job, [(m.position, m.state) for m in v.results]) for v in outcome.entries] == [
        ("a", [(3, State.ACCEPTED), (5, State.WAITING)]),
        ("b", [(0, State.DEAD)]),
    ]


@pytest.mark.parametrize(
    ("code", "known"), [(NUMBER, []), (NEW, [NEW]), ("LimitExceeded.Whatever", ["LimitExceeded.Whatever"])]
)
def test_codes_without_a_row_are_noted(code: str, known: list[str]) -> None:
    """Those that only their family explains, too, so that a row can be added."""
    assert decide(refused(code), groups(1), POLICY).unknown_codes == known


@given(tries=st.integers(0, 127), chance=st.floats(0, 1))
def test_the_backoff_is_anything_up_to_its_bound(tries: int, chance: float) -> None:
    """Full jitter: from nothing to 1 s, doubled for each try, at most ten minutes."""
    assert 0 <= backoff_s(tries, chance) <= min(BACKOFF_MOST_S, 2.0**tries)
    assert backoff_s(tries, 1.0) == min(BACKOFF_MOST_S, 2.0 ** min(tries, 30))
