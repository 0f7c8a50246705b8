"""Alibaba Cloud SMS, API versions 2017-05-25 and 2018-05-01: an `AlibabaAccount` in, a `QueryProvider` out."""

from worker.providers.alibaba.account import AlibabaAccount
from worker.providers.alibaba.client import InternationalProvider, MainlandProvider, open_account

__all__ = ["AlibabaAccount", "InternationalProvider", "MainlandProvider", "open_account"]
