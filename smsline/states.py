"""The states of a recipient and of a job, and which move is allowed.

The ledger's scripts are given this table.

A state is stored as one letter per recipient (`STATE_LETTERS`). `unsure` counts as `sending`
towards the outside.
"""

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """What is known of one recipient of one job."""

    WAITING = "waiting"
    SENDING = "sending"
    UNSURE = "unsure"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    DEAD = "dead"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    SUPPRESSED = "suppressed"
    UNKNOWN = "unknown"


class JobState(StrEnum):
    """What is known of a job as a whole."""

    OPEN = "open"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    CLOSED = "closed"


# One letter per state in a block's packed state column.
LETTERS: Final[dict[State, str]] = {
    State.WAITING: "w",
    State.SENDING: "s",
    State.UNSURE: "q",
    State.ACCEPTED: "a",
    State.DELIVERED: "d",
    State.UNDELIVERED: "f",
    State.DEAD: "x",
    State.EXPIRED: "e",
    State.CANCELLED: "c",
    State.SUPPRESSED: "p",
    State.UNKNOWN: "u",
}

# In the state column: a number that the job already had; sent once, not counted, reported.
DUPLICATE: Final = "="

STATES: Final[dict[str, State]] = {letter: state for state, letter in LETTERS.items()}

# `unsure` is not among them: to a producer it is a call under way, whose outcome is still being
# found out. The keys of a status' counts, in the order they are shown.
COUNTED: Final = (
    "total",
    "waiting",
    "sending",
    "accepted",
    "delivered",
    "undelivered",
    "dead",
    "expired",
    "cancelled",
    "suppressed",
    "unknown",
)

# `undelivered` is final for the job's end, though a person may send it again: that opens the job
# anew. Never left, except undelivered, dead and unknown by a person's requeue.
FINAL: Final[frozenset[State]] = frozenset(
    {
        State.DELIVERED,
        State.UNDELIVERED,
        State.DEAD,
        State.EXPIRED,
        State.CANCELLED,
        State.SUPPRESSED,
        State.UNKNOWN,
    }
)

# The scripts get their copy from here, so that there is one table; the tests have a model of their
# own. State to the states it may move to; a state that is not a key is never left.
MOVES: Final[dict[State, frozenset[State]]] = {
    State.WAITING: frozenset({State.SENDING, State.EXPIRED, State.CANCELLED, State.SUPPRESSED}),
    State.SENDING: frozenset({State.WAITING, State.ACCEPTED, State.DEAD, State.UNSURE}),
    State.UNSURE: frozenset(
        {State.WAITING, State.ACCEPTED, State.DELIVERED, State.UNDELIVERED, State.UNKNOWN, State.DEAD}
    ),
    State.ACCEPTED: frozenset({State.DELIVERED, State.UNDELIVERED, State.UNKNOWN, State.WAITING}),
    State.UNDELIVERED: frozenset({State.WAITING}),
    State.DEAD: frozenset({State.WAITING}),
    State.UNKNOWN: frozenset({State.WAITING}),
}


def counted_as(state: State) -> str:
    """The status count a state belongs to: its own, but `unsure` counts as `sending`."""
    return State.SENDING.value if state is State.UNSURE else state.value
