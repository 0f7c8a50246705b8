"""The way to the ledger: answers of Redis that are read as they come."""

from typing import Any

import pytest

from smsline.ledger.link import scored


@pytest.mark.parametrize("told", [[b"a", b"1.5", b"b", b"1790000000123.25"], [[b"a", 1.5], [b"b", 1790000000123.25]]])
def test_members_with_scores_are_read_by_either_protocol(told: list[Any]) -> None:
    """RESP2 tells members and scores in turn, RESP3 pairs; which one is spoken, the URL may say."""
    assert scored(told) == [(b"a", 1.5), (b"b", 1790000000123.25)]
    assert scored([]) == []
