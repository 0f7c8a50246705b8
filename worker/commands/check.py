"""`python -m worker check`: findings about settings, Redis, broker and accounts, with advice.

The judgements are pure functions over what was found out; `check_all` finds it out.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from kombu.connection import Connection
from redis.exceptions import RedisError, ResponseError
from rich.table import Table
from rich.text import Text

from config.celery import celery_options
from config.providers import facts_of
from config.redaction import Redactor
from config.settings import Settings, SettingsError, load_settings, loose_key_files
from smsline.cli.output import cell
from smsline.cli.output import show as show_table
from smsline.ledger import server
from smsline.ledger.connection import connect
from smsline.ledger.keys import Keys
from smsline.ledger.link import Ledger
from smsline.ledger.refusals import explain
from smsline.urls import is_redis, read_url, shown
from worker.commands.check_ledger import look_at_ledger
from worker.commands.check_texts import cost_of_texts

OLDEST_REDIS: Final = (6, 2)
# A round trip above this shows in every claim; Redis belongs near the workers.
SLOW_MS: Final = 5.0

_TIMEOUT_S: Final = 3.0


class Grade(StrEnum):
    """What a finding means."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Attributes:
        subject: What was looked at.
        grade: ok, or how bad it is.
        detail: What was found.
        advice: What to do, or empty.
        exit_code: What the command ends with if this is the worst.
    """

    subject: str
    grade: Grade
    detail: str
    advice: str = ""
    exit_code: int = 0


def ok(subject: str, detail: str) -> Finding:
    """Nothing to do."""
    return Finding(subject, Grade.OK, detail)


def warn(subject: str, detail: str, advice: str) -> Finding:
    """It works, at a risk."""
    return Finding(subject, Grade.WARN, detail, advice)


def fail(subject: str, detail: str, advice: str, *, exit_code: int = 1) -> Finding:
    """It does not work."""
    return Finding(subject, Grade.FAIL, detail, advice, exit_code)


def check_all(environ: Mapping[str, str] | None = None) -> list[Finding]:
    """Look at everything that can be looked at.

    Args:
        environ: Instead of this process' environment.

    Returns:
        The findings in the order in which things depend on each other; never empty.
    """
    try:
        settings = load_settings(environ)
    except SettingsError as error:
        return [
            fail("settings", problem, "mend it; the others cannot be looked at", exit_code=2)
            for problem in error.problems
        ]
    # Errors of Redis and of brokers quote the URL they were given, password and all.
    redact = Redactor(settings.secrets)
    redis_findings = [*_look_at_redis(settings, redact)]
    # A broker that is the ledger's Redis has been looked at: it is told where that is well, for a
    # failure is told already.
    shared = settings.broker_url == settings.redis_url
    well = all(finding.grade != Grade.FAIL for finding in redis_findings)
    return [
        ok("settings", f"namespace {settings.namespace}"),
        *(warn("keys", *problem.split("; ", 1)) for problem in loose_key_files(environ)),
        # Settings before Redis, Redis before the broker: what comes first explains what fails after
        # it.
        *redis_findings,
        *([ok("broker", "the same Redis")] if shared and well else () if shared else _look_at_broker(settings, redact)),
        *judge_accounts(settings),
        *judge_routes(settings),
        *judge_texts(settings),
    ]


def judge_redis(url: str, info: Mapping[str, Any]) -> Iterator[Finding]:
    """What Redis' INFO says about its fitness to keep the ledger.

    Args:
        url: Where it is.
        info: INFO as redis-py reads it.
    """
    version = str(info.get("redis_version", "0"))
    # Major and minor alone: patch levels of distributions may carry letters.
    if tuple(int(part) for part in version.split(".")[:2]) >= OLDEST_REDIS:
        yield ok("redis version", version)
    else:
        yield fail("redis version", version, "Celery 5.7 needs Redis 6.2 or later")
    policy = info.get("maxmemory_policy", "noeviction")
    if policy == "noeviction":
        yield ok("redis memory", f"{policy}, {info.get('used_memory_human', '?')} used")
    else:
        yield fail("redis memory", f"maxmemory-policy is {policy}", "set noeviction: an evicted key is a lost job")
    if info.get("aof_enabled"):
        yield ok("redis durability", "append-only file is on")
    else:
        yield warn("redis durability", "no append-only file", "set appendonly yes: a restart of Redis would lose jobs")
    yield judge_openness(url)


def judge_openness(url: str) -> Finding:
    """Whether others than us could talk to this Redis, or listen."""
    place = read_url(url)
    whose = "sentinels" if place.master else place.hosts[0][0]
    if all(_on_loopback(host) for host, _ in place.hosts):
        return ok("redis access", "sentinels on loopback" if place.master else "on loopback")
    if not place.password:
        # A Redis without a password on a network is the whole service's key: a job pushed there is
        # sent.
        return warn(
            "redis access", f"{whose} asks for no password", "set one: every machine that reaches it can send texts"
        )
    if place.tls is None:
        return warn("redis access", "password sent in the clear", "use rediss:// unless the network is trusted")
    if not place.verified:
        return warn(
            "redis access", "TLS without looking at the certificate", "name its CA with ?ssl_ca_certs=/path/ca.pem"
        )
    return ok("redis access", "password and TLS")


def judge_latency(median_ms: float) -> Finding:
    """Whether a round trip to Redis is short enough."""
    detail = f"{median_ms:.2f} ms a round trip"
    return ok("redis latency", detail) if median_ms <= SLOW_MS else warn("redis latency", detail, "move Redis nearer")


def judge_accounts(settings: Settings) -> Iterator[Finding]:
    """Whether there is an account to send through.

    That credentials are complete was checked with the settings.
    """
    if not settings.accounts:
        yield warn(
            "accounts",
            "none is configured; `up` starts the sandbox, which sends nothing",
            "set SMSLINE_ACCOUNTS__<name>__PROVIDER and what it needs: for tencent SECRET_ID, SECRET_KEY and SDK_APP_ID",
        )
    # By endpoint too: the sandbox and the real service may know the same SmsSdkAppId.
    apps = Counter((account.endpoint, account.sdk_app_id) for account in settings.accounts.values())
    for name, account in settings.accounts.items():
        endpoint = urlsplit(account.endpoint)
        subject, detail = f"account {name}", f"{account.provider}, credentials present, {account.endpoint}"
        if settings.bucket_of(name) != name:
            detail += f"; its limits are shared with the account {settings.bucket_of(name)}, which has the same key"
        regions = facts_of(account.provider).regions_at(account.endpoint)
        if account.sdk_app_id and apps[account.endpoint, account.sdk_app_id] > 1:
            yield warn(
                subject, "shares its SmsSdkAppId", "give each its own: receipts are one queue, each given out once"
            )
        elif regions and account.region not in regions:
            yield warn(
                subject,
                f"{detail}: the endpoint does not know the region {account.region}",
                f"set REGION to {' or '.join(regions)}",
            )
        # One finding an account, the gravest first: each line asks for one thing to be done.
        elif endpoint.scheme == "http" and not _on_loopback(endpoint.hostname or ""):
            yield warn(
                subject, f"{account.endpoint} is not encrypted", "use https://: texts and numbers pass in the clear"
            )
        else:
            yield ok(subject, detail)


def judge_routes(settings: Settings) -> Iterator[Finding]:
    """Whether accounts of a route can take each other's traffic, as far as settings tell."""
    for name, route in settings.routes.items():
        whole = sum(route.accounts.values())
        shares = ", ".join(f"{account} {weight / whole:.0%}" for account, weight in route.accounts.items())
        numbers = ", ".join(f"+{prefix}" for prefix in route.prefixes) or "every number"
        after = f", then {', '.join(route.fallback)}" if route.fallback else ""
        detail = f"{numbers}, {', '.join(route.lanes) or 'every lane'}: {shares}{after}"
        named = {account: settings.accounts[account] for account in route.named()}
        # Template ids are the provider's own: with two providers, or two sites, one id cannot fit
        # both.
        mixed = len({(account.provider, account.site) for account in named.values()}) > 1
        bare = [each for each, account in named.items() if mixed and not account.templates and not account.texts]
        if bare:
            yield warn(
                f"route {name}",
                f"{detail}; {', '.join(bare)} takes the template ids that jobs name as they are",
                "say in [accounts.<name>.templates] what stands for them there, or make sure that they are the same",
            )
        else:
            yield ok(f"route {name}", detail)


