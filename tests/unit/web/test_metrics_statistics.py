"""Metrics from the ledger's statistics: counters, histograms in Prometheus' shape, few codes."""

from smsline.ledger import accounts, due, statistics
from smsline.ledger.link import Ledger
from tests.unit.web.conftest import Site


def raise_counters(ledger: Ledger, fields: list[tuple[str, int]]) -> None:
    """Raise counters as scripts do."""
    for field, by in fields:
        ledger.redis.hincrby(ledger.keys.stats, field, by)


def scraped(site: Site) -> list[str]:
    """The lines of a scrape."""
    return site().get("/metrics").text.splitlines()


def test_recipients_calls_and_countries_are_counted(site: Site, web_ledger: Ledger) -> None:
    """With the labels of the contract."""
    raise_counters(
        web_ledger,
        [
            ("r|main|otp|delivered", 7),
            ("c|main|FR|accepted", 3),
            ("l|main|SendSms|ok", 2),
            ("k|main|receipt|MK:0001", 4),
        ],
    )
    accounts.register(web_ledger, {"main": "tencent"})
    lines = scraped(site)
    assert 'smsline_recipients_total{account="main",lane="otp",state="delivered"} 7' in lines
    assert 'smsline_recipients_by_country_total{account="main",country="FR",state="accepted"} 3' in lines
    assert 'smsline_calls_total{account="main",action="SendSms",outcome="ok"} 2' in lines
    assert 'smsline_codes_total{account="main",kind="receipt",code="MK:0001",verdict="dead"} 4' in lines


def test_a_histogram_adds_up_its_bounds_in_seconds(site: Site, web_ledger: Ledger) -> None:
    """Each bound holds those below it; the sum is in seconds, what is above the last is in +Inf."""
    for ms in (5, 1000, 1000, 10**9):
        raise_counters(web_ledger, statistics.time_fields("submit_to_accepted_seconds|otp", ms))
    lines = scraped(site)
    name = "smsline_submit_to_accepted_seconds"
    assert f'{name}_bucket{{lane="otp",le="0.008"}} 1' in lines
    assert f'{name}_bucket{{lane="otp",le="0.512"}} 1' in lines
    assert f'{name}_bucket{{lane="otp",le="1.024"}} 3' in lines
    assert f'{name}_bucket{{lane="otp",le="+Inf"}} 4' in lines
    assert f'{name}_count{{lane="otp"}} 4' in lines
    assert f'{name}_sum{{lane="otp"}} 1000002.005' in lines


def test_rare_codes_are_added_up(site: Site, web_ledger: Ledger) -> None:
    """The 200 most frequent have a label of their own."""
    accounts.register(web_ledger, {"main": "tencent"})
    raise_counters(web_ledger, [(f"k|main|receipt|C{n}", n) for n in range(1, 206)])
    codes = [line for line in scraped(site) if line.startswith("smsline_codes_total")]
    assert len(codes) == 201
    assert 'smsline_codes_total{account="main",kind="receipt",code="other",verdict="unsure"} 15' in codes


def test_queues_tell_since_when_no_scheduler_has_looked(site: Site, web_ledger: Ledger) -> None:
    """Right after a look it is nothing."""
    due.note_scheduler(web_ledger, ["smsline.otp"])
    (line,) = [line for line in scraped(site) if line.startswith("smsline_worker_last_pulse_seconds")]
    assert float(line.split()[-1]) < 5
