"""What the tests of the codes share."""

from collections.abc import Iterator

import pytest

from smsline.codes import CodeRow, clear_overrides, namespaces
from smsline.codes.store import table


@pytest.fixture
def shipped() -> Iterator[None]:
    """Only the shipped rows hold, before and after."""
    clear_overrides()
    yield
    clear_overrides()


def everything() -> list[CodeRow]:
    """Every row of every table, families too."""
    return [row for key in namespaces() for row in (*table(*key).rows, *table(*key).families)]
