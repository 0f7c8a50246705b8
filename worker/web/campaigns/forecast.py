"""What a campaign would take: calls and time at the limits, and whom the hours hold back.

Segments, too, where a text is known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from config.accounts import Account
from smsline.numbers import is_mainland
from smsline.segments import segments
from smsline.windows import together_s
from worker.providers.base import Provider, Region
from worker.providers.texts import fill
from worker.routing.routes import own_template

# Recipients of a call that brings all of them the same text, where this process has no account to
# ask for its rule.
A_CALL: Final = 200


@dataclass(frozen=True, slots=True)
class HoursClosed:
    """Hours of sending that hold some of a campaign back at its start.

    Attributes:
        account: The account through which it goes; empty where it may be any.
        window: The hours: the campaign's own, the account's, or what is in both.
        countries: Country -> seconds after the start at which they begin there; infinite: never in
            all of its time zones at once.
    """

    account: str
    window: str
    countries: Mapping[str, float]


def calls_and_seconds(
    providers: Mapping[str, Provider], regions: Mapping[Region, int], *, own_params: bool, pace: float
) -> tuple[int, float]:
    """Calls of the first account, and seconds at the limits of all; 0 s when nothing limits.

    Seconds are those at the pace, if that is slower.

    Args:
        providers: The accounts that it may go through.
        regions: Recipients by region.
        own_params: Whether each brings params of its own.
        pace: Recipients a second at most; 0 for no such limit.
    """
    recipients, calls, seconds = sum(regions.values()), 0, 0.0
    for region, count in regions.items():
        per_call = 1 if own_params else A_CALL
        if providers:
            rule = next(iter(providers.values())).batch_rule(region)
            own = rule.own or rule
            per_call = rule.limit if not own_params else own.limit if own.params_differ else 1
        here = -(-count // per_call)  # mainland and global numbers never share a call
        # All accounts at once: the router spreads what one of them cannot take.
        rate = sum(each.limits.get(each.batch_rule(region).action, 0.0) for each in providers.values())
        calls, seconds = calls + here, seconds + (here / rate if rate else 0.0)
    return calls, max(seconds, recipients / pace if pace else 0.0)


def text_of(accounts: Mapping[str, Account], template: str) -> tuple[str, Account] | None:
    """The text of a template, and the account that has it, where the settings know one.

    Most providers keep it to themselves.
    """
    for account in accounts.values():
        own = own_template(account, template)
        if own and own.id.lower() in account.texts:
            return account.texts[own.id.lower()], account
    return None


def segments_of(text: str, numbers: Sequence[int], params: Sequence[Sequence[str]], *, sign: str) -> int:
    """Segments of a text to some numbers, each with its params.

    What does not fill the text's places counts none.
    """
    # As it would go out: a param of another alphabet makes the whole text UCS-2, at less than half
    # the room.
    filled = [fill(text, each) for each in params]
    return sum(
        segments(each, mainland=is_mainland(number), sign=sign).count
        for number, each in zip(numbers, filled, strict=True)
        if each is not None
    )


def closed_at(
    accounts: Mapping[str, Account], countries: Sequence[str], *, lane: str, window: str, start_s: float
) -> list[HoursClosed]:
    """Hours that would hold some countries' recipients back at the start, each with how long.

    Args:
        accounts: Through which it may go.
        countries: Of its recipients.
        lane: Of the campaign; an account's hours are for marketing.
        window: The campaign's own hours, or empty.
        start_s: When it starts, epoch seconds.
    """
    found = list[HoursClosed]()
    of_accounts = {name: each.window for name, each in accounts.items() if each.window and lane == "marketing"}
    # Accounts without hours of their own are alike.
    for name, its in {"": "", **of_accounts}.items():
        texts = [text for text in (window, its) if text]
        # By each country's own clocks, as the workers do it: a window is the recipient's day, not
        # the sender's.
        waits = {country: together_s(texts, country, start_s) for country in countries}
        held = {country: wait_s for country, wait_s in waits.items() if wait_s}
        found += [HoursClosed(name, " and ".join(texts), held)] if held else []
    return found
