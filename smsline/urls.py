"""URLs of Redis and of brokers: one strict reading, and a form without secrets.

The same for producers, service and Celery.

    redis://user:password@host:6379/0              rediss://… over TLS
    sentinel://:password@host1:26379,host2/mymaster/0?sentinel_password=…      sentinels://… over
    TLS amqp://user:password@host:5672/vhost           amqps://… over TLS

The libraries read a password with a `/` or a `#` in it as a host or a path, and then quote parts of
it in their errors. So nothing is handed to them as it was written: what does not fit the form is
refused here, without a word of it.
"""

import difflib
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, unquote

SENTINEL_PORT: Final = 26_379
REDIS_PORT: Final = 6379

REDIS_SCHEMES: Final = ("redis", "rediss", "sentinel", "sentinels")
BROKER_SCHEMES: Final = (*REDIS_SCHEMES, "amqp", "amqps")

UNENCODED: Final = "its password is not percent-encoded: write / as %2F, @ as %40, # as %23, ? as %3F, : as %3A, % as %25, a blank as %20"
SENTINEL_RULE: Final = (
    "must name sentinels, what they watch, and perhaps a database: sentinel://host1:26379,host2:26379/mymaster/0"
)

_PORT: Final = "its port must be a number from 1 to 65535"
_FORM: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://"
    r"(?:(?P<userinfo>[^@/?#\s\[\]]*)@)?"
    r"(?P<hosts>[^@/?#\s]*)"
    r"(?P<path>/[^@?#\s]*)?"
    r"(?:\?(?P<query>[^@?#\s]*))?"
)
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9_.-]+)(?::(\d{1,5}))?")
_BAD_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
# What may be shown although it is no URL of ours: a host and a port, without a sign that could
# divide off a password.
_HARMLESS: Final = re.compile(
    r"(?:[a-z0-9+.-]+://[A-Za-z0-9_.,\[\]-]*(?::\d{1,7})?|[A-Za-z0-9_.-]+:\d{1,7})(?:/\w{0,64})*"
)
_USER: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")

# What `ssl_cert_reqs` may say, as redis-py (`none`) and as Celery (`CERT_NONE`)
# spell it, in any case.
_CHECKS: Final = {
    **dict.fromkeys(("none", "cert_none"), ssl.CERT_NONE),
    **dict.fromkeys(("optional", "cert_optional"), ssl.CERT_OPTIONAL),
    **dict.fromkeys(("required", "cert_required"), ssl.CERT_REQUIRED),
}

_YES_NO: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_TLS_SCHEMES: Final = frozenset({"rediss", "sentinels", "amqps"})
_TLS_WORDS: Final = ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_password", "ssl_ciphers")
_REDIS_NUMBERS: Final = (
    "socket_timeout",
    "socket_connect_timeout",
    "health_check_interval",
    "max_connections",
    "protocol",
)
_OPTIONS: Final = (
    *("db", "client_name", "sentinel_username", "sentinel_password", "ssl_cert_reqs", "ssl_check_hostname"),
    *_TLS_WORDS,
    *_REDIS_NUMBERS,
)


