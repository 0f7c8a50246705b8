"""Settings of the service, read from environment and `smsline.toml`.

A wrong one is refused in an error that lists every problem.

What each setting means, with its trade-off, stands in `config/smsline.sample.toml`.
"""

import os
import tomllib
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, Field, FilePath, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.accounts import Account
from config.fields import BrokerUrl, Country, LowerCase, Name, PerLane, Probes, RedisUrl, Seconds, SecondsOrZero
from config.problems import UNKNOWN, SettingsError, Unfit, describe, errors_of, path_of
from config.routes import RouteSettings, stray
from config.sources import SourceContent, config_path, overlaid, read_environ, read_file, without
from config.suggestions import SettingNames
from config.web import WebhookSettings, WebSettings
from smsline.environ import PREFIX, open_to_others
from smsline.names import DEFAULT_URL
from smsline.urls import proxy_secrets, secrets_of

__all__ = ["Account", "PerLane", "Settings", "SettingsError", "load_settings"]


class Settings(BaseSettings):
    """Everything the service can be told.

    Made by hand it reads nothing else; `load_settings` reads the outside.

    Every setting ends in its unit; `_s` is seconds, `_ms` milliseconds.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", str_strip_whitespace=True)

    redis_url: RedisUrl = Field(default=DEFAULT_URL, repr=False)
    """The ledger's Redis."""

    redis_replicas: Annotated[int, Field(ge=0, le=100)] = 0
    """Replicas of Redis that must know of a call before it is made, so that none that is promoted
    makes it again; 0 asks none."""

    broker_url: BrokerUrl = Field(default_factory=lambda data: data["redis_url"], repr=False)
    """Celery's broker; the ledger's Redis unless set."""

    namespace: Name = "smsline"
    """Begins every key of the ledger; producers must use the same."""

    region_default: Country | None = None
    """ISO 3166 country of numbers written without a country code; None refuses them."""

    accounts: dict[Name, Account] = Field(default_factory=dict)
    """Accounts by name."""

    routes: dict[Name, RouteSettings] = Field(default_factory=dict)
    """Routes by name; numbers that none is for go by the accounts' own prefixes and priorities."""

    breaker_failures: Annotated[int, Field(ge=0, le=1000)] = 4
    """Calls of an account in a row that fail through no fault of their recipients until the account
    is held; 0 is never."""

    breaker_pause_s: Seconds = 1.0
    """Until the first probe of a held account; doubled after each that fails."""

    breaker_pause_most_s: Seconds = 30.0
    """The longest pause between two probes of a held account."""

    failover_failures: Annotated[int, Field(ge=0, le=10_000)] = 10
    """Calls of an account that fail within a minute, and are at least half of all, until traffic
    fails over from it; 0 is never."""

    failover_cooldown_s: Seconds = 60.0
    """For how long they do."""

    failover_return_s: Seconds = 300.0
    """From then on until the account has all of its share again; it grows evenly."""

    unsure_reroute: bool = False
    """Whether an otp that is sent again after an unsure call may go through another account."""

    linger_ms: PerLane[Annotated[int, Field(ge=0, le=600_000)]] = PerLane(otp=0, notify=50, marketing=500)
    """How long a batch that is not full waits for more."""

    first_poll_s: PerLane[SecondsOrZero] = PerLane(otp=2.0, notify=5.0, marketing=5.0)
    """From a send to the first look for its receipts."""

    unsure_probes_s: Probes = (5.0, 30.0, 120.0, 600.0, 3600.0)
    """When to ask about a recipient whose call may or may not have been carried out."""

    unsure_horizon_s: PerLane[SecondsOrZero] = PerLane(otp=10.0, notify=3600.0, marketing=3600.0)
    """How long to ask before the lane's policy decides."""

    receipt_probes_s: Probes = (600.0, 3600.0, 21600.0, 86400.0)
    """When to ask by number about an accepted recipient without a receipt."""

    receipt_deadline_s: Seconds = 259_200.0
    """When an accepted recipient without a receipt ends as unknown."""

    lease_s: Annotated[Seconds, Field(ge=1)] = 60.0
    """How long a claim holds; a crashed worker's work is taken over after it."""

    retry_max: PerLane[Annotated[int, Field(ge=0, le=100)]] = PerLane(otp=5, notify=12, marketing=12)
    """Attempts after the first for a recipient whose call was certainly not carried out."""

    receipt_retry: PerLane[Annotated[int, Field(ge=0, le=100)]] = PerLane(otp=1, notify=1, marketing=0)
    """Further tries for a recipient whose receipt says that the text did not arrive, and that
    another may."""

    park_probe_s: Seconds = 60.0
    """Between two probe calls of a parked account or template."""

    retention_days: Annotated[float, Field(gt=0, le=3650)] = 7.0
    """How long a closed job is kept."""

    cap_30s: Annotated[int, Field(ge=0, le=1000)] = 0
    """Most messages to one number through one account in 30 seconds; more wait. 0 is any number."""

    cap_hour: Annotated[int, Field(ge=0, le=1000)] = 0
    """The same in an hour."""

    cap_day: Annotated[int, Field(ge=0, le=1000)] = 0
    """The same in 24 hours."""

    otp_reserve: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """Share of every rate limit that only otp may use."""

    worker_procs: Annotated[int, Field(ge=1, le=256)] = 1
    """Worker processes for notify and marketing that `up` and `run` start.

    Otp has one of its own.
    """

    worker_threads: Annotated[int, Field(ge=1, le=256)] = 8
    """Threads in each worker process; as many calls can be under way."""

    pulse_ms: Annotated[int, Field(ge=5, le=10_000)] = 50
    """Between two looks at the due set."""

    log_level: Annotated[Literal["debug", "info", "warning", "error"], LowerCase] = "info"
    """The least severe record that is written."""

    log_format: Annotated[Literal["auto", "plain", "json"], LowerCase] = "auto"
    """Plain lines or JSON lines; auto is plain on a terminal and JSON elsewhere."""

    codes_file: FilePath | None = None
    """Rows that override the providers' code tables."""

    words_file: FilePath | None = None
    """Rows that override the table of words by which replies are read."""

    reply_poll_s: SecondsOrZero = 0.5
    """Between two looks for replies at a provider that queues them; 0 leaves them there."""

    sandbox: Annotated[Literal["auto", "on", "off"], LowerCase] = "auto"
    """Whether `up` starts the sandbox; auto does when there is no account."""

    web: WebSettings = WebSettings()
    """The web process."""

    webhooks: WebhookSettings = WebhookSettings()
    """Deliveries of events."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is the library's
        init_settings: PydanticBaseSettingsSource,
        *_: object,
        **__: object,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed counts: the environment never changes a test or a tool."""
        return (init_settings,)

    @field_validator("linger_ms", "first_poll_s", "unsure_horizon_s", "retry_max", "receipt_retry", mode="before")
    @classmethod
    def _fill_lanes(cls, value: object, info: ValidationInfo) -> object:
        """A single value is for all lanes; lanes that are not named keep their default."""
        default = cls.model_fields[str(info.field_name)].default.model_dump()
        if isinstance(value, Mapping):
            return {**default, **value}
        return value if isinstance(value, PerLane) else dict.fromkeys(default, value)

    @model_validator(mode="after")
    def _end_calls_within_the_lease(self) -> Self:
        """A lease that ends during a call would let another worker make the same call."""
        for name, account in self.accounts.items():
            if account.timeout_s < self.lease_s:
                continue
            if "timeout_s" in account.model_fields_set:
                rule = f"must be shorter than lease_s, which is {self.lease_s:g}"
                raise Unfit(("accounts", name, "timeout_s"), rule).as_error()
            # Half: the rest is for what happens around the call, its record and the
            # wait for a token included.
            self.accounts[name] = account.model_copy(update={"timeout_s": self.lease_s / 2})
        return self

    @model_validator(mode="after")
    def _route_through_known_accounts(self) -> Self:
        """A route leads through accounts that exist, once through each."""
        if found := stray(self.routes, self.accounts):
            raise Unfit(("routes", found[0]), found[1]).as_error()
        return self

    @field_validator("accounts")
    @classmethod
    def _in_order_of_preference(cls, accounts: dict[str, Account]) -> dict[str, Account]:
        """In the order of priority, then names: the first that can serve a number is preferred."""
        return dict(sorted(accounts.items(), key=lambda item: (item[1].priority, item[0])))

    def bucket_of(self, account: str) -> str:
        """Whose token buckets an account's calls are counted in.

        Providers count by key, and several accounts may share one.
        """
        return self._buckets.get(account, account)

    @cached_property
    def _buckets(self) -> dict[str, str]:
        # Not by the secret key where there is an id: two secrets of one id are one key to the
        # provider. The first account of a key by name gives the bucket its name, so that every
        # process counts in the same one.
        first: dict[object, str] = {}
        keys = {
            name: (each.provider, each.endpoint, each.secret_id or each.secret_key)
            for name, each in sorted(self.accounts.items())
        }
        return {name: first.setdefault(key, name) for name, key in keys.items()}

    @property
    def longest_call_s(self) -> float:
        """The longest time that one call may take, over all accounts."""
        return max((account.timeout_s for account in self.accounts.values()), default=10.0)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value that must not appear in a log."""
        accounts = self.accounts.values()
        credentials = [
            each.get_secret_value()
            for account in accounts
            for each in (account.secret_id, account.secret_key, account.token, *account.callback_secret)
        ]
        # Of a URL the password alone, as written and decoded: the whole URL stands in no
        # log, its password might.
        passwords = [word for url in (self.redis_url, self.broker_url) for word in secrets_of(url)]
        passwords += [word for account in accounts for word in proxy_secrets(account.proxy)]
        return tuple(filter(None, (*credentials, *passwords, self.web.metrics_token.get_secret_value())))


KNOWN: Final = SettingNames(
    top=tuple(Settings.model_fields),
    per_lane=frozenset(name for name, field in Settings.model_fields.items() if isinstance(field.default, PerLane)),
    groups={
        name: tuple(type(field.default).model_fields)
        for name, field in Settings.model_fields.items()
        if isinstance(field.default, BaseModel) and not isinstance(field.default, PerLane)
    },
)


# Settings that are true or false.
SWITCHES: Final = {
    name
    for model in (Settings, Account, WebSettings, WebhookSettings, RouteSettings)
    for name, field in model.model_fields.items()
    if field.annotation is bool
}

# Settings that are, or may hold, a key or a password.
_SECRET_NAMES: Final = frozenset(
    {"secret_id", "secret_key", "token", "callback_secret", "metrics_token", "redis_url", "broker_url", "proxy"}
)


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the environment with its files of secrets, and the TOML file.

    The file that `SMSLINE_CONFIG` names, or `./smsline.toml`.

    The environment wins.

    Args:
        environ: Instead of this process' environment.

    Returns:
        The settings, checked.

    Raises:
        SettingsError: Unknown or misspelt names and impossible values, all of them at once.
    """
    environ = os.environ if environ is None else environ
    from_environ, from_file = read_environ(environ, KNOWN.per_lane, KNOWN.top), _given_by_file(environ)
    # Pydantic would take true for 1.
    switched = [
        f"{raw.name}: {str(raw.value).lower()}: must not be true or false"
        for path, raw in from_file.written.items()
        if isinstance(raw.value, bool) and path[-1] not in SWITCHES
    ]
    if problems := from_environ.problems + from_file.problems + switched:
        raise SettingsError(problems)
    tree = overlaid(from_file.tree, from_environ.tree)
    # BaseSettings takes names with an underscore before them as its own options (`_secrets_dir`);
    # here they are misspelt.
    errors: list[ErrorDetails] = [
        {"type": UNKNOWN, "loc": (name,), "msg": "", "input": None} for name in tree if name.startswith("_")
    ]
    # Pydantic looks for what is wrong between settings only when each alone is right, and a person
    # wants all at once: so a second look at what is left without the wrong ones.
    for _look in ("at each", "between them"):
        for each in errors:
            path = path_of(each)
            # Left out is the name itself if it is unknown, else the whole setting or account,
            # because what is left of it would be found wanting.
            depth = len(path) if each["type"] == UNKNOWN else 2 if path[0] in {"accounts", "routes"} else 1
            without(tree, path[:depth])
        try:
            settings = Settings(**tree)
            break
        except ValidationError as error:
            errors += errors_of(error)
    if errors:
        written = from_file.written | from_environ.written
        raise SettingsError(describe(each, written, KNOWN) for each in errors)
    return settings


def loose_key_files(environ: Mapping[str, str] | None = None) -> list[str]:
    """The files with keys and passwords that others can read, each with what to do about it.

    Args:
        environ: Instead of this process' environment, of which `load_settings` made settings.
    """
    environ = os.environ if environ is None else environ
    path = config_path(environ)
    held = [path] if path and any(_SECRET_NAMES & set(key) for key in _given_by_file(environ).written) else []
    return list(filter(None, map(open_to_others, (*read_environ(environ, KNOWN.per_lane, KNOWN.top).key_files, *held))))


def _given_by_file(environ: Mapping[str, str]) -> SourceContent:
    path = config_path(environ)
    try:
        return read_file(path, KNOWN.per_lane) if path else SourceContent()
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {error.strerror}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: is not TOML: {error}"]) from error
