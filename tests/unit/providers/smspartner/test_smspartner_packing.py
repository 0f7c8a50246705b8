"""How jobs share calls at a provider that takes a text per number.

What may go together, and what never may.
"""

from collections.abc import Sequence

import fakeredis
import pytest

from smsline.job import JobSpec, new_job_id
from smsline.ledger import accepting, batch_queues, inbox, waits
from smsline.ledger.accepting import Timing
from smsline.ledger.batch_queues import StartedCall, parse_queue
from smsline.ledger.inbox import Part
from smsline.ledger.link import Ledger
from tests.support.world import TERMS
from worker.intake.batching import AccountChoice, lay_out

EACH = AccountChoice("french", "ACME", params_differ=True)
SAME = AccountChoice("main", "ACME", params_differ=False)
FIRST = 33612340000


@pytest.fixture
def ledger() -> Ledger:
    """An empty ledger without a server."""
    return Ledger(fakeredis.FakeRedis(server=fakeredis.FakeServer()), "t")


def spec(*params: str) -> JobSpec:
    """A one-time password."""
    return JobSpec.checked({"template": "login", "lane": "otp", "params": list(params)})


def test_single_numbers_with_different_params_share_a_line() -> None:
    """Two jobs of one number each, with different codes, wait for the same call."""
    (one,) = lay_out(spec("482913"), Part([FIRST]), lambda *_: EACH)
    (other,) = lay_out(spec("771200"), Part([FIRST + 1]), lambda *_: EACH)

    assert one.queue == other.queue
    assert parse_queue(one.queue).params == "p"
    assert (one.params, one.own_params) == ("", '[["482913"]]')


def test_elsewhere_they_do_not() -> None:
    """A provider that wants the params of a call equal gets one line for each."""
    (one,) = lay_out(spec("482913"), Part([FIRST]), lambda *_: SAME)
    (other,) = lay_out(spec("771200"), Part([FIRST + 1]), lambda *_: SAME)

    assert one.queue != other.queue
    assert (one.params, one.own_params) == ('["482913"]', "")


def test_a_campaign_keeps_its_params_once() -> None:
    """Many numbers with the same params do not repeat them for each."""
    (block,) = lay_out(spec("noon"), Part([FIRST, FIRST + 1]), lambda *_: EACH)

    assert (block.params, block.own_params) == ('["noon"]', "")


def jobs_of(ledger: Ledger, numbers: Sequence[int]) -> list[str]:
    """A job for each number, accepted into the same line; the line."""
    found = []
    for place, number in enumerate(numbers):
        job, made = new_job_id(), spec(f"{place:06d}")
        inbox.submit_part(ledger, job, made, Part([number]), part_no=0, parts=1)
        blocks = lay_out(made, Part([number]), lambda *_: EACH)
        accepting.accept_part(ledger, job, 0, lane="otp", blocks=blocks, timing=Timing())
        found += [block.queue for block in blocks]
    assert len(set(found)) == 1
    return found


def begin(ledger: Ledger, line: str) -> list[int]:
    """The numbers of the next call of a line."""
    attempt = ledger.attempt_ids.take()
    claim = batch_queues.take(ledger, parse_queue(line), attempt, limit=500, linger_ms=0, lease_ms=60_000, worker="w")
    assert claim is not None
    begun = batch_queues.begin(ledger, claim, TERMS)
    assert isinstance(begun, StartedCall)
    return [number for group in begun.groups for number in group.numbers]


def test_one_number_is_once_in_a_call(ledger: Ledger) -> None:
    """Two codes for the same number never share a call, which could say only one of them.

    The second goes with the next.
    """
    (line, *_) = jobs_of(ledger, [FIRST, FIRST + 1, FIRST])

    assert begin(ledger, line) == [FIRST, FIRST + 1]
    assert waits.move_due(ledger, ledger.keys.later, only_due=True) == 1
    assert begin(ledger, line) == [FIRST]
