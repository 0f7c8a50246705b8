"""Alibaba Cloud as the engine sees it: a class for each of its sites."""

from config.accounts import Account
from worker.providers.adapter import POOL_SIZE
from worker.providers.alibaba.international import InternationalProvider
from worker.providers.alibaba.mainland import MainlandProvider


def open_provider(
    name: str, account: Account, *, pool_size: int = POOL_SIZE
) -> MainlandProvider | InternationalProvider:
    """An account ready for calls; the arguments are those of `Adapter`."""
    kind = InternationalProvider if account.site == "international" else MainlandProvider
    return kind(name, account, pool_size=pool_size)
