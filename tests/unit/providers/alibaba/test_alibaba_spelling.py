"""Numbers, days and times as Alibaba Cloud spells them."""

import pytest

from worker.providers.alibaba.spelling import days_between, local, means, moment


@pytest.mark.parametrize(
    ("number", "expected"), [(8613711112222, "13711112222"), (6591234567, "6591234567"), (85251234567, "85251234567")]
)
def test_local(number: int, expected: str) -> None:
    """A mainland number loses its country code, any other keeps it."""
    assert expected == local(number)


@pytest.mark.parametrize(
    ("text", "number", "expected"),
    [
        ("13711112222", 8613711112222, True),
        ("8613711112222", 8613711112222, True),
        ("+8613711112222", 8613711112222, True),
        ("008613711112222", 8613711112222, True),
        (" 13711112222 ", 8613711112222, True),
        ("13711112223", 8613711112222, False),
        ("13711112222", 13711112222, True),
        ("6591234567", 6591234567, True),
        ("91234567", 6591234567, False),
        ("", 6591234567, False),
        ("1371****222", 8613711112222, False),
    ],
)
def test_means(text: str, number: int, expected: bool) -> None:
    """A number is recognised in its usual spellings, and never guessed."""
    assert means(text, number) is expected


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (0, 0, ["19700101"]),
        (16 * 3600 - 1, 16 * 3600, ["19700101", "19700102"]),
        (0, 3 * 86_400, ["19700101", "19700102", "19700103", "19700104"]),
        (86_400, 0, []),
    ],
)
def test_days(since: float, until: float, expected: list[str]) -> None:
    """Days change at 16:00 UTC."""
    assert expected == days_between(since, until)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01 08:00:05", 5),
        ("Thu, 01 Jan 1970 08:00:05 +0800", 5),
        ("Thu, 01 Jan 1970 00:00:05 GMT", 5),
        ("Thu, 01 Jan 1970 00:00:05 -0000", 5),
        ("2026-13-01 00:00:00", 0),
        ("5", 0),
        ("", 0),
        ("Thu, 99 Jan 99999999 00:00:05 GMT", 0),
    ],
)
def test_moment(text: str, expected: int) -> None:
    """Beijing's time where no zone is given; what is no time is 0."""
    assert expected == moment(text)
