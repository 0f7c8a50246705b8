"""What Redis says when it says no, and what to do: one table for clients, workers and `check`."""

import re
import socket
from dataclasses import dataclass
from typing import Final

from redis import exceptions as known

ADDRESS: Final = "SMSLINE_REDIS_URL"


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of refusal.

    Attributes:
        code: The word with which Redis begins it, or ours where the connection said it.
        pattern: What its text, code included, is known by.
        advice: What to do.
    """

    code: str
    pattern: str
    advice: str


RULES: Final = (
    Rule(
        "READONLY",
        # UNBLOCKED: a blocking read was waiting when this server became a replica.
        r"\bREADONLY\b|previous master is now a slave|\bUNBLOCKED\b",
        f"this server is a replica: after a failover the next try opens a new connection; if it stays so, {ADDRESS} "
        "must name the primary, or the sentinels",
    ),
    Rule(
        "OOM",
        r"\bOOM\b",
        "Redis has reached maxmemory: raise it, or remove closed jobs sooner (SMSLINE_RETENTION_DAYS); what was taken is safe",
    ),
    Rule(
        "NOREPLICAS",
        r"\bNOREPLICAS\b",
        "fewer replicas follow the primary than min-replicas-to-write asks for: bring one back, or lower it",
    ),
    Rule(
        "MISCONF",
        r"\bMISCONF\b",
        "Redis cannot write to its disk: free space there (its log says which file); it goes on by itself afterwards",
    ),
    Rule(
        "NOPERM",
        r"\bNOPERM\b|\bNo permissions?\b|has no permissions to",
        "this user's ACL is too narrow: it needs the keys and channels of the namespace and of Celery's queues, and "
        "scripts: ACL SETUSER <user> ~* &* +@all -@dangerous +info",
    ),
    Rule(
        "WRONGPASS",
        r"\bWRONGPASS\b|invalid (?:username-password pair|password)|without any password configured",
        f"user or password are not those of this Redis: mend {ADDRESS}; in it a % is written %25, a / %2F, an @ %40",
    ),
    Rule(
        "NOAUTH",
        r"\bNOAUTH\b|Authentication required",
        f"this Redis asks for a password: redis://:password@host:6379/0 in {ADDRESS}; sentinels for theirs with ?sentinel_password=",
    ),
    Rule(
        "MOVED",
        r"\bMOVED\b|\bCROSSSLOT\b|\bCLUSTERDOWN\b|\bASK \d|\bTRYAGAIN\b|in cluster mode|don't hash to the same slot",
        "this is a Redis Cluster, which neither the ledger nor Celery can use: take one primary with replicas (cluster mode off)",
    ),
    Rule(
        "LOADING",
        r"\bLOADING\b|loading the dataset",
        "Redis still reads its file after a start: wait, it answers by itself",
    ),
    Rule(
        "MASTERDOWN",
        r"\bMASTERDOWN\b|MASTER is down",
        f"this is a replica that has lost its primary: name the primary in {ADDRESS}",
    ),
    Rule("BUSY", r"\bBUSY\b", "another script holds Redis up; if it does not end: redis-cli SCRIPT KILL"),
    Rule(
        # Protected mode: without a password Redis says this to every machine but
        # its own, and hangs up.
        "DENIED",
        r"\bDENIED\b|protected mode",
        "Redis takes no connections from other machines: set a password there, or bind",
    ),
    Rule(
        "MAXCLIENTS",
        r"max number of clients",
        "too many connections: raise maxclients, or keep one Client per process instead of one per call",
    ),
    Rule(
        "DB",
        r"DB index is out of range|invalid DB index",
        f"this Redis has fewer databases than {ADDRESS} asks for: end it in /0",
    ),
    Rule(
        "RENAMED",
        r"unknown command",
        "a command that is needed is switched off or renamed there; scripts (EVALSHA, EVAL), channels and blocking reads are",
    ),
    Rule(
        "HOSTNAME",
        r"Hostname mismatch|IP address mismatch",
        f"its certificate is another host's: name it in {ADDRESS} as its certificate does; no password was sent",
    ),
    Rule(
        "CERTIFICATE",
        r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|self.signed",
        f"its certificate is not trusted here: name its CA with ?ssl_ca_certs=/path/ca.pem in {ADDRESS}; no password was sent",
    ),
    Rule(
        "FILE",
        r"connecting to .*(?:No such file|Permission denied|Is a directory)",
        f"a file of certificates or keys that {ADDRESS} names (ssl_ca_certs, ssl_certfile, ssl_keyfile) cannot be read here",
    ),
    Rule(
        # Behind the rules for certificates, whose errors of OpenSSL say SSL as well.
        "TLS",
        r"\[?SSL\b|WRONG_VERSION_NUMBER|ssl\.|alert ",
        "TLS could not be agreed on: rediss:// only where the server speaks TLS on this port, redis:// only where it does not",
    ),
    Rule(
        "NOMASTER",
        r"No master found|MasterNotFound",
        f"no sentinel that answers knows this primary: look at the name behind the hosts in {ADDRESS}, and at the sentinels' password",
    ),
    Rule(
        "NAME",
        r"Name or service not known|name resolution|nodename nor servname|No address associated",
        f"its host is not known here: mend {ADDRESS}, or the DNS of this machine",
    ),
    Rule(
        "REFUSED",
        r"Connection refused|ECONNREFUSED",
        f"nothing listens there: start Redis (`python -m worker up` brings its own), or set {ADDRESS} to where it is",
    ),
    Rule(
        # Near the end, with a cut connection: both may be the last words of one
        # of the troubles above.
        "TIMEOUT",
        r"[Tt]imed? ?out|Timeout",
        "no answer in time: Redis is stalled or overloaded, a firewall drops the packets, or rediss:// asks for TLS on a port that "
        "speaks none",
    ),
    Rule(
        "PROTOCOL",
        r"Protocol error|Invalid (?:Database|Response)",
        f"what listens there is no Redis: mend host and port in {ADDRESS}",
    ),
    Rule(
        "CLOSED",
        r"closed by server|Connection reset|Broken pipe|Connection lost",
        "the connection was cut: Redis stopped, restarts, or speaks TLS on this port (rediss://)",
    ),
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why Redis did not do what it was asked for.

    Attributes:
        code: `OOM`, `READONLY`, … or empty when it is not known.
        words: Redis' own.
        advice: What to do.
    """

    code: str
    words: str
    advice: str

    def __str__(self) -> str:
        """Redis' words and what to do, for one line."""
        return f"{self.words.rstrip('.')}: {self.advice}" if self.advice else self.words