@dataclass(frozen=True, slots=True)
class RedisPlace:
    """Where a URL leads.

    Attributes:
        scheme: As written.
        hosts: Hosts and ports; several only for sentinels.
        path: Of a broker that is no Redis: its virtual host, as written.
        db: The Redis database.
        user: Empty for the default user.
        password: Empty for none.
        master: The name under which sentinels watch the primary; empty without sentinels.
        sentinel_user: Of the sentinels themselves.
        sentinel_password: Of the sentinels themselves.
        tls: How certificates are checked, in redis-py's words; None without TLS.
        options: What else redis-py is told.
    """

    scheme: str
    hosts: tuple[tuple[str, int | None], ...]
    path: str = ""
    db: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    master: str = ""
    sentinel_user: str = ""
    sentinel_password: str = field(default="", repr=False)
    tls: Mapping[str, Any] | None = field(default=None, repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def verified(self) -> bool:
        """Whether TLS is used and the server must show a certificate that is believed."""
        return self.tls is not None and self.tls["ssl_cert_reqs"] == ssl.CERT_REQUIRED


def is_redis(url: str) -> bool:
    """Whether a URL names a Redis, behind sentinels or not."""
    return url.strip().partition("://")[0] in REDIS_SCHEMES


def read_url(url: str, schemes: tuple[str, ...] = REDIS_SCHEMES) -> RedisPlace:
    """Where a URL leads.

    Args:
        url: As written; blanks and line ends around it do not count.
        schemes: Those that are allowed.

    Raises:
        ValueError: It does not fit the form; the message is the rule, without any part of the URL.
    """
    found = _FORM.fullmatch(url.strip())
    # An @ in what does not fit is nearly always in a password; the rule says so,
    # without a word of the URL.
    if found is None or _BAD_PERCENT.search(found["userinfo"] or ""):
        raise ValueError(UNENCODED if "@" in url else _wanted(schemes))
    scheme, sentinels = found["scheme"], found["scheme"].startswith("sentinel")
    wanted = SENTINEL_RULE if sentinels else _wanted(schemes)
    if scheme not in schemes:
        raise ValueError(_wanted(schemes))
    hosts = [_HOST.fullmatch(host) for host in found["hosts"].split(",")]
    if not all(hosts) or (len(hosts) > 1 and not sentinels):
        raise ValueError(wanted if found["userinfo"] is not None or ":" not in found["hosts"] else f"{wanted}; {_PORT}")
    ports = [int(host[2]) if host and host[2] else None for host in hosts]
    if any(port is not None and not 0 < port < 65_536 for port in ports):
        raise ValueError(f"{wanted}; {_PORT}")
    names = [host[1].strip("[]") for host in hosts if host]
    user, _, password = (found["userinfo"] or "").partition(":")
    path = (found["path"] or "").removeprefix("/")
    said = _read_query(found["query"] or "", tls=scheme in _TLS_SCHEMES)
    master, db = _read_path(path, scheme=scheme, sentinels=sentinels)
    return RedisPlace(
        scheme=scheme,
        hosts=tuple(zip(names, ports, strict=True)),
        path=path,
        db=int(said.pop("db", db)),
        user=unquote(user),
        password=unquote(password),
        master=master,
        sentinel_user=said.pop("sentinel_username", ""),
        sentinel_password=said.pop("sentinel_password", ""),
        tls=said.pop("tls"),
        options=said,
    )


def shown(url: str) -> str:
    """The URL as it may be shown: without any part of a password, whatever it contains."""
    url = url.strip()
    found = _FORM.fullmatch(url)
    places = found and all(_HOST.fullmatch(host) for host in found["hosts"].split(","))
    if found and places and found["userinfo"] is not None and not _BAD_PERCENT.search(found["userinfo"]):
        user, colon, _ = found["userinfo"].partition(":")
        who = f"{user}:***@" if colon and (not user or _USER.fullmatch(user)) else "***@"
        return f"{found['scheme']}://{who}{found['hosts']}{found['path'] or ''}"
    if found and places and found["userinfo"] is None:
        return f"{found['scheme']}://{found['hosts']}{found['path'] or ''}"
    if _HARMLESS.fullmatch(url):
        return url
    scheme, mark, _ = url.partition("://")
    return f"{scheme}://***" if mark and re.fullmatch(r"[a-z][a-z0-9+.-]{1,15}", scheme) else "***"


def secrets_of(url: str) -> tuple[str, ...]:
    """Every spelling of the passwords in a URL, to be hidden from logs."""
    try:
        place = read_url(url, BROKER_SCHEMES)
    except ValueError:
        return ()
    # Decoded, encoded anew, and as written: a library may quote any of them in its error.
    keys = (place.tls or {}).get("ssl_password", "")
    found = [word for word in (place.password, place.sentinel_password, keys) if word]
    written = _FORM.fullmatch(url.strip())
    raw = (written["userinfo"] or "").partition(":")[2] if written else ""
    return tuple(dict.fromkeys([*found, *(quote(word, safe="") for word in found), *([raw] if raw else [])]))


def proxy_secrets(url: str) -> tuple[str, ...]:
    """The password in the URL of a proxy, as it is and as it is written."""
    raw = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
    return (raw, unquote(raw)) if raw else ()


def redis_client(kind: Any, place: RedisPlace, **options: Any) -> Any:  # noqa: ANN401 - redis-py's clients, sync and async, share no type
    """A client of a Redis.

    Behind sentinels of whichever server is the primary, asked for anew with every connection.

    Args:
        kind: redis-py's module of the client: `redis`, or `redis.asyncio`.
        place: Where it is.
        options: For redis-py, for the sentinels and the servers alike.
    """
    tls = {"ssl": True, **place.tls} if place.tls is not None else {}
    given = {**options, **place.options, **tls, **_credentials(place.user, place.password), "db": place.db}
    if not place.master:
        host, port = place.hosts[0]
        return kind.Redis(host=host, port=port or REDIS_PORT, **given)
    # Sentinels have users and passwords of their own, and speak without the
    # servers' kind of connection.
    own = {key: value for key, value in options.items() if key != "connection_class"}
    asked = {**own, **tls, **_credentials(place.sentinel_user, place.sentinel_password)}
    hosts = [(host, port or SENTINEL_PORT) for host, port in place.hosts]
    return kind.sentinel.Sentinel(hosts, sentinel_kwargs=asked).master_for(place.master, **given)


def celery_broker(url: str) -> dict[str, Any]:
    """A broker for Celery: `broker_url`, `broker_use_ssl` and `broker_transport_options`.

    kombu checks no certificate over TLS unless told to, wants a URL for each sentinel, and reads
    passwords as the other libraries do: it gets a URL that is put together anew.
    """
    place = read_url(url, BROKER_SCHEMES)
    secret = f"{quote(place.user, safe='')}:{quote(place.password, safe='')}@" if place.user or place.password else ""
    tail = place.path if place.scheme.startswith("amqp") else str(place.db)
    scheme = "sentinel" if place.master else place.scheme
    default = SENTINEL_PORT if place.master else None
    urls = [
        f"{scheme}://{secret}{f'[{host}]' if ':' in host else host}{f':{port or default}' if port or default else ''}/{tail}"
        for host, port in place.hosts
    ]
    transport: dict[str, Any] = {}
    # kombu hands broker_use_ssl to the server alone; the sentinels get theirs by
    # the transport's options.
    if place.master:
        own = _credentials(place.sentinel_user, place.sentinel_password)
        tls = {"ssl": True, **place.tls} if place.tls is not None else {}
        transport = {"master_name": place.master} | ({"sentinel_kwargs": {**own, **tls}} if own or tls else {})
    certificates: dict[str, Any] | None = None if place.tls is None else dict(place.tls)
    if place.tls is not None and place.scheme.startswith("amqp"):
        # py-amqp has the words of Python's ssl module, and checks the name
        # only where it is told one.
        named = {
            "ssl_ca_certs": "ca_certs",
            "ssl_certfile": "certfile",
            "ssl_keyfile": "keyfile",
            "ssl_cert_reqs": "cert_reqs",
        }
        certificates = {named[name]: value for name, value in place.tls.items() if name in named}
        if place.tls.get("ssl_check_hostname", True) and certificates["cert_reqs"] != ssl.CERT_NONE:
            certificates["server_hostname"] = place.hosts[0][0]
    return {"broker_url": ";".join(urls), "broker_use_ssl": certificates, "broker_transport_options": transport}


def _credentials(user: str, password: str) -> dict[str, str]:
    return ({"username": user} if user else {}) | ({"password": password} if password else {})


def _wanted(schemes: tuple[str, ...]) -> str:
    usual = [scheme for scheme in schemes if scheme != "sentinels"]
    return f"must be a URL that begins with {' or '.join(f'{scheme}://' for scheme in usual)} and names a host"


def _read_path(path: str, *, scheme: str, sentinels: bool) -> tuple[str, int]:
    """The name that sentinels watch, and the database."""
    if scheme.startswith("redis"):
        if not re.fullmatch(r"\d{0,5}", path):
            raise ValueError("must end in the number of a Redis database, such as /0")
        return "", int(path or 0)
    if not sentinels:
        return "", 0
    watched = re.fullmatch(r"([A-Za-z0-9_.-]+)(?:/(\d{1,5}))?", path)
    if watched is None:
        raise ValueError(SENTINEL_RULE)
    return watched[1], int(watched[2] or 0)


def _read_query(query: str, *, tls: bool) -> dict[str, Any]:
    """The options behind the question mark; `tls` among them.

    A plus is a plus there: it may be part of a password.
    """
    said: dict[str, Any] = {}
    for part in filter(None, query.split("&")):
        name, _, raw = part.partition("=")
        if name not in _OPTIONS:
            close = difflib.get_close_matches(name, _OPTIONS, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there is {', '.join(_OPTIONS)}; {UNENCODED}"
            raise ValueError(f"has an option that is not known; {hint}")
        said[name] = _option(name, unquote(raw))
    checks = {name: said.pop(name) for name in [*said] if name.startswith("ssl_")}
    if checks and not tls:
        raise ValueError(
            "has options for certificates, which need TLS: begin it with rediss://, sentinels:// or amqps://"
        )
    # Certificates are checked unless the URL says otherwise. redis-py does so by itself, kombu
    # checks none: both are told.
    checks.setdefault("ssl_cert_reqs", ssl.CERT_REQUIRED)
    if checks["ssl_cert_reqs"] == ssl.CERT_NONE:
        checks["ssl_check_hostname"] = False  # Python refuses a context that checks the name and not the certificate
    return {**said, "tls": checks if tls else None}


def _option(name: str, value: str) -> Any:  # noqa: ANN401 - each option has a type of its own
    if name == "ssl_cert_reqs":
        return _one_of(name, value, _CHECKS)
    if name == "ssl_check_hostname":
        return _one_of(name, value, _YES_NO)
    if name == "db" or name in _REDIS_NUMBERS:
        if not re.fullmatch(r"\d+(?:\.\d+)?", value):
            raise ValueError(f"its option {name} must be a number")
        return float(value) if name.endswith("timeout") else int(float(value))
    return value


def _one_of(name: str, value: str, words: Mapping[str, Any]) -> Any:  # noqa: ANN401 - each table has its own values
    if value.lower() not in words:
        raise ValueError(f"its option {name} must be one of {', '.join(words)}")
    return words[value.lower()]
