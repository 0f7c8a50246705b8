"""Redis behind Sentinel: one URL that names the sentinels and what they watch goes in, a connection or kombu's form of it comes out.

`sentinel://:password@host1:26379,host2:26379/mymaster/0`: the password is that of the Redis servers; the sentinels themselves have none.
"""

import re
from typing import Any, Final, NamedTuple
from urllib.parse import quote, unquote

SCHEME: Final = "sentinel://"
PORT: Final = 26_379
RULE: Final = (
    "must name sentinels, what they watch, and perhaps a database: sentinel://host1:26379,host2:26379/mymaster/0"
)

_URL: Final = re.compile(
    r"sentinel://(?:(?P<user>[^:@/]*):(?P<password>[^@/]*)@)?(?P<hosts>[^/@?]+)/(?P<master>[A-Za-z0-9_.-]+)(?:/(?P<db>\d+))?"
)
_HOST: Final = re.compile(r"([A-Za-z0-9_.-]+)(?::(\d{1,5}))?")


class Sentinels(NamedTuple):
    """Where the sentinels are, and what they are asked for.

    Attributes:
        hosts: Host and port of each.
        master: The name under which they watch the primary and its replicas.
        db: The Redis database.
        user: Of the Redis servers; empty for the default user.
        password: Of the Redis servers; empty for none.
    """

    hosts: tuple[tuple[str, int], ...]
    master: str
    db: int
    user: str
    password: str


def is_sentinel(url: str) -> bool:
    """Whether a URL names sentinels."""
    return url.startswith(SCHEME)


def parse_sentinels(url: str) -> Sentinels:
    """The sentinels of a URL.

    Raises:
        ValueError: It is not such a URL.
    """
    found = _URL.fullmatch(url)
    hosts = [_HOST.fullmatch(host) for host in found["hosts"].split(",")] if found else []
    if found is None or not all(hosts):
        raise ValueError(RULE)
    named = tuple((host[1], int(host[2] or PORT)) for host in hosts if host)
    credentials = unquote(found["user"] or ""), unquote(found["password"] or "")
    return Sentinels(named, found["master"], int(found["db"] or 0), *credentials)


def primary(url: str, **options: Any) -> Any:  # noqa: ANN401 - redis-py's client is generic in what it returns
    """A client of whichever server is the primary; it asks the sentinels anew for every connection that it opens.

    Args:
        url: As above.
        options: For redis-py, for the sentinels and the servers alike.
    """
    from redis.sentinel import Sentinel  # noqa: PLC0415 - one in a hundred installations has sentinels

    asked = parse_sentinels(url)
    credentials = {"username": asked.user or None, "password": asked.password or None}
    sentinel: Any = Sentinel
    return sentinel(asked.hosts, **options).master_for(asked.master, db=asked.db, **credentials)


def broker_url(url: str) -> str:
    """The same for kombu, which wants a URL for each sentinel; any other URL as it is."""
    if not is_sentinel(url):
        return url
    asked = parse_sentinels(url)
    secret = f"{quote(asked.user, safe='')}:{quote(asked.password, safe='')}@" if asked.password else ""
    return ";".join(f"{SCHEME}{secret}{host}:{port}/{asked.db}" for host, port in asked.hosts)


def broker_options(url: str) -> dict[str, str]:
    """What kombu must be told besides; nothing for any other URL."""
    return {"master_name": parse_sentinels(url).master} if is_sentinel(url) else {}
