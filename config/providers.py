"""The providers there are: one line each.

A line names the package that holds the provider, as Celery's `include` names modules of tasks:
settings know the name and nothing of the code behind it (docs/decisions). Only providers that an
account names are imported.
"""

from functools import lru_cache
from importlib import import_module
from typing import Final

from config.facts import ProviderFacts
from smsline.codes import add_provider

# Name to package. The package has `facts.FACTS` and `client.open_provider`
# (docs/adding-a-provider.md).
PROVIDERS: Final[dict[str, str]] = {
    "tencent": "worker.providers.tencent",
    "smspartner": "worker.providers.smspartner",
    "alibaba": "worker.providers.alibaba",
}


@lru_cache(maxsize=64)
def facts_of(provider: str) -> ProviderFacts:
    """What a provider declares of itself.

    Its own table of codes, if it brings one, holds from then on.

    Raises:
        KeyError: No such provider.
    """
    # The module of facts alone: the package's client brings the provider's HTTP code, and
    # `check` needs none of it.
    facts: ProviderFacts = import_module(f"{PROVIDERS[provider]}.facts").FACTS
    if facts.codes:
        add_provider(provider, facts.codes, zone=facts.zone, utc_offset_h=facts.utc_offset_h)
    return facts
