"""Tencent Cloud SMS, API version 2021-01-11, as a server."""

from worker.sandbox.tencent.gateway import TencentWire

__all__ = ["TencentWire"]