def judge_texts(settings: Settings) -> Iterator[Finding]:
    """What the texts cost that are known here; the other providers keep them."""
    for name, account in settings.accounts.items():
        for cost in cost_of_texts(account.texts):
            subject, words = f"text {name}/{cost.template}", f"{cost.words} without params"
            if cost.odd:
                yield warn(subject, words, "write it without them, or expect 70 characters a segment instead of 160")
            else:
                yield ok(subject, words)


def _look_at_redis(settings: Settings, redact: Redactor) -> Iterator[Finding]:
    url = settings.redis_url
    client = connect(url, timeout_s=_TIMEOUT_S)
    try:
        latency_ms = server.round_trip_ms(client)
        yield ok("redis", shown(url))
        try:
            yield from judge_redis(url, server.info(client))
        except ResponseError as error:
            # Hosted Redis may refuse INFO; everything else can be looked at all the same.
            words = f"INFO is refused ({explain(error).words})"
            yield warn("redis version", words, "allow it (+info), so that it can be looked at")
        # After the ping and before the latency: INFO and PING may be allowed where writing is not.
        yield from judge_trials(server.trials(client, Keys(settings.namespace).prefix), redact)
        for subject, grade, detail, advice in look_at_ledger(Ledger(client, settings.namespace)):
            yield Finding(subject, Grade(grade), detail, advice, exit_code=int(grade == "fail"))
        yield judge_latency(latency_ms)
    except RedisError as error:
        yield _no("redis", error, redact, where=f"{shown(url)}: ")
    finally:
        client.close()


