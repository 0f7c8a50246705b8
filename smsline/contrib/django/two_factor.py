"""django-two-factor-auth.

Its gateway for texts, TWO_FACTOR_SMS_GATEWAY = "smsline.contrib.django.two_factor.Gateway".
"""

from typing import Any, Final

from smsline.contrib.django.sending import required, send_text

# A token of two-factor-auth's phone devices is believed for five steps of 30 s after its own.
VALID_S: Final = 180.0


class Gateway:
    """Sends the token by the template SMSLINE['TEMPLATES']['two_factor']."""

    @staticmethod
    def send_sms(device: Any, token: str) -> None:  # noqa: ANN401 - two-factor's device
        """Send a token to the number of a phone device."""
        values = {"code": str(token), "minutes": f"{VALID_S / 60:g}"}
        required("two_factor", send_text("two_factor", device.number.as_e164, ttl_s=VALID_S, values=values))

    @staticmethod
    def make_call(device: Any, token: str) -> None:  # noqa: ANN401 - as above
        """Refuse: smsline makes no calls.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError("smsline sends texts and makes no calls: leave TWO_FACTOR_CALL_GATEWAY unset")
