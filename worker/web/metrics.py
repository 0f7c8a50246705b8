"""`/metrics`: Prometheus text, read from the ledger at the scrape.

So it is right for any number of workers and restarts.

A source is a function from the ledger to families; a new one is a line in `SOURCES`.
"""

import hmac
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address
from typing import Final

from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from smsline.ledger import accounts, attempts
from smsline.ledger.server import memory_bytes
from worker.web.context import Web, address_of, web_of
from worker.web.families import Family
from worker.web.metrics_accounts import of_accounts
from worker.web.metrics_statistics import counted, schedulers, waiting

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def build_info(web: Web) -> Iterator[Family]:
    """Which version this is."""
    yield Family("build_info", "The version that serves this page.", samples=[({"version": web.version}, 1)])


def account_health(web: Web) -> Iterator[Family]:
    """How the accounts stand: up, parked since when, open receipts, calls of unknown outcome."""
    ledger = web.ledger
    now_ms = ledger.now_ms()
    up = Family(
        "account_up",
        "1 while nothing of the account is parked, it is not held, and no other account takes over from it.",
    )
    due = Family("receipts_due", "Recipients of the account whose receipt has not come.")
    unmatched = Family("receipts_unmatched_total", "Receipts that belong to no message of this ledger.", "counter")
    unsure = Family("unsure_recipients", "Recipients whose call may or may not have been carried out.")
    parked = Family("parked_since_seconds", "For how long the account, or a template of it, has been parked.")
    held = Family(
        "held_since_seconds", "For how long the account's circuit breaker has held it, by the code of its last failure."
    )
    for name, provider in accounts.registered(ledger).items():
        health, labels = accounts.health(ledger, name, provider), {"account": name}
        up.samples.append((labels, float(not (health["parked"] or health["held"] or health["out"]))))
        due.samples.append((labels, health["outstanding"]))
        unmatched.samples.append((labels, health["orphans"]))
        unsure.samples.append((labels, attempts.unsure_count(ledger, name)))
        if breaker := health["held"]:
            about = {**labels, "code": breaker["code"]}
            held.samples.append((about, max(0.0, (now_ms - breaker["since_ms"]) / 1000)))
        for park in health["parked"]:
            # The template's id alone: what stands behind it tells jobs apart, a series for each.
            about = {**labels, "template": park["template"].partition("|")[0], "code": park["code"]}
            parked.samples.append((about, max(0.0, (now_ms - park["since_ms"]) / 1000)))
    yield from (up, due, unmatched, unsure, parked, held)


def memory(web: Web) -> Iterator[Family]:
    """What the ledger costs."""
    if found := memory_bytes(web.ledger):
        used, limit = found
        yield Family("ledger_memory_bytes", "Memory of the ledger's Redis.", samples=[({}, used)])
        yield Family("ledger_memory_limit_bytes", "What it may use; 0 for all there is.", samples=[({}, limit)])


SOURCES: Final[tuple[Callable[[Web], Iterable[Family]], ...]] = (
    build_info,
    counted,
    waiting,
    account_health,
    schedulers,
    memory,
    of_accounts,
)


def metrics(request: Request) -> Response:
    """Everything that is known, for a scraper on this machine or one that brings the token."""
    web = web_of(request)
    if not _may_scrape(request, web):
        return PlainTextResponse(
            "give SMSLINE_WEB__METRICS_TOKEN as bearer token\n", 401, {"www-authenticate": "Bearer"}
        )
    try:
        families = [family for source in SOURCES for family in source(web)]
    except RedisError as error:
        # 503 and no old figures: a graph must show the gap.
        return PlainTextResponse(f"the ledger's Redis cannot be reached ({type(error).__name__})\n", 503)
    # A family without samples would be two lines that say nothing.
    text = "".join(f"{line}\n" for family in families if family.samples for line in family.lines())
    return Response(text, media_type=CONTENT_TYPE)


def _may_scrape(request: Request, web: Web) -> bool:
    token = web.settings.web.metrics_token.get_secret_value()
    # In constant time, as for every secret.
    if token and hmac.compare_digest(request.headers.get("authorization", "").encode(), f"Bearer {token}".encode()):
        return True
    try:
        return ip_address(address_of(request)).is_loopback
    except ValueError:
        return False


routes: Final = [Route("/metrics", metrics)]
