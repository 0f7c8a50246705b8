"""What the pages say, held against the code.

Links, files, settings, states, the payload and its schema, the first example.
"""

import ast
import base64
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest

from config.accounts import Account
from config.settings import Settings
from smsline import cli, job, job_values, row_values, windows
from smsline.job import ROW_SWITCHES, JobSpec
from smsline.ledger import inbox, jobs
from smsline.ledger.link import Ledger
from smsline.names import LANES, PAYLOAD_VERSION, Lane
from smsline.states import MOVES
from worker.engine import Engine
from worker.intake.submit import job_id_of, submit_payload

ROOT = Path(__file__).parents[3]
# Every folder's own pages too; not what lies in the tree without belonging to it (.venv).
PAGES = sorted(
    [*ROOT.glob("*.md"), *(page for top in ("docs", "worker", "bench") for page in (ROOT / top).glob("**/*.md"))]
)
OWN_PAGES = [page for page in PAGES if page.name not in {"codes.md", "review.md", "overrides.md", "CHANGELOG.md"}]
PAYLOAD_PAGE = (ROOT / "docs" / "payload.md").read_text()
SCHEMA: dict[str, Any] = json.loads((ROOT / "docs" / "payload.schema.json").read_text())
PAYLOAD, MESSAGE = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAYLOAD_PAGE, re.DOTALL))


def name_of(page: Path) -> str:
    """The page as a test's name."""
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made on the web."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    """A link within the repository names a file that is there, and a heading that is in it."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if not target.startswith("http"):
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            assert file.exists(), target
            assert not anchor or anchor in anchors(file), target


def test_every_page_and_decision_is_in_the_index() -> None:
    """A page that the index leaves out is found by those alone who know its name."""
    docs = ROOT / "docs"
    named = re.findall(r"\]\(([^)#\s]+)", (docs / "README.md").read_text())
    pages = {str(page.relative_to(docs)) for page in docs.glob("**/*.md")} - {"README.md"}
    assert pages - set(named) == set()


@pytest.mark.parametrize("page", OWN_PAGES, ids=name_of)
def test_every_file_named_is_there(page: Path) -> None:
    """A path in backticks is a file or folder of the repository, with the name said to be in it."""
    text, path_of = page.read_text(), r"`((?:smsline|worker|config|tasks|tests|docs)/[\w/.]*\w)`"
    for path in re.findall(path_of, text):
        assert (ROOT / path).exists(), path
    for name, path in re.findall(rf"`(\w+)` (?:in|of) {path_of}", text):
        assert name in (ROOT / path).read_text(), (name, path)


@pytest.mark.parametrize("page", [page for page in PAGES if "```python" in page.read_text()], ids=name_of)
def test_every_name_that_a_page_imports_is_there(page: Path) -> None:
    """What an example takes from this repository can be imported, and has what it asks for."""
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        tree, found = ast.parse(block), dict[str, Any]()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] in {"smsline", "worker", "config"}:
                for each in node.names:
                    try:
                        found[each.asname or each.name] = getattr(import_module(str(node.module)), each.name)
                    except AttributeError:
                        found[each.asname or each.name] = import_module(f"{node.module}.{each.name}")
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in found:
                assert hasattr(found[node.value.id], node.attr), f"{node.value.id}.{node.attr}"


@pytest.mark.parametrize("page", OWN_PAGES, ids=name_of)
def test_every_setting_named_exists(page: Path) -> None:
    """`SMSLINE_…` names a setting of the service; one of an account, after the account's name."""
    for setting in re.findall(r"SMSLINE_([A-Z][A-Z0-9_]*)", page.read_text()):
        name, *rest = setting.lower().split("__")
        name = name if name in Settings.model_fields else name.removesuffix("_file")
        assert name in {*Settings.model_fields, "config", "secrets_dir", "alive_dir"}, setting
        rest = [part.removesuffix("_file") for part in rest]
        assert name != "accounts" or len(rest) < 2 or not rest[1] or rest[1] in Account.model_fields, setting


