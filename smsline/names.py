"""Every name that crosses a process boundary: lanes, queues and tasks, pinned by a test."""

from typing import Final, Literal, TypeAlias

Lane: TypeAlias = Literal["otp", "notify", "marketing"]

# What may wait for what, most urgent first.
LANES: Final[tuple[Lane, ...]] = ("otp", "notify", "marketing")

# Where `python -m worker up` keeps its Redis, so that a client works with nothing set.
DEFAULT_URL: Final = "redis://127.0.0.1:6390/0"

# Of a namespace, an account or a route. Lower case alone, because environment variables cannot tell
# the case of a name. No dot and no blank: names are parts of keys and of metrics.
NAME: Final = r"[a-z0-9][a-z0-9_-]{0,31}"
NAME_RULE: Final = "must be 1 to 32 of a-z, 0-9, - and _, beginning with a letter or digit"

# Of the ledger's keys, unless SMSLINE_NAMESPACE says otherwise.
DEFAULT_NAMESPACE: Final = "smsline"

# The account that `up` and compose make where none is configured. Results name it as the provider,
# too.
SANDBOX_ACCOUNT: Final = "sandbox"

# Version of the JSON payload of `smsline.submit`.
PAYLOAD_VERSION: Final = 1

# Celery's queues and tasks: other producers write these names by hand, so a change of one is a
# change of the contract.
QUEUE_PREFIX: Final = "smsline."
RECEIPTS_QUEUE: Final = "smsline.receipts"
WEBHOOKS_QUEUE: Final = "smsline.webhooks"

TASK_SUBMIT: Final = "smsline.submit"
TASK_ACCEPT: Final = "smsline.accept"
TASK_SEND: Final = "smsline.send"
TASK_DRAIN: Final = "smsline.drain"
TASK_PROBE: Final = "smsline.probe"
TASK_CLOSE: Final = "smsline.close"
TASK_WEBHOOKS: Final = "smsline.webhooks"

TASKS: Final = (TASK_SUBMIT, TASK_ACCEPT, TASK_SEND, TASK_DRAIN, TASK_PROBE, TASK_CLOSE, TASK_WEBHOOKS)


# A process that has not announced itself for so long does not run any more.
GONE_MS: Final = 30_000


def lane_queue(lane: str) -> str:
    """The Celery queue of a lane, `smsline.otp` for `otp`."""
    return QUEUE_PREFIX + lane


QUEUES: Final = (*(lane_queue(lane) for lane in LANES), RECEIPTS_QUEUE, WEBHOOKS_QUEUE)
