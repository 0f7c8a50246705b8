"""SMSPartner (smspartner.fr), API version 1: an `SmsPartnerAccount` in, a `worker.providers.base.Provider` out."""

from worker.providers.smspartner.account import SmsPartnerAccount
from worker.providers.smspartner.client import SmsPartnerProvider, open_account

__all__ = ["SmsPartnerAccount", "SmsPartnerProvider", "open_account"]
