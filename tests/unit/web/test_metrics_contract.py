"""Every metric of the contract is served once there is something to tell."""

from smsline.ledger import accounts, dead, due, statistics
from smsline.ledger.link import Ledger
from tests.unit.deploy.test_deploy import METRICS, names_in
from tests.unit.web.conftest import Site

ACCOUNT = {"main": {"provider": "tencent", "secret_id": "i", "secret_key": "k", "sdk_app_id": "1", "sign": "s"}}


def test_every_metric_that_alerts_and_dashboards_ask_for_is_served(site: Site, web_ledger: Ledger) -> None:
    """By name and to the letter."""
    keys, redis = web_ledger.keys, web_ledger.redis
    accounts.register(web_ledger, {"main": "tencent"})
    accounts.park(web_ledger, "main", "", "FailedOperation.InsufficientBalanceInSmsPackage", probe_ms=60_000)
    redis.hset(keys.breaker("main"), mapping={"held_ms": 1, "probe_ms": 0, "code": "http.502"})
    accounts.note_credit(web_ledger, "main", accounts.Credit(balance="1", currency="EUR", messages=20, at_ms=1))
    due.note_pulse(web_ledger, ["smsline.otp"])
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
    assert statistics.totals(web_ledger)["r|main|otp|accepted"] == 1
