"""What SMSPartner's answers come to in the engine.

Verdicts by code, and who is spared when a call is refused for another.
"""

import json
from collections.abc import Sequence

import pytest

from smsline.ledger.batch_queues import CallGroup
from smsline.ledger.call_results import RecipientResult
from smsline.ledger.runs import Entry
from smsline.states import State
from smsline.verdicts import Scope
from tests.unit.providers.smspartner.harness import CALL, FIRST, SECOND, answering, error, item, sent
from worker.outcome import Outcome, Policy, decide
from worker.providers.texts import fill

NOON_S = 1_790_000_000.0


def came_to(status: int, body: object, *, own: Sequence[str] = (), numbers: Sequence[int] = (FIRST, SECOND)) -> Outcome:
    """What a call to these numbers came to."""
    own_params = json.dumps([[value] for value in own]) if own else ""
    runs = f"0-{len(numbers) - 1}" if len(numbers) > 1 else "0"
    group = CallGroup(Entry("job", 1, runs), numbers, bytes(len(numbers)), own_params)
    call = CALL if len(numbers) > 1 else type(CALL)(numbers, CALL.content, CALL.context, 5.0)
    answer = answering(status, body).provider.send(call)
    return decide(answer, [group], Policy("smspartner", 5, NOON_S, chance=lambda: 0.5))


def marks(outcome: Outcome) -> list[RecipientResult]:
    """The new state of each recipient."""
    return [result for each in outcome.entries for result in each.results]


def test_taken() -> None:
    """A number that was taken is accepted with its serial and its parts."""
    outcome = came_to(200, sent(item(), item(f"+{SECOND}", nbSms=2)))

    assert marks(outcome) == [
        RecipientResult(0, State.ACCEPTED, serial=f"307/{FIRST}", fee=1),
        RecipientResult(1, State.ACCEPTED, serial=f"307/{SECOND}", fee=2),
    ]
    assert outcome.worked
    assert outcome.unknown_codes == []


@pytest.mark.parametrize("code", [14, 13, 15, 52])
def test_dead_alone(code: int) -> None:
    """A code of one number is its own: the other is accepted."""
    outcome = came_to(200, sent(item(success=False, code=code), item(f"+{SECOND}")))

    assert [mark.state for mark in marks(outcome)] == [State.DEAD, State.ACCEPTED]
    assert outcome.opted_out == ([FIRST] if code == 14 else [])
    assert outcome.park is None


def test_missing_in_the_answer() -> None:
    """A number that the answer does not mention is doubted."""
    outcome = came_to(200, sent(item()))

    assert [mark.state for mark in marks(outcome)] == [State.ACCEPTED, State.UNSURE]


@pytest.mark.parametrize(
    ("code", "scope"),
    [*[(code, Scope.ACCOUNT) for code in (11, 20, 30, 40, 51)], *[(code, Scope.PROCESS) for code in (1, 10, 96)]],
)
def test_what_an_operator_must_mend(code: int, scope: Scope) -> None:
    """It parks the account, or this machine leaves the account to others (key, address).

    No try is used up.
    """
    outcome = came_to(400, error(code))

    parked, apart = (outcome.park, outcome.machine) if scope is Scope.ACCOUNT else (outcome.machine, outcome.park)
    assert parked is not None
    assert parked.scope is scope
    assert apart is None
    assert [(mark.state, mark.counted) for mark in marks(outcome)] == [(State.WAITING, False)] * 2


@pytest.mark.parametrize("code", [44, 992])
def test_sender_is_parked(code: int) -> None:
    """A wrong sender name holds the template, not the account."""
    outcome = came_to(400, error(code))

    assert outcome.park is not None
    assert outcome.park.scope is Scope.TEMPLATE


@pytest.mark.parametrize("code", [22, 23])
def test_marketing_hours(code: int) -> None:
    """Outside the hours for marketing the line is held until they begin.

    The bucket stays open for the others.
    """
    outcome = came_to(400, error(code))

    assert outcome.hold_s > 60
    assert outcome.shut_s == 0
    assert [(mark.state, mark.counted) for mark in marks(outcome)] == [(State.WAITING, False)] * 2


