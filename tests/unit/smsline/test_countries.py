"""The country of a number, by its beginning."""

import pytest

from smsline.countries import country_of


@pytest.mark.parametrize(
    ("number", "country"),
    [
        (8613711112222, "CN"),
        (33612345678, "FR"),
        (14155552671, "US"),
        (16045551234, "CA"),
        (18761234567, "JM"),
        (447400123456, "GB"),
        (79161234567, "RU"),
        (77012345678, "KZ"),
        (85291234567, "HK"),
        (88212345678, ""),
        (9, ""),
    ],
)
def test_a_number_has_the_country_of_its_plan(number: int, country: str) -> None:
    """Countries that share a country code are told apart; a satellite phone has none."""
    assert country_of(number) == country
