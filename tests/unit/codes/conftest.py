"""What the tests of the codes share."""

from collections.abc import Iterator

import pytest

from smsline.codes import clear_overrides


@pytest.fixture
def shipped() -> Iterator[None]:
    """Only the shipped rows hold, before and after."""
    clear_overrides()
    yield
    clear_overrides()
