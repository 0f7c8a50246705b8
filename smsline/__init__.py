"""What a producer or an operator's tool imports: jobs go in, states and results come out."""

from smsline.client import Client
from smsline.errors import BadInput, Conflict, NotFound, SmslineError, Unavailable
from smsline.job import Recipient, Rejected

__all__ = ["BadInput", "Client", "Conflict", "NotFound", "Recipient", "Rejected", "SmslineError", "Unavailable"]
