"""Every key of the ledger: its pattern, its Redis type, who owns it and how long it lives.

All keys of one ledger share one hash tag, `{<namespace>}`, so that scripts that touch several keys
also run on a Redis Cluster. Each line: the key (its type), its meaning, and in brackets until when
it lives.

- job:<job> (hash): spec, state, counts [closed + retention]
- closed:<hour> (list): jobs that closed then and were made small, and their pages [their retention]
- got:<job> (hash): part number -> recipients in it, digest of what it says [closed + retention]
- part:<job>:<n> (hash): a part of the inbox, not yet accepted, or ended there [accepted; ended: as
  its job]
- blocks:<job> (hash): part number -> "first block:blocks"; ENDED_PART when none [closed +
  retention]
- block:<id> (hash): up to 200 recipients of one job, in packed columns [closed + retention]
- seen:<job>:<shard> (set): numbers of a job in several parts (integers) [SEEN_TTL_S after the last
  part]
- held:<job> (zset): "<queue> <entry>" of a paused job [resumed]
- key:<key> (string): idempotency key -> job [closed + retention]
- jobs (zset): job, or page of small closed ones -> (oldest's) created ms [permanent; members
  purged]
- open (zset): jobs that are not closed -> created ms [permanent; members leave]
- version (string): number of the ledger's layout [permanent]
- clock (string): Redis' clock at the last beat of any process, epoch ms [permanent]
- beat:<worker> (string): beats of a worker process, counted [BEAT_TTL_MS after the last one]
- losses (list): what Redis had forgotten, and when that was found [a week after the last one]
- losses:maybe (list): what it may have forgotten when it was restarted or replaced [a week after
  the last one]
- replicated (string): written before a call, to see whether replicas follow [permanent; one]
- poison (hash): members of due sets that could not be read, and why [permanent; 1,000 at most]
- dead (hash): "account code job" -> recipients in the dead letter [permanent; fields purged]
- queue:<queue> (zset): entries waiting for the same batch key, by virtual time [empty]
- size:<queue> (string): recipients in the batch queue, where a lane lingers [empty]
- hold:<queue> (string): nothing is taken off the batch queue now [the hold's end]
- due:<kind>[:<lane>] (zset): the clock: what must happen, by ms [permanent; members leave]
- attempt:<id> (hash): one provider call, written down before it is made [recorded + ATTEMPT_TTL_S]
- unsure:<account> (hash): number -> attempts whose outcome is not known [permanent; fields leave]
- bucket:<account>:<action> (hash): token bucket [BUCKET_TTL_S idle]
- park:<account>[:<subject>] (hash): why and since when it, a side, template or job is parked
  [resumed]
- breaker:<account> (hash): its circuit breaker: calls that failed lately, held or not [an hour
  after the last one]
- account:<account> (hash): outstanding receipts, last error, credit, hours, questions [permanent;
  one per account]
- index:<account>:<day>:<n> (hash): hashed serial that no context names -> block and position
  [INDEX_TTL_S]
- pages:<account> (hash): raw receipt pages, not yet applied [applied]
- pushed:<account> (hash): raw pages that were pushed, and pulled replies [read]
- orphans:<account>:<day> (hash): number -> receipts that nothing is known about yet [INDEX_TTL_S]
- phones:<day>:<n> (list): records of seven bytes: number -> block, see number_index [the day's
  longest-kept job]
- number_days (zset): days that have such records, by their end [permanent; members leave]
- schedulers (hash): Celery queue -> when a scheduler last looked after it, ms [permanent; one]
- stats (hash): counters of the statistics, which only grow [permanent; a few thousand]
- stats_last (hash): the counters when the history was last written [permanent; one]
- stats_minutes:<hour> (hash): minute -> by how much counters grew, compressed [a day]
- stats_hours:<day> (hash): hour -> by how much counters grew, compressed [as long as jobs are kept]
- called:<account>:<day> (hash): number -> times of its messages, 4 bytes each [two days]
- refused (list): why payloads of `smsline.submit` were refused [REFUSED_TTL_S]
- suppressions (hash): number -> its scopes, each with when, from where and why [permanent]
- replies, replies:at (hash, zset): what people answer; ids by ms [permanent; members
  purged]
- replies:of (hash): number -> ids of its replies, oldest first [permanent; fields leave]
- question:<name> (string): what a provider is asked, until a worker has asked it [who asks waits no
  more; a day]
- answer:<name> (string): its answer [a minute]
- suppressed (set): the list before it had scopes; moved when it is found [moved]
- users (hash): user of the console -> role [permanent]
- passwords (hash): user -> argon2 hash, epoch, since when [permanent]
- session:<digest> (string): who is signed in [the session's end]
- signin:<digest>[:wait] (string): wrong passwords lately; that the next one has to wait
  [FAILURES_TTL_S, a minute]
- api_keys (hash): digest -> what the API key may do [permanent]
- api_keys:names|revoked|used (hash): name -> digest; digest -> ms [permanent]
- api_rate:<digest>:<second> (string): requests of a key in that second [some seconds]
- webhooks (hash): name -> endpoint: id, url, events, secret [permanent]
- webhook_wants (hash): type of event -> endpoints that want it [permanent]
- outbox (stream): events that are not yet in the queues of the endpoints [permanent; entries leave]
- webhook_state:<endpoint> (hash): how its deliveries fare, until when it is left alone [the
  endpoint is removed]
- webhook_queue:<endpoint> (zset): events not delivered -> when to try, ms [the endpoint is removed]
- webhook_flying:<endpoint> (zset): requests under way -> until when they are believed, ms [the
  endpoint is removed]
- webhook_kept:<endpoint> (zset): its events -> when they happened, ms [the endpoint is removed]
- webhook_failed:<endpoint> (zset): events whose last try failed -> when that was, ms [the endpoint
  is removed]
- webhook_event:<event> (hash): the body as it is sent, compressed; tries, the last answer [as long
  as jobs are kept]
- audit (stream): every act: when, who, from where, what, how many [permanent; KEPT_ACTS entries]
- wakes:<queue> (zset): wake-ups published and not yet started, by expiry ms [the last one's expiry]
- workers (hash): process -> when it announced itself, what it serves [permanent; a day each]
- accounts, codes, names, ids: registries and counters [permanent]
"""

