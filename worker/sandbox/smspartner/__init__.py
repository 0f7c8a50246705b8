"""SMSPartner, API version 1: requests with a key in, its answers out."""

from worker.sandbox.smspartner.gateway import PREFIX, SmsPartnerWire

__all__ = ["PREFIX", "SmsPartnerWire"]