def test_every_command_of_the_tour_exists() -> None:
    """What the README types after `smsline` is a command."""
    typed = set(re.findall(r"^\$ smsline (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert {"send", "campaign", "status", "results"} <= typed
    for command in sorted(typed):
        assert cli.main([command, "--help"]) == 0, command


def test_the_readmes_example_is_the_one_that_is_type_checked() -> None:
    """The first Python that a newcomer reads is word for word what `make check` gives to mypy."""
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    _, checked = (ROOT / "tests" / "typing" / "readme.py").read_text().split("\n\n", 1)
    assert checked == block


def moves_told() -> Iterator[tuple[str, str]]:
    """From and to of every row of the table of moves."""
    page = (ROOT / "docs" / "states.md").read_text()
    table = page[page.index("## Every move") : page.index("## A job")]
    yield from re.findall(r"^\| (\w+) \| (\w+) \|", table.replace("| from | to |", ""), re.MULTILINE)


def test_the_table_of_moves_is_the_codes() -> None:
    """Every move that the code allows is told, once, and no other."""
    allowed = sorted((str(start), str(end)) for start, ends in MOVES.items() for end in ends)
    assert sorted(moves_told()) == allowed


def test_the_picture_shows_the_moves_that_are_made() -> None:
    """The diagram and the table have the same arrows."""
    page = (ROOT / "docs" / "states.md").read_text()
    drawn = re.findall(r"^    (\w+) --> (\w+):", page, re.MULTILINE)
    assert sorted(drawn) == sorted(moves_told())


def test_the_schema_knows_the_fields_that_the_worker_takes() -> None:
    """Version, recipients and every field of a job; `at` for its start.

    Not whether parts go out as they come, which are here at once.
    """
    taken = {field.name for field in fields(JobSpec)} - {"start_s", "stream"} | {"v", "to", "at"} | ROW_SWITCHES
    assert SCHEMA["properties"].keys() == taken
    assert SCHEMA["additionalProperties"] is False
    assert SCHEMA["properties"]["v"]["const"] == PAYLOAD_VERSION
    rows = re.findall(r"^\| `(\w+)` \|", PAYLOAD_PAGE, re.MULTILINE)
    assert set(rows) == taken


def test_the_schemas_bounds_are_the_codes() -> None:
    """Lanes, lengths and limits are the constants that the worker checks with."""
    held = SCHEMA["properties"]
    assert [*LANES, None] == held["lane"]["enum"]
    assert get_args(Lane) == LANES
    assert held["params"]["maxItems"] == row_values.MAX_PARAMS
    assert held["params"]["items"]["maxLength"] == row_values.MAX_PARAM_CHARS
    assert held["ttl_s"]["maximum"] == job.MAX_TTL_S
    assert held["key"]["maxLength"] == job.MAX_KEY_CHARS
    assert held["to"]["items"]["anyOf"][1]["properties"]["ref"]["maxLength"] == row_values.MAX_REF_CHARS
    assert held["to"]["items"]["anyOf"][1]["properties"]["params"] == held["params"]
    assert held["template"]["pattern"] == f"^{job._TEMPLATE.pattern}$"
    assert held["sender"]["pattern"] == f"^{job._SENDER.pattern}$"
    assert held["extend"]["pattern"] == f"^{job._EXTEND.pattern}$"
    assert held["account"]["pattern"] == f"^({job_values._ACCOUNT.pattern})?$"
    assert held["window"]["pattern"] == f"^({windows._WINDOW.pattern})?$"


@pytest.mark.parametrize("payload", [PAYLOAD, *SCHEMA["examples"]])
def test_the_payloads_shown_become_jobs(ledger: Ledger, payload: dict[str, Any]) -> None:
    """A worker takes each example, with all its recipients and values."""
    found = submit_payload(Engine(Settings(), ledger, {}), payload, "message")

    assert found == job_id_of("message")
    status = jobs.read_status(ledger, found)
    assert status is not None
    assert (status["lane"], status["counts"]["waiting"]) == (payload["lane"], len(payload["to"]))


@pytest.mark.parametrize(
    "change",
    [
        {"v": PAYLOAD_VERSION + 1},
        {"to": []},
        {"lane": "sms"},
        {"ttl_s": 0},
        {"ttl": 300},
        {"template": None},
        {"params": ["x"] * (row_values.MAX_PARAMS + 1)},
        {"key": "k" * (job.MAX_KEY_CHARS + 1)},
    ],
    ids=str,
)
def test_what_the_schema_forbids_is_refused(ledger: Ledger, change: dict[str, Any]) -> None:
    """Refused whole, and kept for a person to see, under the key that the page names."""
    assert submit_payload(Engine(Settings(), ledger, {}), {**PAYLOAD, **change}, "message") is None

    assert ledger.redis.zcard(ledger.keys.jobs) == 0
    assert ledger.redis.llen("{t}:refused") == 1
    assert "`{smsline}:refused`" in PAYLOAD_PAGE


def test_the_raw_message_holds_a_payload_and_names_its_job(ledger: Ledger) -> None:
    """A worker takes the message made without a Celery library; its job's id is the page's."""
    args, kwargs, _ = json.loads(base64.b64decode(MESSAGE["body"]))
    assert MESSAGE["headers"]["task"] == "smsline.submit"
    assert kwargs == {}
    found = submit_payload(Engine(Settings(), ledger, {}), args[0], MESSAGE["headers"]["id"])

    assert found is not None
    assert f"`{found}`" in PAYLOAD_PAGE
    (opened,) = inbox.open_jobs(ledger, [found], lease_ms=1000)
    assert opened.spec.params == ("482913",)