from typing import Final

SEEN_TTL_S: Final = 7 * 86_400
# A worker writes an outcome for 30 s at most; within this time an answer that was lost
# finds its attempt recorded.
ATTEMPT_TTL_S: Final = 300

# A bucket that nothing was taken from for so long is full, which is what a missing one counts as.
BUCKET_TTL_S: Final = 600

# One day more than the 72 hours in which a receipt may come.
INDEX_TTL_S: Final = 4 * 86_400

REFUSED_TTL_S: Final = 7 * 86_400

# Index entries of a day spread over so many hashes, so that each stays a compact listpack up to
# some two million a day.
INDEX_SHARDS: Final = 16_384

# In the place of a part's blocks: its recipients ended in the inbox and are read from there.
ENDED_PART: Final = "0:0"

# Keys without an end of their own; what is in them has one. A test holds every other
# key to having an expiry.
PERMANENT: Final = (
    "jobs",
    "open",
    "version",
    "clock",
    "poison",
    "dead",
    "due:",
    "unsure:",
    "account:",
    "accounts",
    "workers",
    "codes",
    "messages",
    "names",
    "ids",
    "suppressions",
    "replies",
    "replies:",
    "suppressed",
    "number_days",
    "schedulers",
    "stats",
    "stats_last",
    "park:",
    "users",
    "passwords",
    "api_keys",
    "webhooks",
    "webhook_wants",
    "outbox",
    "webhook_state:",
    "webhook_queue:",
    "webhook_flying:",
    "webhook_kept:",
    "webhook_failed:",
    "audit",
)