def judge_trials(found: Iterator[tuple[str, RedisError | None]], redact: Redactor) -> Iterator[Finding]:
    """Whether what sending needs can be done."""
    for what, error in found:
        yield ok(f"redis {what}", "tried") if error is None else _no(f"redis {what}", error, redact)


def _no(subject: str, error: Exception, redact: Redactor, *, where: str = "") -> Finding:
    """A finding about a Redis, or a broker, that said no."""
    refusal = explain(error)
    return fail(
        subject, redact(where + refusal.words), refusal.advice or "start it, or say where it is in the settings"
    )


def _look_at_broker(settings: Settings, redact: Redactor) -> Iterator[Finding]:
    url, options = settings.broker_url, celery_options(settings)
    # The workers' own options, so that TLS and sentinels are tried as they will be used.
    transport = options["broker_transport_options"] | {"socket_connect_timeout": _TIMEOUT_S}
    try:
        with Connection(
            options["broker_url"], ssl=options["broker_use_ssl"] or False, transport_options=transport
        ) as connection:
            # kombu would else try for ever.
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=_TIMEOUT_S)
            connection.channel().close()  # a virtual host that this user may not use refuses here
    except Exception as error:  # noqa: BLE001 - every transport has errors of its own, and each is the finding
        refusal = explain(error)
        # The words are the ledger's; here another setting is meant.
        advice = refusal.advice.replace("SMSLINE_REDIS_URL", "SMSLINE_BROKER_URL")
        yield fail(
            "broker",
            redact(f"{shown(url)}: {refusal.words}"),
            advice or "start it, or set SMSLINE_BROKER_URL to where it is",
        )
        return
    yield ok("broker", shown(url))
    # A broker that is a Redis of its own has ACLs of its own.
    if is_redis(url):
        with connect(url, timeout_s=_TIMEOUT_S) as client:
            yield from (
                replace(each, subject=each.subject.replace("redis", "broker"))
                for each in judge_trials(server.trials(client, "smsline."), redact)
            )


def _on_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def show(findings: list[Finding]) -> None:
    """Print the findings for a person."""
    colours = {Grade.OK: "green", Grade.WARN: "yellow", Grade.FAIL: "red"}
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        colour = colours[finding.grade]
        told = f"{finding.detail}: {finding.advice}" if finding.advice else finding.detail
        table.add_row(Text(finding.grade, style=colour), finding.subject, cell(told))
    # Its words come from settings and servers: nothing in them is markup, and a pipe folds nothing.
    show_table(table)


def show_json(findings: list[Finding]) -> None:
    """Print the findings as one JSON list."""
    print(
        # The exit code is the command's and not the report's.
        json.dumps([{name: value for name, value in asdict(each).items() if name != "exit_code"} for each in findings])
    )
