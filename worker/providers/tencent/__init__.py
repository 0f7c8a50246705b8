"""Tencent Cloud SMS, API version 2021-01-11: a `TencentAccount` in, a `worker.providers.base.Provider` out."""

from worker.providers.tencent.account import TencentAccount
from worker.providers.tencent.client import TencentProvider, open_account

__all__ = ["TencentAccount", "TencentProvider", "open_account"]
