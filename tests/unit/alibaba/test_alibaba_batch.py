"""BatchSendMessageToGlobe: what is asked for, and what the answer comes to; the sandbox is asked too."""

import json
from typing import Any

import pytest

from smsline.errors import BadInput
from tests.unit.alibaba.harness import answering
from worker.providers.alibaba.batch import NUMBERS_AT_ONCE, Summary
from worker.providers.base import Broken, Refused

NUMBERS = (6591234567, 33612345678)
TEXTS = ("Hello one", "Hello two")


def answer(**fields: Any) -> dict[str, Any]:
    """An answer that took one of two."""
    lists = {"FailedList": '["33612345678"]', "MessageIdList": '["1008"]'}
    return {"ResponseCode": "OK", "SuccessCount": "1", "RequestId": "r", "From": "ACME", **lists, **fields}


def test_what_is_asked() -> None:
    """Numbers without plus sign and texts, each as a JSON list, in the same order."""
    line = answering(200, answer())
    line.international().send_batch(NUMBERS, TEXTS, sender="ACME", context="c")
    assert json.loads(line.asked["To"]) == ["6591234567", "33612345678"]
    assert json.loads(line.asked["Message"]) == list(TEXTS)
    assert (line.asked["From"], line.asked["TaskId"]) == ("ACME", "c")
    (request,) = line.requests
    assert request.headers["x-acs-action"] == "BatchSendMessageToGlobe"
    assert request.headers["x-acs-version"] == "2018-05-01"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, answer(), Summary(1, ("33612345678",), ("1008",), "r")),
        (200, answer(FailedList="[]", SuccessCount=2), Summary(2, (), ("1008",), "r")),
        (200, answer(FailedList=None, MessageIdList=["a", "b"]), Summary(1, (), ("a", "b"), "r")),
        (200, answer(MessageIdList="[1"), Broken),
        (200, {"ResponseCode": "isv.AMOUNT_NOT_ENOUGH", "RequestId": "r"}, Refused),
        (400, {"Code": "Throttling.User", "Message": "", "RequestId": "r"}, Refused),
        (429, b"slow down", Broken),
        (503, b"away", Broken),
        (200, b"<html>", Broken),
    ],
)
def test_what_the_answer_comes_to(status: int, body: object, expected: object) -> None:
    """A summary, the provider's word, or nothing readable."""
    found = answering(status, body).international().send_batch(NUMBERS, TEXTS)
    assert isinstance(found, expected) if isinstance(expected, type) else found == expected


@pytest.mark.parametrize(
    ("numbers", "texts"), [((), ()), (NUMBERS, TEXTS[:1]), (NUMBERS, ("a", "")), ((1,) * (NUMBERS_AT_ONCE + 1), ("a",))]
)
def test_what_cannot_be_asked(numbers: tuple[int, ...], texts: tuple[str, ...]) -> None:
    """It is refused before anything is sent."""
    line = answering(200, answer())
    with pytest.raises(BadInput):
        line.international().send_batch(numbers, texts)
    assert not line.requests
