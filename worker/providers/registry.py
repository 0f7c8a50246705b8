"""The adapters of the configured accounts."""

from collections.abc import Callable
from importlib import import_module
from typing import cast

from config.providers import PROVIDERS
from config.settings import Settings
from worker.providers.base import Provider

# `client.open_provider` of a provider's package: its arguments are `Adapter`'s.
OpenProvider = Callable[..., Provider]


def open_providers(settings: Settings) -> dict[str, Provider]:
    """One adapter per configured account, with connections for every thread."""
    # A call of each thread, and of the receipts' own threads, of which a drain or a round of
    # queries has four.
    pool_size = settings.worker_threads + 4
    opened: dict[str, Provider] = {}
    for name, account in settings.accounts.items():
        # Imported here and not at the top: the adapters of providers without an account are not
        # needed in this process.
        client = import_module(f"{PROVIDERS[account.provider]}.client")
        opened[name] = cast("OpenProvider", client.open_provider)(name, account, pool_size=pool_size)
    return opened
