"""Fixtures of the sandbox's tests."""

import pytest

from tests.unit.sandbox.harness import Line


@pytest.fixture
def line() -> Line:
    """A strict provider that answers at once."""
    return Line()
