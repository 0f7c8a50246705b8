"""django-allauth: its texts to phones, as a mixin for the project's account adapter."""

from math import ceil
from typing import Any

from allauth.account import app_settings

from smsline.contrib.django.sending import required, send_text


class SmsAdapterMixin:
    """The three SMS hooks of allauth's account adapter.

    The project's own adapter adds where phones are stored.

    SMSLINE['TEMPLATES'] names what is sent: `verification` is needed; without `unknown_account` and
    `account_exists` nothing is sent in those cases, as with allauth's own adapter.
    """

    def send_verification_code_sms(self, user: Any, phone: str, code: str, **_: Any) -> None:  # noqa: ANN401, ARG002 - allauth's signature
        """Send the code.

        It may be sent as long as it is valid (ACCOUNT_PHONE_VERIFICATION_TIMEOUT).
        """
        # As long as allauth believes the code and no longer: a code that comes later only makes its
        # reader type it in vain.
        valid_s = float(app_settings.PHONE_VERIFICATION_TIMEOUT)
        values = {"code": code, "minutes": str(ceil(valid_s / 60))}  # rounded up: 90 s are told as 2 minutes, not as 1
        required("verification", send_text("verification", phone, ttl_s=valid_s, values=values))

    def send_unknown_account_sms(self, phone: str, **_: Any) -> None:  # noqa: ANN401 - allauth's signature
        """Tell a number that was entered at sign-in that it belongs to no account."""
        send_text("unknown_account", phone)

    def send_account_already_exists_sms(self, phone: str, **_: Any) -> None:  # noqa: ANN401 - allauth's signature
        """Tell a number that was entered at sign-up that it has an account already."""
        send_text("account_exists", phone)