class Keys:
    """Names of the keys of one ledger.

    Args:
        namespace: Separates ledgers that share a Redis.
    """

    def __init__(self, namespace: str = "sl") -> None:
        self.prefix = "{" + namespace + "}:"
        self.jobs = self.prefix + "jobs"
        self.dead = self.prefix + "dead"
        self.accounts = self.prefix + "accounts"
        self.workers = self.prefix + "workers"
        self.codes = self.prefix + "codes"
        self.names = self.prefix + "names"
        self.messages = self.prefix + "messages"
        self.ids = self.prefix + "ids"
        self.suppressions = self.prefix + "suppressions"
        self.suppressed = self.prefix + "suppressed"
        self.replies = self.prefix + "replies"
        self.replies_at, self.replies_of = f"{self.replies}:at", f"{self.replies}:of"
        self.pushed_due = self.due("pushed")
        self.replies_due = self.due("replies")
        self.refused = self.prefix + "refused"
        self.users, self.passwords = self.prefix + "users", self.prefix + "passwords"
        self.api_keys = self.prefix + "api_keys"
        self.api_key_names = self.prefix + "api_keys:names"
        self.api_keys_revoked = self.prefix + "api_keys:revoked"
        self.api_keys_used = self.prefix + "api_keys:used"
        self.audit = self.prefix + "audit"
        self.number_days = self.prefix + "number_days"
        self.schedulers = self.prefix + "schedulers"
        self.stats = self.prefix + "stats"
        self.stats_last = self.prefix + "stats_last"
        self.stats_due = self.due("stats")
        self.later = self.due("later")
        self.lease = self.due("lease")
        self.drain = self.due("drain")
        self.probe = self.due("probe")
        self.credit = self.due("credit")
        self.unsure_due = self.due("unsure")
        self.closing = self.due("close")
        self.expire = self.due("expire")
        self.open = self.prefix + "open"
        self.version = self.prefix + "version"
        self.clock = self.prefix + "clock"
        self.poison = self.prefix + "poison"
        self.webhooks = self.prefix + "webhooks"
        self.webhook_wants = self.prefix + "webhook_wants"
        self.outbox = self.prefix + "outbox"
        self.webhooks_due = self.due("webhooks")
        self.telling = (self.webhook_wants, self.outbox, self.webhooks_due)
        """Keys of every script that may tell webhooks of an event; see `tell` in `lua/_lib.lua`."""
        self.book = (self.closing, self.expire, self.open, self.stats, *self.telling)
        """The first keys of every script that settles recipients.

        See `the_book` in `lua/_lib.lua`.
        """

    def beat(self, worker: str) -> str:
        """How often a worker process has shown that it lives."""
        return f"{self.prefix}beat:{worker}"

    @property
    def questions_due(self) -> str:
        """Questions to providers that are due."""
        return self.due("questions")

    def question(self, name: str) -> str:
        """A question to a provider."""
        return f"{self.prefix}question:{name}"

    def answer(self, name: str) -> str:
        """Its answer."""
        return f"{self.prefix}answer:{name}"

    def due(self, kind: str) -> str:
        """The due set of one kind of work."""
        return f"{self.prefix}due:{kind}"

    def inbox(self, lane: str) -> str:
        """Jobs of a lane with parts to accept, by the time they should be looked at."""
        return f"{self.prefix}due:inbox:{lane}"

    def send(self, lane: str) -> str:
        """Batch queues of a lane by the time they should be looked at."""
        return f"{self.prefix}due:send:{lane}"

    def job(self, job: str) -> str:
        """A job's spec, state and counts."""
        return f"{self.prefix}job:{job}"

    def closed_in(self, hour: int) -> str:
        """Jobs that closed in an hour since the epoch and were made small.

        `due:close` has the hour.
        """
        return f"{self.prefix}closed:{hour}"

    def got(self, job: str) -> str:
        """Parts received of a job."""
        return f"{self.prefix}got:{job}"

    def part(self, job: str, part: int) -> str:
        """A part waiting in the inbox."""
        return f"{self.prefix}part:{job}:{part}"

    def blocks(self, job: str) -> str:
        """Where a job's recipients are."""
        return f"{self.prefix}blocks:{job}"

    def block(self, block: int | str) -> str:
        """Up to 200 recipients of one job."""
        return f"{self.prefix}block:{block}"

    def seen(self, job: str, shard: int) -> str:
        """Numbers a job already has."""
        return f"{self.prefix}seen:{job}:{shard}"

    def held(self, job: str) -> str:
        """Entries set aside while the job is paused."""
        return f"{self.prefix}held:{job}"

    def idempotency(self, key: str) -> str:
        """The job made under an idempotency key."""
        return f"{self.prefix}key:{key}"

    def queue(self, queue: str) -> str:
        """Entries that wait for one batch key."""
        return f"{self.prefix}queue:{queue}"

    def size(self, queue: str) -> str:
        """Recipients waiting in a batch queue."""
        return f"{self.prefix}size:{queue}"

    def hold(self, queue: str) -> str:
        """Says that nothing is taken off a batch queue now."""
        return f"{self.prefix}hold:{queue}"

    def attempt(self, attempt: int | str) -> str:
        """One provider call."""
        return f"{self.prefix}attempt:{attempt}"

    def unsure(self, account: str) -> str:
        """Numbers whose message may or may not be out."""
        return f"{self.prefix}unsure:{account}"

    def bucket(self, account: str, action: str) -> str:
        """Token bucket of one action of one account."""
        return f"{self.prefix}bucket:{account}:{action}"

    def park(self, account: str, template: str = "") -> str:
        """Why an account, or one template of it, is parked."""
        return f"{self.prefix}park:{account}:{template}" if template else f"{self.prefix}park:{account}"

    def breaker(self, account: str) -> str:
        """An account's circuit breaker: how its calls fared lately, and what follows."""
        return f"{self.prefix}breaker:{account}"

    def account(self, account: str) -> str:
        """An account's counters and health."""
        return f"{self.prefix}account:{account}"

    def index(self, account: str, day: int, shard: int) -> str:
        """One shard of the serial index of a day."""
        return f"{self.index_of(account, day)}{shard}"

    @property
    def replicated(self) -> str:
        """Written to see whether replicas follow."""
        return self.prefix + "replicated"

    @property
    def losses(self) -> str:
        """What Redis has certainly lost."""
        return self.prefix + "losses"

    @property
    def losses_maybe(self) -> str:
        """Losses that are not certain."""
        return f"{self.losses}:maybe"

    def index_of(self, account: str, day: int) -> str:
        """What the shards of a day have in common: their numbers follow."""
        return f"{self.prefix}index:{account}:{day}:"

    def numbers_of(self, day: int) -> str:
        """What the lists of a day's number index have in common: their numbers follow."""
        # Not `numbers:`, which workers of this layout had for strings: a key never changes its
        # type, or two versions stop each other.
        return f"{self.prefix}phones:{day}:"

    def stats_minutes(self, hour: int) -> str:
        """The minutes of an hour since the epoch."""
        return f"{self.prefix}stats_minutes:{hour}"

    def stats_hours(self, day: int) -> str:
        """The hours of a day since the epoch."""
        return f"{self.prefix}stats_hours:{day}"

    def pages(self, account: str) -> str:
        """Raw receipt pages not yet applied."""
        return f"{self.prefix}pages:{account}"

    def pushed(self, account: str) -> str:
        """Raw pages that were pushed and are not read yet."""
        return f"{self.prefix}pushed:{account}"

    def orphans(self, account: str, day: int) -> str:
        """Receipts that match nothing yet."""
        return f"{self.prefix}orphans:{account}:{day}"

    def called(self, account: str, day: int) -> str:
        """When numbers were called that day, where messages per number are capped."""
        return f"{self.prefix}called:{account}:{day}"

    def session(self, digest: str) -> str:
        """Who is signed in under a token."""
        return f"{self.prefix}session:{digest}"

    def sign_in(self, digest: str) -> str:
        """Wrong passwords lately, for one user, one address, or both."""
        return f"{self.prefix}signin:{digest}"

    def webhook(self, kind: str, endpoint: str) -> str:
        """Of an endpoint, by its id: `state`, `queue`, `flying`, `kept` or `failed`."""
        return f"{self.prefix}webhook_{kind}:{endpoint}"

    def webhook_event(self, event: str) -> str:
        """One event for one endpoint."""
        return f"{self.prefix}webhook_event:{event}"

    def api_rate(self, digest: str, second: int) -> str:
        """Requests of an API key in one second."""
        return f"{self.prefix}api_rate:{digest}:{second}"

    def wakes(self, queue: str) -> str:
        """Wake-ups under way on a queue."""
        return f"{self.prefix}wakes:{queue}"
