"""How the sandbox misbehaves: checked `Flags` from the command line or `POST /_control`."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

Amount: TypeAlias = Annotated[int, Meta(ge=0)]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
FaultKind: TypeAlias = Literal["error", "lost", "reset", "garbled", "slow", "status"]

_COUNT: Final = re.compile(r"[0-9]{1,9}")

# A lost or garbled answer is the dangerous kind: the message is out, and the client does not know.
# Whether a call that meets the fault is carried out, unless the fault says otherwise.
CARRIED_OUT: Final[dict[FaultKind, bool]] = {
    "error": False,
    "lost": True,
    "reset": False,
    "garbled": True,
    "slow": True,
    "status": False,
}


class SandboxAccount(Struct, frozen=True, forbid_unknown_fields=True):
    """One set of credentials and the apps that belong to it.

    Attributes:
        secret_id: Public half of the key.
        secret_key: Secret half; requests are verified with it.
        sdk_app_ids: The apps this key may use. Rates are counted per key, receipts are queued per
            app.
    """

    secret_id: str = "sandbox-id"  # noqa: S105 - as the next line
    secret_key: str = "sandbox-key"  # noqa: S105 - the sandbox's published key, worth nothing elsewhere
    sdk_app_ids: tuple[str, ...] = ("1400000000",)


class SandboxTemplate(Struct, frozen=True, forbid_unknown_fields=True):
    """What an approved template demands.

    Attributes:
        params: Number of values it takes; None takes any number up to 20.
        otp: A verification code template, whose values are 0 to 6 digits.
        region: `mainland` or `global` when it can be sent to one of them only, or empty.
    """

    params: Amount | None = None
    otp: bool = False
    region: Literal["mainland", "global", ""] = ""


class FlagFault(Struct, frozen=True, forbid_unknown_fields=True):
    """Something that goes wrong with calls that were otherwise in order.

    Attributes:
        kind: `error` answers `code` for the whole call; `lost` closes the connection without an
            answer; `reset` resets it; `garbled` cuts the answer in half; `slow` answers after `ms`;
            `status` answers HTTP `status`.
        action: The action it concerns, `*` for every one.
        times: How often it strikes; 0 for no end.
        p: The probability that it strikes a call.
        code: For `error`.
        status: For `status`.
        ms: For `slow`, milliseconds.
        executed: Whether the call is carried out all the same; None leaves it to the kind
            (`CARRIED_OUT`).
    """

    kind: FaultKind
    action: str = "*"
    times: Amount = 0
    p: Share = 1.0
    code: str = "InternalError"
    status: Annotated[int, Meta(ge=200, le=599)] = 502
    ms: Amount = 0
    executed: bool | None = None

    @property
    def carried_out(self) -> bool:
        """Whether the call takes effect."""
        return CARRIED_OUT[self.kind] if self.executed is None else self.executed


class Flags(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the sandbox behaves; the defaults are a strict provider that answers at once.

    Attributes:
        accounts: Keys and apps that exist. Default: `sandbox-id`, `sandbox-key`, `1400000000`.
        any_credentials: Take every key and app, signatures unseen; the clock is still compared.
            Default off.
        latency_ms: Time from arrival to answer, milliseconds. The call takes effect on arrival.
            Default 0.
        latency_jitter_ms: Up to so much more, evenly spread. Default 0.
        receipt_delay_ms: Time from a message to its receipt, milliseconds. Default 0.
        receipt_jitter_ms: Up to so much more per message, so that receipts come out of order.
            Default 0.
        early_hold_ms: How long an answer waits for its receipt to be pulled first (number suffix
            0008). Default 500.
        echo_context: Receipts carry SessionContext, as after activation by the provider. Default
            on.
        callbacks: SdkAppId, `alibaba <AccessKey ID>` or `smspartner` to the URL that its receipts
            and replies are pushed to, without `/status` and `/reply`; pulls go on.
        limits: Action to calls in any second; `*` for all others; 0 for no limit. Default: the
            documented ones.
        steering: Outcomes follow the last four digits of the number. Default on; off delivers
            everything.
        account_codes: SdkAppId (or `*`) to the code every send of it is refused with, for the whole
            call.
        template_codes: Template id to the code each number of a send with it gets.
        sign_codes: Signature to the code each number of a send with it gets.
        templates: Approved templates; when empty, every id made of digits is approved.
        signs: Approved signatures; when empty, every one is.
        reviews: What a review gives a template or signature that is added by an action. Default
            pending, as at the real service.
        faults: What goes wrong, the first that strikes wins.
        seed: Of the order of answers, jitter and fault probabilities. Default 1.
        log_size: Calls remembered for `/_stats`. Default 5000.
    """

    accounts: tuple[SandboxAccount, ...] = (SandboxAccount(),)
    any_credentials: bool = False
    latency_ms: Amount = 0
    latency_jitter_ms: Amount = 0
    receipt_delay_ms: Amount = 0
    receipt_jitter_ms: Amount = 0
    early_hold_ms: Amount = 500
    echo_context: bool = True
    callbacks: dict[str, str] = {}
    limits: dict[str, Amount] = {}
    steering: bool = True
    account_codes: dict[str, str] = {}
    template_codes: dict[str, str] = {}
    sign_codes: dict[str, str] = {}
    templates: dict[str, SandboxTemplate] = {}
    signs: tuple[str, ...] = ()
    reviews: Literal["pending", "approved", "rejected"] = "pending"
    faults: tuple[FlagFault, ...] = ()
    seed: int = 1
    log_size: Amount = 5000

    def changed(self, patch: Mapping[str, object]) -> "Flags":
        """These flags with some replaced.

        Args:
            patch: Flag names to plain JSON values; a table or list is replaced whole.

        Returns:
            New, checked flags.

        Raises:
            ValueError: An unknown name (with the nearest known one) or a value out of bounds.
        """
        for name in patch:
            if name not in self.__struct_fields__:
                raise ValueError(_unknown(name, self.__struct_fields__))
        plain = msgspec.to_builtins(self)
        # Converted as a whole, so that one wrong value changes nothing.
        return msgspec.convert({**plain, **patch}, Flags)

    def public(self) -> dict[str, object]:
        """The flags as plain values with the secret keys masked."""
        plain: dict[str, object] = msgspec.to_builtins(self)
        plain["accounts"] = [{**msgspec.to_builtins(one), "secret_key": "****"} for one in self.accounts]
        return plain


