"""Accounts as configured go in, one adapter per account comes out."""

from collections.abc import Callable, Mapping
from typing import Final

from config.settings import Account, Settings
from worker.providers.base import QUERIES_AT_ONCE, Provider


def _tencent(name: str, account: Account, pool_size: int) -> Provider:
    from worker.providers.tencent import open_account  # noqa: PLC0415 - only what is configured is imported
    from worker.providers.tencent.configured import account_of  # noqa: PLC0415

    return open_account(account_of(name, account), pool_size=pool_size)


def _smspartner(name: str, account: Account, pool_size: int) -> Provider:
    from worker.providers.smspartner import SmsPartnerAccount, open_account  # noqa: PLC0415

    return open_account(
        SmsPartnerAccount(
            name=name,
            api_key=account.secret_key.get_secret_value(),
            texts=account.texts,
            endpoint=str(account.endpoint),
            timeout_s=account.timeout_s,
            limits=account.limits,
            gamme=account.gamme,
            stop_sms=account.stop_sms,
            unicode=account.unicode,
        ),
        pool_size=pool_size,
    )


def _alibaba(name: str, account: Account, pool_size: int) -> Provider:
    from worker.providers.alibaba import AlibabaAccount, open_account  # noqa: PLC0415

    return open_account(
        AlibabaAccount(
            name=name,
            access_key_id=account.secret_id.get_secret_value(),
            access_key_secret=account.secret_key.get_secret_value(),
            site=account.site or "mainland",
            endpoint=str(account.endpoint),
            timeout_s=account.timeout_s,
            limits=account.limits,
            texts=account.texts,
        ),
        pool_size=pool_size * QUERIES_AT_ONCE,
    )


OPENERS: Final[Mapping[str, Callable[[str, Account, int], Provider]]] = {
    "alibaba": _alibaba,
    "smspartner": _smspartner,
    "tencent": _tencent,
}


def open_providers(settings: Settings) -> dict[str, Provider]:
    """One adapter per configured account, with connections for every thread."""
    pool_size = settings.worker_threads + 4
    return {name: OPENERS[account.provider](name, account, pool_size) for name, account in settings.accounts.items()}
