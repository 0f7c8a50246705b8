"""Alibaba Cloud SMS, API versions 2017-05-25 and 2018-05-01, as a server."""

from worker.sandbox.alibaba.gateway import AlibabaWire
from worker.sandbox.alibaba.params import is_alibaba

__all__ = ["AlibabaWire", "is_alibaba"]
