"""SMSPartner, API version 1, as a server."""

from worker.sandbox.smspartner.gateway import PREFIX, SmsPartnerWire

__all__ = ["PREFIX", "SmsPartnerWire"]