def explain(error: BaseException) -> Refusal:
    """What an error of redis-py, or of a broker that is a Redis, means.

    Args:
        error: As it was raised.
    """
    words = in_words(error)
    # The first that fits: a script's error quotes the refusal among other words, so the special
    # ones stand before the general ones (a timeout, a cut connection).
    for rule in RULES:
        if re.search(rule.pattern, words):
            return Refusal(rule.code, words, rule.advice)
    return Refusal("", words, "")


def in_words(error: BaseException) -> str:
    """What Redis said: redis-py takes the first word away from the errors that it knows."""
    text = " ".join(str(error).split()) or type(error).__name__
    # Redis 6 says which script it was, by its digest, before what matters.
    text = re.sub(r"^Error running script\b.*@user_script: ?\d+: -(?=[A-Z])", "", text)
    # The word that redis-py took away is in `status_code` where that is set, and
    # else told by the class.
    by_class = (code for kind, code in _CODE_OF.items() if isinstance(error, kind))
    code = getattr(error, "status_code", None) or next(by_class, "")
    # Timeouts of the socket come without a word of their kind ("The read operation timed
    # out" or nothing at all).
    if isinstance(error, known.TimeoutError | socket.timeout) and "imeout" not in text and "imed out" not in text:
        text = f"Timeout: {text}"
    return f"{code} {text}" if code and code != "ERR" and code not in text else text


def is_refusal(error: BaseException) -> bool:
    """Whether Redis answered, and said no: the command was certainly not carried out."""
    return bool(explain(error).code in _ANSWERED)


_ANSWERED: Final = frozenset(
    {"READONLY", "OOM", "NOREPLICAS", "MISCONF", "NOPERM", "WRONGPASS", "NOAUTH", "MOVED", "LOADING", "MASTERDOWN"}
    | {"BUSY", "DENIED", "MAXCLIENTS", "DB", "RENAMED"}
)


_CODE_OF: Final[dict[type[BaseException], str]] = {
    known.ReadOnlyError: "READONLY",
    known.OutOfMemoryError: "OOM",
    known.NoPermissionError: "NOPERM",
    known.BusyLoadingError: "LOADING",
    known.MasterDownError: "MASTERDOWN",
    known.ClusterDownError: "CLUSTERDOWN",
    known.ClusterCrossSlotError: "CROSSSLOT",
    known.MovedError: "MOVED",
}