def test_too_many_requests() -> None:
    """A 429 closes the bucket for the minute that the limit is counted in."""
    outcome = came_to(429, b"")

    assert outcome.shut_s == 60
    assert [(mark.state, mark.counted) for mark in marks(outcome)] == [(State.WAITING, False)] * 2


@pytest.mark.parametrize(
    ("status", "body"), [(200, error(500)), (500, b""), (200, b"<html>"), (200, {"success": False})]
)
def test_doubt(status: int, body: object) -> None:
    """What may have been carried out is doubted, never sent again."""
    outcome = came_to(status, body)

    assert [mark.state for mark in marks(outcome)] == [State.UNSURE] * 2


def nine(field: str, message: str = "non") -> dict[str, object]:
    """A refusal with code 9 for one field."""
    return {"success": False, "code": 9, "error": [{"elementId": f"children[{field}].data", "message": message}]}


def test_bad_number_is_found_by_its_name() -> None:
    """A whole call refused for a number that the message names costs that number alone."""
    outcome = came_to(400, nine("phoneNumber", f"pas valide (+{SECOND})"))

    first, second = marks(outcome)
    assert (first.state, first.code, first.counted, first.delay_ms) == (State.WAITING, "call.Again", False, 1000)
    assert (second.state, second.code) == (State.DEAD, "9.phoneNumbers")


def test_bad_number_without_a_name() -> None:
    """When the message names no recipient, each is tried alone."""
    outcome = came_to(400, nine("phoneNumber"))

    assert [(mark.state, mark.at_most, mark.counted) for mark in marks(outcome)] == [(State.WAITING, 1, False)] * 2


def test_bad_text_of_many() -> None:
    """A refusal for a text.

    Each is tried alone where each has its own, else it is the job's text and all of the job is
    held.
    """
    assert [mark.at_most for mark in marks(came_to(400, nine("message"), own=("a", "b")))] == [1, 1]
    assert [mark.state for mark in marks(came_to(400, nine("message")))] == [State.WAITING, State.WAITING]
    assert [mark.state for mark in marks(came_to(400, nine("message"), numbers=(FIRST,)))] == [State.DEAD]


def test_no_price_for_somebody() -> None:
    """A refusal for want of a price that does not say whose: each is tried alone.

    Alone it is the number's end.
    """
    assert [mark.at_most for mark in marks(came_to(400, error(13)))] == [1, 1]
    assert [mark.state for mark in marks(came_to(400, error(13), numbers=(FIRST,)))] == [State.DEAD]


def test_stop_list_of_somebody() -> None:
    """A whole call refused for a STOP takes no number off the lists before it is known whose.

    Alone it does.
    """
    outcome = came_to(400, error(14))

    assert outcome.opted_out == []
    assert [mark.at_most for mark in marks(outcome)] == [1, 1]
    assert came_to(400, error(14), numbers=(FIRST,)).opted_out == [FIRST]


def test_no_text_for_the_template() -> None:
    """A template without a text is parked until the settings have one."""
    answer = answering(200, sent()).provider.send(type(CALL)((FIRST,), type(CALL.content)("other"), CALL.context, 5.0))
    group = CallGroup(Entry("job", 1, "0"), (FIRST,), b"\0", "")

    outcome = decide(answer, [group], Policy("smspartner", 5, NOON_S))

    assert outcome.park is not None
    assert (outcome.park.scope, outcome.park.code) == (Scope.TEMPLATE, "text.Unknown")
    assert [(mark.state, mark.counted) for mark in marks(outcome)] == [(State.WAITING, False)]


@pytest.mark.parametrize(
    ("text", "params", "filled"),
    [
        ("Hello", (), "Hello"),
        ("Hello {1}", ("you",), "Hello you"),
        ("{2}{1}{2}", ("a", "b"), "bab"),
        ("{1}", ("{1}",), "{1}"),
        ("{1}", (r"\g<0> %s {2}",), r"\g<0> %s {2}"),
        ("{11}", tuple("abcdefghijk"), "k"),
        ("Hello", ("you",), None),
        ("Hello {1}", (), None),
        ("Hello {2}", ("you",), None),
    ],
)
def test_fill(text: str, params: tuple[str, ...], filled: str | None) -> None:
    """A text takes exactly as many params as it has places.

    What they hold is never read as a place.
    """
    assert fill(text, params) == filled
