"""The result of an action: the answer's fields, and messages whose receipts go ahead of it."""

from collections.abc import Mapping

from msgspec import Struct


class TencentResult(Struct, frozen=True):
    """An action carried out.

    Attributes:
        fields: Of `Response`, apart from RequestId.
        early: Messages whose receipts should be pulled before the answer leaves.
    """

    fields: Mapping[str, object]
    early: tuple[int, ...] = ()
