"""Batch keys: which numbers may share a call, and how a part is cut into blocks."""

import json

import pytest

from smsline.job import JobSpec
from smsline.ledger.accepting import Block
from smsline.ledger.batch_queues import OWN, SHARED, parse_queue
from smsline.ledger.inbox import Part
from worker.intake.batching import AccountChoice, content_json, lay_out, read_content
from worker.providers.base import Region

FIRST = 8613700000000
FRENCH = 33612345000
SPEC = JobSpec.checked({"template": "5678", "params": ["job"], "lane": "marketing"})


def route(_number: int, _region: Region) -> AccountChoice:
    """One account for all, whose calls hold one set of params."""
    return AccountChoice("main", "S", params_differ=False)


def freely(_number: int, _region: Region) -> AccountChoice:
    """One account for all, whose calls hold any params."""
    return AccountChoice("main", "S", params_differ=True)


def numbers_of(blocks: list[Block]) -> list[list[int]]:
    """The numbers of each block."""
    return [list(block.numbers) for block in blocks]


def test_a_part_is_cut_into_blocks_of_two_hundred_in_its_order() -> None:
    """All in one batch queue, with the job's params."""
    blocks = lay_out(SPEC, Part(range(FIRST, FIRST + 450)), route)
    assert [len(block.numbers) for block in blocks] == [200, 200, 50]
    assert [number for block in blocks for number in block.numbers] == list(range(FIRST, FIRST + 450))
    assert {block.queue for block in blocks} == {blocks[0].queue}
    assert {(block.params, block.own_params, block.refs) for block in blocks} == {('["job"]', "", "")}


def test_mainland_and_global_numbers_are_in_lines_of_their_own() -> None:
    """The batch queue says which."""
    blocks = lay_out(SPEC, Part([FIRST, FRENCH, FIRST + 1]), route)
    assert numbers_of(blocks) == [[FIRST, FIRST + 1], [FRENCH]]
    assert [parse_queue(block.queue).region for block in blocks] == ["m", "g"]


def test_equal_params_of_single_numbers_share_a_block() -> None:
    """And those that equal the job's share its batch queue; the rest keep each their own."""
    part = Part([FIRST + n for n in range(5)], [["a"], ["a"], None, ["b"], ["job"]])
    blocks = lay_out(SPEC, part, route)
    shared = {block.params: list(block.numbers) for block in blocks if block.params}
    assert shared == {'["a"]': [FIRST, FIRST + 1], '["job"]': [FIRST + 2]}
    (own,) = [block for block in blocks if block.own_params]
    assert (list(own.numbers), json.loads(own.own_params)) == ([FIRST + 3, FIRST + 4], [["b"], ["job"]])
    assert parse_queue(own.queue).params == OWN


def test_any_params_share_a_block_where_the_provider_lets_them() -> None:
    """Each number keeps its own beside it."""
    part = Part([FIRST, FIRST + 1, FIRST + 2], [["a"], ["a"], ["b"]])
    (block,) = lay_out(SPEC, part, freely)
    assert json.loads(block.own_params) == [["a"], ["a"], ["b"]]


def test_names_stay_with_their_numbers() -> None:
    """A block in which no recipient has one keeps none."""
    blocks = lay_out(SPEC, Part([FIRST, FRENCH, FIRST + 1], None, ["", "", "x"]), route)
    assert [block.refs for block in blocks] == ['["","x"]', ""]


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"params": ["job"]}, True),
        ({"key": "k", "ttl_s": 5, "pace": 500}, True),
        ({"template": "other"}, False),
        ({"params": ["other"]}, False),
        ({"sign": "Other"}, False),
        ({"sign": "S"}, True),
        ({"sender": "X"}, False),
        ({"extend": "12"}, False),
        ({"lane": "notify"}, False),
    ],
)
def test_jobs_share_a_line_when_all_that_a_call_says_is_equal(change: dict[str, object], *, same: bool) -> None:
    """Content and lane decide; key, ttl and pace do not."""
    other = JobSpec.checked({"template": "5678", "params": ["job"], "lane": "marketing", **change})
    queues = [lay_out(spec, Part([FIRST]), route)[0].queue for spec in (SPEC, other)]
    assert (queues[0] == queues[1]) is same


def test_accounts_have_lines_of_their_own() -> None:
    """Each with its signature, where the job names none."""
    blocks = lay_out(
        SPEC,
        Part([FIRST, FIRST + 1]),
        lambda number, _: AccountChoice(f"a{number % 2}", f"S{number % 2}", params_differ=False),
    )
    assert {(parse_queue(block.queue).account, json.loads(block.content)[1]) for block in blocks} == {
        ("a0", "S0"),
        ("a1", "S1"),
    }


def test_params_are_not_readable_in_a_line() -> None:
    """Its name is seen in logs and in Redis' own tools."""
    spec = JobSpec.checked({"template": "5678", "params": ["482913"]})
    (block,) = lay_out(spec, Part([FIRST]), route)
    assert "482913" not in block.queue
    assert "482913" not in block.content


def test_what_is_said_survives_its_keeping() -> None:
    """Any text comes back as it was."""
    spec = JobSpec.checked({"template": "5678", "sign": '签名 "x"', "sender": "ACME", "extend": "01"})
    content = read_content(content_json(spec, route(FIRST, "mainland")), ("a", ""))
    assert (content.template, content.params, content.sign, content.sender, content.extend) == (
        "5678",
        ("a", ""),
        '签名 "x"',
        "ACME",
        "01",
    )


def test_a_paced_job_is_cut_into_seconds() -> None:
    """So that its pace is smooth."""
    spec = JobSpec.checked({"template": "5678", "pace": 30})
    blocks = lay_out(spec, Part(range(FIRST, FIRST + 100)), route)
    assert [len(block.numbers) for block in blocks] == [30, 30, 30, 10]
    assert parse_queue(blocks[0].queue).params == SHARED
