"""Tencent Cloud SMS, API version 2021-01-11: signed requests in, its answers out."""

from worker.sandbox.tencent.gateway import TencentWire

__all__ = ["TencentWire"]