def parse_account(text: str) -> SandboxAccount:
    """An account from `ID:KEY:APP[,APP…]`.

    Raises:
        ValueError: Not of this form.
    """
    parts = text.split(":")
    if len(parts) != 3 or not all(parts):
        raise ValueError("an account is written secret-id:secret-key:sdk-app-id[,sdk-app-id]")
    return SandboxAccount(parts[0], parts[1], tuple(parts[2].split(",")))


def parse_fault(text: str) -> FlagFault:
    """A fault from `KIND[,NAME=VALUE…]`, such as `lost,p=0.01`.

    Raises:
        ValueError: An unknown kind or name, or a value out of bounds.
    """
    kind, *rest = text.split(",")
    fields = dict(parse_pair(part) for part in rest)
    for name in fields:
        if name not in FlagFault.__struct_fields__:
            raise ValueError(_unknown(name, FlagFault.__struct_fields__))
    # Not strict: all values come as text here, `times=3` as much as `p=0.1`.
    return msgspec.convert({"kind": kind, **fields}, FlagFault, strict=False)


def parse_limits(texts: Iterable[str]) -> dict[str, int]:
    """Calls in any second by action, from `ACTION=CALLS` each.

    Raises:
        ValueError: Not of this form, or no whole number from 0 up.
    """
    limits = dict(map(parse_pair, texts))
    for action, calls in limits.items():
        if not _COUNT.fullmatch(calls):
            raise ValueError(f"the limit of {action!r} is {calls!r}, not a whole number of calls from 0 up")
    return {action: int(calls) for action, calls in limits.items()}


def parse_pair(text: str) -> tuple[str, str]:
    """`NAME=VALUE` as a pair.

    Raises:
        ValueError: No `=` or nothing before it.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ValueError(f"{text!r} is not of the form NAME=VALUE")
    return name, value


def _unknown(name: str, known: tuple[str, ...]) -> str:
    # A flag that is misspelt and passed over would make a test pass for the wrong reason.
    near = get_close_matches(name, known, n=1)
    return f"no flag {name!r}" + (f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}")
