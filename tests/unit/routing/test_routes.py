"""The routing table: which accounts may send to a number, and in which order."""

from collections import Counter
from typing import Any

import pytest

from config.settings import Settings
from tests.support.scene import CREDENTIALS, make_settings
from worker.routing.routes import UNROUTED, Route, RoutingTable, after

CN = 8613700000000
FR = 33612345678
SG = 6591234567
ALIBABA = {"provider": "alibaba", "site": "mainland", "secret_id": "id", "secret_key": "key"}
FRENCH = {"provider": "smspartner", "secret_key": "key", "texts": {"welcome": "Bienvenue {1}"}}


def order(settings: Settings, number: int, *, lane: str = "marketing", template: str = "5678") -> tuple[str, ...]:
    """The accounts for a number."""
    region = "mainland" if str(number).startswith("86") else "global"
    return RoutingTable(settings).route(lane, template, region, number).candidates(number)  # type: ignore[arg-type]


def with_routes(routes: dict[str, Any], *names: str, **accounts: Any) -> Settings:
    """Settings of alike accounts."""
    return make_settings(names or ("a", "b", "c"), routes=routes, accounts=accounts)


def test_without_routes_prefixes_and_priorities_decide() -> None:
    """The longest prefix first; the others that serve the number stand in."""
    settings = make_settings(
        ("any", "china", "cheap"), accounts={"china": {"prefixes": ["86"]}, "cheap": {"priority": -1}}
    )
    assert order(settings, CN) == ("china", "cheap", "any")
    assert order(settings, FR) == ("cheap", "any")


def test_a_number_that_no_account_serves_has_one_that_no_process_has() -> None:
    """There it waits, visibly."""
    assert order(make_settings(accounts={"main": {"prefixes": ["86"]}}), FR) == (UNROUTED,)


@pytest.mark.parametrize(
    ("lane", "number", "expected"),
    [
        ("marketing", FR, ("b", "a")),
        ("otp", FR, ("c",)),
        ("otp", CN, ("a", "b")),
        ("marketing", 33112345678, ("c", "a")),
        ("marketing", SG, ("a", "b")),
    ],
)
def test_the_route_with_the_longest_prefix_decides_then_the_one_for_the_lane(
    lane: str, number: int, expected: tuple[str, ...]
) -> None:
    """A route's accounts first, then its fallbacks in their order, and no other."""
    routes = {
        "rest": {"accounts": "a", "fallback": "b"},
        "france": {"prefixes": "33", "accounts": "b", "fallback": "a"},
        "quick": {"prefixes": "33", "lanes": "otp", "accounts": "c"},
        "paris": {"prefixes": "331", "accounts": "c", "fallback": "a"},
    }
    assert order(with_routes(routes), number, lane=lane) == expected


def test_numbers_no_route_is_for_go_by_the_accounts() -> None:
    """Routes need not cover the world."""
    settings = with_routes({"france": {"prefixes": "33", "accounts": "c"}})
    assert order(settings, FR) == ("c",)
    assert order(settings, CN) == ("a", "b", "c")


def test_weights_share_the_numbers() -> None:
    """Seven of ten and three of ten.

    A number always has the same order, and the other share stands in first.
    """
    settings = with_routes({"all": {"accounts": "a:70,b:30", "fallback": "c"}})
    orders = Counter(order(settings, CN + n) for n in range(2000))
    assert set(orders) == {("a", "b", "c"), ("b", "a", "c")}
    assert 0.65 < orders["a", "b", "c"] / 2000 < 0.75
    assert order(settings, CN) == order(settings, CN)


def test_another_weight_moves_only_the_numbers_it_must() -> None:
    """With 80 in the place of 70, no number of the heavier account changes to the lighter one."""
    before, now = (with_routes({"all": {"accounts": f"a:{weight},b:30"}}) for weight in (70, 80))
    numbers = range(CN, CN + 1000)
    assert not [n for n in numbers if order(before, n)[0] == "a" and order(now, n)[0] == "b"]


def test_who_cannot_say_it_is_left_out() -> None:
    """No text, or no template in place of the job's; when none can, the first stays, with why."""
    tencent = {**CREDENTIALS, "templates": {"5678": "9"}}
    hangzhou = {**ALIBABA, "templates": {"5678": "SMS_9(code)", "welcome": "SMS_1"}}
    given = Settings.model_validate({"accounts": {"main": tencent, "french": FRENCH, "hz": hangzhou}})
    assert order(given, FR) == ("hz", "main")
    assert order(given, FR, template="WELCOME") == ("french", "hz")
    assert order(given, FR, template="nobody's") == ("french",)


def test_who_comes_after() -> None:
    """No account, when it is not among them any more."""
    assert after(("a", "b", "c"), "a") == ("b", "c")
    assert after(("a", "b"), "b") == ()
    assert after(("a", "b"), "gone") == ()


def test_a_route_of_one_share_needs_no_draw() -> None:
    """No drawing of lots."""
    assert Route((("a", 1),), ("b",)).candidates(CN) == ("a", "b")
