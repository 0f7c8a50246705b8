"""An account as configured in, the adapter's own checked `TencentAccount` out."""

from config.accounts import Account
from worker.providers.tencent.account import TencentAccount
from worker.providers.tencent.limits import DEFAULTS
from worker.providers.tencent.signing import ALGORITHM


def account_of(name: str, account: Account) -> TencentAccount:
    """The account that the settings describe.

    Raises:
        BadInput: A value that could never make a call.
    """
    return TencentAccount(
        name=name,
        secret_id=account.secret_id.get_secret_value(),
        secret_key=account.secret_key.get_secret_value(),
        sdk_app_id=account.sdk_app_id,
        region=account.region,
        endpoint=str(account.endpoint),
        timeout_s=account.timeout_s,
        limits={**DEFAULTS, **account.limits},
        signs=bool(account.sign),
        signing=account.signing or ALGORITHM,
    )
