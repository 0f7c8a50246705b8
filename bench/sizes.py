"""How much is measured: `FULL` for figures to publish, `QUICK` for a look while working."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much of everything is run.

    Attributes:
        name: What this size is called.
        rounds: How often the engine and its baselines take turns; figures and ratios are medians
            over the rounds.
        campaign: Numbers of a campaign, for the engine and for the bare loop.
        per_number: Numbers of the baseline that has a Celery task for each number.
        per_200: Numbers of the baseline that has a Celery task for each 200.
        otps: One-time passwords of a throughput run.
        pings: One-time passwords of a latency run on an idle service.
        ping_every_s: Seconds between two of them.
        volumes: Recipients of the jobs that are followed from submit to closed, small to large.
        busy: Recipients of the campaign under which the latency of one-time passwords is measured.
        limited_s: Seconds of work for the limiter.
        api_s: Seconds of requests to the API.
        soak_minutes: Of single jobs at an even pace.
        soak_dead: Dead letters that are made in the middle of it.
        priced: Numbers of a campaign by which the statistics are priced.
    """

    name: str
    rounds: int
    campaign: int
    per_number: int
    per_200: int
    otps: int
    pings: int
    ping_every_s: float
    volumes: tuple[int, ...]
    busy: int
    limited_s: int
    api_s: int
    priced: int
    soak_minutes: float
    soak_dead: int


FULL: Final = Sizes(
    name="full",
    rounds=3,
    campaign=200_000,
    per_number=2_000,
    per_200=100_000,
    otps=1_000,
    pings=300,
    ping_every_s=0.04,
    volumes=(100_000, 1_000_000),
    busy=1_000_000,
    limited_s=20,
    api_s=20,
    priced=60_000,
    soak_minutes=10,
    soak_dead=500_000,
)

QUICK: Final = Sizes(
    name="quick",
    rounds=1,
    campaign=60_000,
    per_number=600,
    per_200=40_000,
    otps=300,
    pings=100,
    ping_every_s=0.04,
    volumes=(20_000, 100_000),
    busy=100_000,
    limited_s=6,
    api_s=5,
    priced=10_000,
    soak_minutes=0.5,
    soak_dead=10_000,
)
