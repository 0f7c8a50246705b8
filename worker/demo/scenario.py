"""What the demo sends and how each number must end: data and pure functions.

It makes the CSV file, the service's settings and the expected end of each number.

The sandbox decides a number's outcome by its last four digits (`worker/sandbox/README.md`), so a
few chosen numbers among a thousand ordinary ones show every outcome there is. Times that are
minutes or days in real life are seconds here.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from smsline.states import State
from worker.sandbox.steering import FATES, SUFFIXES

CAMPAIGN_SIZE: Final = 1_000
CAMPAIGN_TEMPLATE: Final = "5678"
OTP_TEMPLATE: Final = "1234"

# Numbers of the campaign per second: as fast as it can it would be over before there is anything to
# see.
PACE: Final = 500.0

_BASE: Final = 8_613_800_000_000
_FIRST_ORDINARY: Final = 1_000
_FIRST_OTP: Final = 9_001

OTP_NUMBERS: Final = tuple(_BASE + _FIRST_OTP + i for i in range(3))


@dataclass(frozen=True, slots=True)
class ScenarioNumber:
    """A number whose outcome is chosen, and how it must end.

    Attributes:
        suffix: Its last four digits.
        story: What happens to it, for people.
        state: The state it must end in.
        code: The code it must end with.
    """

    suffix: int
    story: str
    state: State
    code: str

    @property
    def number(self) -> int:
        """The number, E.164 as an integer."""
        return _BASE + self.suffix

    @property
    def goes_out(self) -> bool:
        """Whether the sandbox passes a message on, at the first try or at the second."""
        fate = FATES[SUFFIXES[self.suffix]]
        return fate.sent or fate.once


# In the order of the file. The one that takes longest, the missing receipt, comes first.
STEERED: Final = (
    ScenarioNumber(6, "accepted, its receipt never comes", State.UNKNOWN, "receipt.Deadline"),
    ScenarioNumber(1, "not a number the provider takes", State.DEAD, "InvalidParameterValue.IncorrectPhoneNumber"),
    ScenarioNumber(2, "accepted, the number does not exist", State.UNDELIVERED, "MK:0001"),
    ScenarioNumber(3, "accepted, the handset is off", State.UNDELIVERED, "MK:0024"),
    ScenarioNumber(4, "over a limit at first, taken at the second try", State.DELIVERED, "DELIVRD"),
    ScenarioNumber(5, "timed out and was sent: found by its receipt", State.DELIVERED, "DELIVRD"),
    ScenarioNumber(7, "its receipt comes twice", State.DELIVERED, "DELIVRD"),
    ScenarioNumber(8, "its receipt comes before the answer", State.DELIVERED, "DELIVRD"),
    ScenarioNumber(9, "the text is refused", State.DEAD, "FailedOperation.ContainSensitiveWord"),
    ScenarioNumber(10, "the recipient has opted out", State.DEAD, "FailedOperation.PhoneNumberInBlacklist"),
    ScenarioNumber(12, "timed out and was not sent: no query can tell", State.UNKNOWN, "unsure.Horizon"),
    ScenarioNumber(13, "missing in the answer and sent: found by its receipt", State.DELIVERED, "DELIVRD"),
    ScenarioNumber(14, "accepted, the carrier blocks a keyword", State.UNDELIVERED, "SC:0001"),
    ScenarioNumber(15, "accepted, a carrier code that no table has", State.UNDELIVERED, "ZZ:9999"),
    ScenarioNumber(16, "a success flag beside a code that no table has", State.DELIVERED, "ZZ:0000"),
    ScenarioNumber(17, "a country this provider does not serve", State.DEAD, "UnsupportedOperation.UnsupportedRegion"),
    ScenarioNumber(18, "a refusal that no table has: it may be out", State.UNKNOWN, "unsure.Horizon"),
    ScenarioNumber(19, "success in another spelling", State.DELIVERED, "DELIVRD"),
    ScenarioNumber(20, "missing in the answer and not sent", State.UNKNOWN, "unsure.Horizon"),
)

# Not among them: 0011, which waits for tomorrow.

HORIZON_S: Final = 6.0
# How long an answer, and a receipt, may stay away. All receipts are out two seconds after a send:
# the rest is for slow machines.
DEADLINE_S: Final = 10.0

# What the demo changes of the service's settings.
SETTINGS: Final[dict[str, Any]] = {
    "first_poll_s": 0.3,
    "unsure_probes_s": [1.0, 3.0],
    "unsure_horizon_s": HORIZON_S,
    "receipt_probes_s": [4.0, 8.0],
    "receipt_deadline_s": DEADLINE_S,
    "log_format": "plain",
}

# What the demo changes of the sandbox: a provider at some distance, whose receipts trickle in.
SANDBOX_FLAGS: Final = {"latency_ms": 60, "receipt_delay_ms": 300, "receipt_jitter_ms": 1500}

# A file of overrides that makes the half minute of number 0004 two seconds.
CODES: Final = "provider\tnamespace\tcode\tdelay_s\ntencent\tapi\tLimitExceeded.PhoneNumberThirtySecondLimit\t2\n"


def campaign_numbers() -> list[int]:
    """The campaign's numbers in the order of the file: ordinary ones, steered ones among them."""
    # Spread evenly, so that every batch of 200 meets some of them.
    numbers = list(range(_BASE + _FIRST_ORDINARY, _BASE + _FIRST_ORDINARY + CAMPAIGN_SIZE - len(STEERED)))
    for i, each in enumerate(STEERED):
        numbers.insert(10 + i * CAMPAIGN_SIZE // len(STEERED), each.number)
    return numbers


def csv_lines() -> Iterator[str]:
    """The campaign as the lines of a CSV file."""
    yield "phone,ref\n"
    for row, number in enumerate(campaign_numbers(), 1):
        yield f"+{number},customer-{row}\n"


def expected() -> dict[int, tuple[State, str]]:
    """Every number of the demo to the state and the code it must end with."""
    ends = dict.fromkeys((*campaign_numbers(), *OTP_NUMBERS), (State.DELIVERED, "DELIVRD"))
    return ends | {each.number: (each.state, each.code) for each in STEERED}


def settings_toml(codes_file: str) -> str:
    """The settings as the text of an `smsline.toml`.

    Args:
        codes_file: Where `CODES` was written to.
    """
    # A JSON number, list or text is the same in TOML.
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in {**SETTINGS, "codes_file": codes_file}.items())
