"""Talks without a connection: what is asked again, and when an outcome is certain."""

import pytest
from redis.exceptions import ConnectionError as ConnectionBroken
from redis.exceptions import NoScriptError, RedisError, ResponseError
from redis.exceptions import TimeoutError as ConnectionSilent

from smsline.calls import Calls
from smsline.errors import Unconfirmed
from smsline.ledger import inbox
from smsline.ledger.inbox import ASK_AGAIN_S, insist
from smsline.ledger.keys import Keys
from smsline.ledger.link import ScriptCall
from smsline.ledger.talk import Talk, Unreached

CALL: ScriptCall = ("finish", ["k"], ["m", "f", ""])


def play(talk: Talk[list[object]], *events: object) -> object:
    """Give these answers or errors, one for each round trip; pauses pass by themselves.

    Returns what the talk returns.
    """
    step, left = next(talk), list(events)
    try:
        while True:
            event = [] if isinstance(step, float) else left.pop(0)
            step = talk.throw(event) if isinstance(event, Exception) else talk.send(list(event))  # type: ignore[call-overload]
    except StopIteration as end:
        assert not left
        return end.value


@pytest.mark.parametrize("lost", [ConnectionBroken("reset"), ConnectionSilent("no answer")])
def test_a_lost_answer_is_asked_for_again(lost: RedisError) -> None:
    """The scripts are the same when they run twice: the second answer is as good as the first."""
    assert play(insist("job", CALL), lost, [1]) == [1]
    assert play(insist("job", CALL), lost, Unreached("refused"), [1]) == [1]


@pytest.mark.parametrize("later", [ConnectionSilent("no answer"), Unreached("refused")])
def test_an_unknown_outcome_is_not_invented(later: RedisError) -> None:
    """Once Redis may have the question, a refused connection no longer proves that it did not."""
    with pytest.raises(Unconfirmed) as doubt:
        play(insist("job", CALL), ConnectionSilent("no answer"), *[later] * len(ASK_AGAIN_S))
    assert doubt.value.job == "job"


def test_a_certain_outcome_is_said_as_it_is() -> None:
    """No connection, or a refusal by Redis itself: the scripts have not run."""
    with pytest.raises(Unreached):
        play(insist("job", CALL), Unreached("refused"))
    with pytest.raises(ResponseError, match="OOM"):
        play(insist("job", CALL), [ResponseError("OOM")])


def test_a_script_that_redis_does_not_know_is_sent_with_its_text() -> None:
    """If the connection goes before that, the scripts beside it may have run.

    Asked again, not taken for refused.
    """
    assert play(insist("job", CALL, CALL), [1, NoScriptError("")], [2]) == [1, 2]
    assert play(insist("job", CALL, CALL), [1, NoScriptError("")], Unreached("refused"), [1, 1]) == [1, 1]
    with pytest.raises(Unreached):
        play(insist("job", CALL), [NoScriptError("")], Unreached("refused"))


def test_a_second_job_in_place_of_an_unconfirmed_one_is_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    """The same message without the id of the first call is told in the log.

    With the id, or another message, nothing is.
    """
    calls, never = Calls(Keys("t"), None, "other"), [ConnectionSilent("no answer")] * (1 + len(ASK_AGAIN_S))
    message = {"template": "1", "lane": "otp", "params": ["482913"]}

    def send(to: str = "+8613711112222", **how: str) -> str:
        caplog.clear()
        with pytest.raises(Unconfirmed) as doubt:
            play(calls.send(message, to=to, **how), *([[[None] * len(inbox._KEPT), []]] if how else []), *never)  # type: ignore[arg-type]
        return doubt.value.job

    first = send()
    send("+8613711112223")
    assert not caplog.records
    send()
    assert [first in record.message and "job_id" in record.message for record in caplog.records] == [True]
    assert "482913" not in caplog.text
    send(job_id="j1234567")
    assert not caplog.records
