"""How long a batch queue waits for its job's window and the account's hours in a country."""

import logging
import math
from collections.abc import Callable, Mapping
from typing import Final

from config.accounts import Account
from smsline.countries import country_of
from smsline.ledger.batch_queues import BatchQueue, region_text
from smsline.ledger.hours import country_of_queue
from smsline.windows import together_s

# How long a batch queue waits whose window is never open, until it is looked at, and told of,
# again.
NEVER_OPEN_S: Final = 3_600.0

log = logging.getLogger(__name__)


def country_for(account: Account | None, lane: str, window: str, number: int) -> str:
    """The country of a global number where the hour of sending depends on it, else empty.

    Args:
        account: Where it goes; None where this process does not have it.
        lane: Of its job.
        window: The job's own.
        number: The recipient's.
    """
    of_account = account.window if account is not None and lane == "marketing" else ""
    # A named zone, behind a blank, is the same for every number. It is not looked up here: on the
    # way to a record a known outcome must not be lost over a zone that this machine does not know.
    by_country = any(text and " " not in text for text in (window, of_account))
    return country_of(number) if by_country else ""


def queue_at(queue: BatchQueue, account: Account, name: str, number: int) -> BatchQueue:
    """The batch queue of the same messages at another account.

    With the recipient's country where the hour there depends on it.

    Args:
        queue: Where the recipient is.
        account: Where it goes.
        name: What smsline calls that account.
        number: The recipient's.
    """
    letter = queue.region[0]
    country = country_for(account, queue.lane, queue.window, number) if letter == "g" else ""
    return queue._replace(account=name, region=region_text(letter, country, queue.window))


def queue_closed_s(accounts: Mapping[str, Account], queue: BatchQueue, now_ms: Callable[[], int]) -> float:
    """How long a batch queue must wait for its job's window and its account's, seconds.

    Args:
        accounts: All that are configured.
        queue: Which.
        now_ms: The present by Redis, epoch ms; asked for only where there is a window.
    """
    account = accounts.get(queue.account)
    # An account's hours are for marketing: codes and notices are wanted at night too.
    of_account = account.window if account is not None and queue.lane == "marketing" else ""
    windows = [text for text in (queue.window, of_account) if text]
    if not windows:
        return 0.0
    country = country_of_queue(queue)
    try:
        wait_s = together_s(windows, country, now_ms() / 1000)
    except ValueError as error:  # another machine's zones may be newer
        log.error("account %s: window %s %s; upgrade tzdata", queue.account, queue.window, error)  # noqa: TRY400 - says all
        return NEVER_OPEN_S
    if math.isfinite(wait_s):
        return wait_s
    log.error(
        "account %s: %s to %s is never sent, and ends with its ttl: hours do not meet, the window %s is never open in all"
        " time zones there at once; widen the window",
        queue.account,
        queue.lane,
        country or "any country",
        " with the job's ".join(reversed(windows)),
    )
    return NEVER_OPEN_S
