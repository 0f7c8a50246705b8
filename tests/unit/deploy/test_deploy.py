"""What is shipped for Prometheus and Grafana: rules that fire in outages, and names that exist."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARDS = sorted((ROOT / "deploy" / "grafana").glob("*.json"))
HISTOGRAM = ("_bucket", "_sum", "_count")
METRICS = {
    *("recipients_total", "recipients_by_country_total", "codes_total", "calls_total", "call_duration_seconds"),
    *("call_recipients", "submit_to_accepted_seconds", "accepted_to_final_seconds", "waiting_recipients", "work_due"),
    *("oldest_waiting_seconds", "bucket_limit", "receipts_due", "receipts_unmatched_total", "unsure_recipients"),
    *(
        "account_up",
        "parked_since_seconds",
        "held_since_seconds",
        "credit",
        "dead_recipients",
        "open_jobs",
        "webhook_deliveries_total",
    ),
    *("ledger_memory_bytes", "ledger_memory_limit_bytes", "worker_last_pulse_seconds", "build_info"),
}


def names_in(text: str) -> set[str]:
    """The metrics that a text names, without their prefix and without a histogram's endings."""
    found = set(re.findall(r"\bsmsline_([a-z_]+)\b", text)) - {"metrics_token"}
    return {name.removesuffix(next((end for end in HISTOGRAM if name.endswith(end)), "")) for name in found}


@pytest.mark.parametrize("path", [PROMETHEUS / "alerts.yml", *DASHBOARDS], ids=lambda path: path.name)
def test_only_metrics_that_exist_are_asked_for(path: Path) -> None:
    """A misspelt name is an alert that never fires."""
    assert names_in(path.read_text()) <= METRICS


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_a_dashboard_can_be_imported(path: Path) -> None:
    """It has a title, panels with a query each, and asks for its data source."""
    board = json.loads(path.read_text())
    assert board["title"].startswith("smsline")
    assert all(panel["targets"] and panel["title"] for panel in board["panels"])
    assert board["templating"]["list"][0]["type"] == "datasource"


def test_every_alert_names_a_page_that_is_there() -> None:
    """The person on call has something to read; some outage played below fires each."""
    rules = (PROMETHEUS / "alerts.yml").read_text()
    played = "".join(path.read_text() for path in PROMETHEUS.glob("*_test.yml"))
    fired = re.findall(r"alertname: (\w+)\n\s+exp_alerts:\n", played)
    assert set(re.findall(r"alert: (\w+)", rules)) == set(fired)
    pages = re.findall(r"runbook: (\S+)", rules)
    assert len(pages) >= 15
    assert all((ROOT / page).exists() for page in pages)


@pytest.mark.parametrize(
    "command", [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml", "alerts_week_test.yml"]]
)
def test_alerts_fire_in_outages_and_only_then(command: list[str]) -> None:
    """Prometheus' own tool plays the outages."""
    tool = shutil.which("promtool")
    if tool is None:
        assert not os.environ.get("CI"), "CI installs prometheus for this test"
        pytest.skip("no promtool here: apt-get install prometheus")
    ran = subprocess.run([tool, *command], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
