"""Every metric of the contract is served once there is something to tell."""

import re

from smsline.ledger import accounts, dead, due, statistics
from smsline.ledger.link import Ledger
from tests.unit.deploy.test_deploy import METRICS, names_in
from tests.unit.web.conftest import Site

LABELS = {
    "recipients_total": "account lane state",
    "recipients_by_country_total": "account country state",
    "codes_total": "account code kind verdict",
    "calls_total": "account action outcome",
    "call_duration_seconds_count": "account action",
    "call_recipients_count": "",
    "submit_to_accepted_seconds_count": "lane",
    "accepted_to_final_seconds_count": "account",
    "waiting_recipients": "lane",
    "work_due": "lane",
    "oldest_waiting_seconds": "lane",
    "bucket_limit": "account action",
    "receipts_due": "account",
    "receipts_unmatched_total": "account",
    "unsure_recipients": "account",
    "account_up": "account",
    "parked_since_seconds": "account code template",
    "credit": "account",
    "dead_recipients": "account code",
    "open_jobs": "",
    "webhook_deliveries_total": "endpoint outcome",
    "worker_last_pulse_seconds": "queue",
}
"""The labels of each metric, and no others: dashboards elsewhere sum over them."""

ACCOUNT = {"main": {"provider": "tencent", "secret_id": "i", "secret_key": "k", "sdk_app_id": "1", "sign": "s"}}


def test_every_metric_that_alerts_and_dashboards_ask_for_is_served(site: Site, web_ledger: Ledger) -> None:
    """By name and to the letter."""
    keys, redis = web_ledger.keys, web_ledger.redis
    accounts.register(web_ledger, {"main": "tencent"})
    accounts.park(web_ledger, "main", "", "FailedOperation.InsufficientBalanceInSmsPackage", probe_ms=60_000)
    redis.hset(keys.breaker("main"), mapping={"held_ms": 1, "probe_ms": 0, "code": "http.502"})
    accounts.note_credit(web_ledger, "main", accounts.Credit(balance="1", currency="EUR", messages=20, at_ms=1))
    due.note_scheduler(web_ledger, ["smsline.otp"])
    redis.hset(keys.dead, "main X 1job", 3)
    dead.recount(web_ledger)
    redis.zadd(keys.open, {"1job": 1})
    redis.hset(keys.job("1job"), mapping={"lane": "otp", "waiting": 2, "state": "open", "created_ms": 5})
    fields = [
        *("r|main|otp|accepted", "c|main|CN|accepted", "l|main|SendSms|ok", "k|main|send|X", "w|shop|ok"),
        *("g|otp|waiting", "h|submit_to_accepted_seconds|otp|5", "h|accepted_to_final_seconds|main|5"),
        *("h|call_duration_seconds|main|SendSms|5", "h|call_recipients|200"),
    ]
    for field in fields:
        redis.hincrby(keys.stats, field, 1)

    text = site(accounts=ACCOUNT).get("/metrics").text

    assert names_in(text) >= METRICS - {"ledger_memory_bytes", "ledger_memory_limit_bytes"}  # fakeredis has no INFO
    shown = re.findall(r"^smsline_(\w+?)(?:\{(.*)\})? \S+$", text, re.MULTILINE)
    assert {
        name: " ".join(sorted(re.findall(r'(\w+)="', labels))) for name, labels in shown if name in LABELS
    } == LABELS
    assert statistics.totals(web_ledger)["r|main|otp|accepted"] == 1
