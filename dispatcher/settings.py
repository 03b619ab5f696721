"""The only reader of the environment: every setting, its default and its unit.

A variable is `DISPATCHER_` and the field's name; nested fields take a double underscore:
`DISPATCHER_ACCOUNTS__DEFAULT__USERNAME`. Files named after variables in the directory
`DISPATCHER_SECRETS_DIR` (Docker and Kubernetes secrets), or in several with colons between them,
are read too.

Fields of type `float` are seconds. Durations, those of type `timedelta`, are written as on the
command line, `90s`, `30m`, `2h` or `45d`, or as ISO 8601, `P45D` or `PT90M`.
"""

import itertools
import os
import re
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    Field,
    PrivateAttr,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NestedSecretsSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import SettingsError as UnreadableVariableError

from dispatcher.account_settings import AccountName, AccountSettings
from dispatcher.callback_settings import CallbackSettings, ProducerName
from dispatcher.connection_settings import ConnectionSettings
from dispatcher.domain.calendars import FrenchCalendar
from dispatcher.domain.recurrence import FLOOR
from dispatcher.domain.timing import Handover, TimeLimits
from dispatcher.domain.windows import BUILT_IN, WindowSet
from dispatcher.domain.zones import Zone
from dispatcher.errors import SettingsError
from dispatcher.setting_names import PREFIX, SECRETS_DIR, Stray, find_strays, nearest_name
from dispatcher.setting_types import Divided, Kept, Networks, Seconds, SignIn, Span, Words

_DEFAULT_ACCOUNT = "default"


class Settings(ConnectionSettings):
    """All settings of producers, workers and the webhook receiver.

    Attributes:
        redis_url: the Redis that holds campaigns, append-only, `noeviction`; or its Sentinels. The
            forms of this and of the next two addresses, with TLS and without: `addresses`.
        redis_password: instead of one in `redis_url`; so for the next two.
        redis_replicas: replicas that must have a claim before its POST is made (`WAIT`).
        broker_url: Celery's Redis, or RabbitMQ; losing it costs a delay, nothing else.
        result_url: the Redis that keeps the results of `campaigns.submit` and `campaigns.cancel`,
            unless it is the broker's.
        namespace: first part of every key.
        accounts: API credentials by account name; a campaign that names none is sent on the one
            called `default`, or on the only one.
        api_url: base URL of the SMSFactor API, or of the sandbox.
        allow_plain_http: talk to `api_url` without TLS although it is not this machine.
        wire: format of request bodies and replies.
        dialect: `v1` is the original document, `live` what the vendor documents today.
        callbacks: where events are posted to, by producer; see `callback_settings`.
        outbox_entries: events kept for each producer, about; the oldest are forgotten.
        outbox_age: how long they are kept at most.
        connect_timeout: for one connection to the API.
        http_deadline: from dialling to the last byte of a reply, whatever trickles.
        quote_lease: after which an unfinished simulate may be made by another worker.
        send_lease: after which a send that left no trace becomes `unknown`.
        visibility_timeout: after which Celery gives an unacknowledged submit to another worker.
        slice_seconds: how long one task works on a campaign before it lets others in.
        fan_out: tasks working on one campaign at the same time.
        nudge_after: after which a campaign that does not move is nudged again.
        credit_check_every: at most one GET /credits in this time for a held campaign.
        blacklist_sync_every: how often workers compare the suppression list with the API's
            blacklist; 0 for never.
        breaker_unknowns: lost answers after which nothing more is sent on an account until the API
            answers again, or `dispatcher start`; 0 for never.
        breaker_span: the time in which they have to be lost.
        breaker_cool_down: after which the API is tried again, by one batch.
        receipt_wait: after which a campaign finishes without the missing receipts.
        retention: after which the recipients and texts of a campaign that is over are erased, and
            what was received from them; totals stay.
        record_kept: after which the totals of a campaign go, too. Until then, the same id or key
            gives the same campaign back; after it, a new one. More than a year, so that what is
            named after a day or a month is not sent again by last year's name.
        batch_size: recipients of one POST; the API's maximum is not documented.
        list_size: recipients of one list made at the API for a mail merge, and of its one POST.
        clean_lists: empty such lists of their contacts once their campaign is over.
        stop_mention: characters the API adds to advertising that has a sender, for estimates.
        handover: who keeps a campaign until its `send_at`: `provider` or `local`.
        handover_lead: how long before its time a campaign kept here is given to the API.
        max_lateness: how late a campaign may still be sent; later it expires.
        windows: the hours of advertising, a name of `window_sets` or `fr-marketing`; "" for any.
        window_sets: further hours by name, each a list such as ["mon-fri 09:00-19:00"].
        window_tail: how long before they end nothing is begun any more.
        sender_zone: whose clock advertising must heed beside the recipient's.
        alsace_moselle_days: no advertising on the two holidays of that region, anywhere in France.
        overseas_days: no advertising overseas on the holidays each territory has of its own.
        furthest_ahead: how far ahead a `send_at` may lie.
        schedule_floor: how close two runs of one schedule may come.
        default_region: ISO code of the country whose national numbers are understood.
        demo: accept a Redis that forgets or evicts, and certificates that nobody vouches for.
        journal_dir: where a worker writes an outcome that Redis would not take.
        spool_dir: where the webhook receiver keeps what it cannot give to Redis; a local disk
            that outlives the process.
        spool_max_bytes: size of everything in `spool_dir` beyond which webhooks get a 503.
        webhook_allow: networks that webhooks are taken from, such as `192.0.2.0/24,2001:db8::/48`;
            empty for any.
        webhook_proxies: proxies of ours that a webhook passes; the address that counts is the one
            the outermost of them adds to `X-Forwarded-For`.
        webhook_signatures: how `X-SMSFactor-Signature` is checked: `plain`, `hmac-sha256`, or
            `module:function`; see `dispatcher.web.signatures`.
        stop_words: words or phrases that put whoever answers them on the suppression list, beside
            the French and English ones, divided by commas.
        concurrency: threads of one worker process; most of them wait for the API.
        log_level: of the worker's log; `DEBUG` shows every milestone of every batch.
        log_format: `console` for people, `json` for machines.
        monitor_host: where `monitor_port` listens; `0.0.0.0` in a container.
        monitor_port: where worker, beat and web answer `GET /live`, `/ready` and `/metrics` beside
            their work; 0 for nowhere.
        monitor_accounts: accounts that `dispatcher monitor` shows beside those it has credentials
            of, for it needs none, divided by commas.
        tracing_endpoint: base URL of an OTLP/HTTP collector, such as `http://127.0.0.1:4318`, that
            spans from submit to receipt are sent to; "" for none. Needs the extra `tracing`.
        flower_auth: `USER:PASSWORD` that Flower asks for; without, it listens on this machine only.
        flower_cookie_secret: signs Flower's cookies; unset makes one at each start.
        flower_dir: where Flower keeps the list of tasks over a restart.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        frozen=True,
        extra="ignore",
    )

    namespace: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+$")] = "sms"
    accounts: dict[AccountName, AccountSettings] = Field(default_factory=dict)
    api_url: str = "https://api.smsfactor.com"
    allow_plain_http: bool = False
    wire: Literal["json", "xml"] = "json"
    dialect: Literal["v1", "live"] = "v1"
    callbacks: dict[ProducerName, CallbackSettings] = Field(default_factory=dict)
    outbox_entries: int = Field(default=200_000, ge=1_000)
    outbox_age: Span = timedelta(days=7)
    connect_timeout: Seconds = 5
    http_deadline: Seconds = 30
    quote_lease: Seconds = 45
    send_lease: Seconds = 75
    visibility_timeout: Seconds = 300
    slice_seconds: Seconds = 0.5
    fan_out: int = Field(default=16, ge=1, le=256)
    nudge_after: Seconds = 10
    credit_check_every: Seconds = 60
    blacklist_sync_every: Span = timedelta(hours=1)
    breaker_unknowns: int = Field(default=3, ge=0)
    breaker_span: Seconds = 600
    breaker_cool_down: Seconds = 60
    receipt_wait: Span = timedelta(hours=72)
    retention: Kept = timedelta(days=30)
    record_kept: Kept = timedelta(days=400)
    batch_size: int = Field(default=1000, ge=1, le=50_000)
    list_size: int = Field(default=5000, ge=1, le=50_000)
    clean_lists: bool = True
    stop_mention: int = Field(default=16, ge=0, le=160)
    handover: Handover = Handover.PROVIDER
    handover_lead: Span = timedelta(minutes=10)
    max_lateness: Span = timedelta(hours=1)
    windows: str = "fr-marketing"
    window_sets: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    window_tail: Span = timedelta(minutes=5)
    sender_zone: str = "Europe/Paris"
    alsace_moselle_days: bool = False
    overseas_days: bool = True
    furthest_ahead: Span = timedelta(days=365)
    schedule_floor: Span = FLOOR
    default_region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = "FR"
    journal_dir: Path = Path(".dispatcher/journal")
    spool_dir: Path = Path(".dispatcher/spool")
    spool_max_bytes: int = Field(default=1 << 30, ge=0)
    webhook_allow: Networks = ()
    webhook_proxies: int = Field(default=0, ge=0, le=8)
    webhook_signatures: str = "plain"
    stop_words: Words = ()
    concurrency: int = Field(default=16, ge=1, le=256)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["console", "json"] = "console"
    monitor_host: str = "127.0.0.1"
    monitor_port: int = Field(default=0, ge=0, le=65_535)
    monitor_accounts: Annotated[tuple[AccountName, ...], NoDecode, Divided] = ()
    tracing_endpoint: str = ""
    flower_auth: SignIn | None = None
    flower_cookie_secret: SecretStr | None = Field(default=None, min_length=16)
    flower_dir: Path = Path(".dispatcher/flower")
    _strays: tuple[Stray, ...] = PrivateAttr(default=())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the base's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base's
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read files of nested names too, such as passwords of accounts."""
        files = NestedSecretsSettingsSource(file_secret_settings)
        return init_settings, env_settings, files

    @classmethod
    def from_env(cls) -> Self:
        """Read the environment.

        Raises:
            SettingsError: naming each variable that is missing or wrong, never its value.
        """
        folders = _secret_folders()
        try:
            found = cls(_secrets_dir=folders or None)  # type: ignore[call-arg]  # pydantic-settings takes it beside the fields
        except ValidationError as error:
            raise SettingsError(_explain(error)) from None
        except UnreadableVariableError as error:
            # Its cause quotes the value, which may be a password.
            raise SettingsError(_explain_no_json(str(error))) from None
        files = [path.name for folder in folders for path in folder.iterdir() if path.is_file()]
        found._strays = (*find_strays(cls, os.environ), *find_strays(cls, files, are_files=True))
        return found

    @classmethod
    def wants_json_lines(cls) -> bool:
        """Tell whether machines read what a process says, even if its settings are wrong."""
        try:
            return cls.from_env().log_format == "json"
        except SettingsError:
            return os.environ.get(f"{PREFIX}LOG_FORMAT") == "json"

    @property
    def strays(self) -> tuple[Stray, ...]:
        """Variables that are set and mean nothing, misspelt ones mostly."""
        return self._strays

    @model_validator(mode="after")
    def _time_limits_in_order(self) -> Self:
        chain = (
            ("connect_timeout", self.connect_timeout),
            ("http_deadline", self.http_deadline),
            ("quote_lease", self.quote_lease),
            ("send_lease", self.send_lease),
            ("visibility_timeout", self.visibility_timeout),
        )
        for (name, limit), (next_name, next_limit) in itertools.pairwise(chain):
            if limit >= next_limit:
                raise ValueError(
                    f"{name} ({limit:g} s) must be shorter than {next_name} ({next_limit:g} s)"
                )
        return self

    @model_validator(mode="after")
    def _people_before_totals(self) -> Self:
        if self.record_kept < self.retention:
            raise ValueError(f"record_kept: it must not be shorter than {PREFIX}RETENTION")
        return self

    @model_validator(mode="after")
    def _windows_that_can_be_read(self) -> Self:
        # Later, a worker would learn it between a claim and its POST.
        try:
            self._read_windows()
        except SettingsError as error:
            raise ValueError(str(error)) from None
        return self

    @cached_property
    def advertising_hours(self) -> WindowSet | None:
        """When advertising may go out; None for any time."""
        return self._read_windows()

    def _read_windows(self) -> WindowSet | None:
        if not self.windows:
            return None
        sets = {**BUILT_IN, **self.window_sets}
        return WindowSet.named(
            self.windows,
            sets=sets,
            sender=Zone(self.sender_zone),
            calendar=FrenchCalendar(
                alsace_moselle=self.alsace_moselle_days, overseas=self.overseas_days
            ),
        )

    @property
    def time_limits(self) -> TimeLimits:
        """What campaigns with a time are held to."""
        return TimeLimits(
            handover=self.handover,
            lead=self.handover_lead,
            max_lateness=self.max_lateness,
            furthest=self.furthest_ahead,
            wall_clock=ZoneInfo("Europe/Paris") if self.dialect == "live" else None,
        )

    @property
    def default_account(self) -> str:
        """Name of the account used when a campaign names none."""
        if not self.accounts:
            raise SettingsError(
                "no account is configured: set DISPATCHER_ACCOUNTS__DEFAULT__USERNAME and "
                "DISPATCHER_ACCOUNTS__DEFAULT__PASSWORD"
            )
        if _DEFAULT_ACCOUNT in self.accounts:
            return _DEFAULT_ACCOUNT
        if len(self.accounts) > 1:
            raise SettingsError(
                f"several accounts are configured ({', '.join(sorted(self.accounts))}) and none is "
                "called default: name the campaign's account"
            )
        return next(iter(self.accounts))

    def account(self, name: str) -> AccountSettings:
        """Give the credentials of an account.

        Raises:
            SettingsError: no account of that name is configured.
        """
        try:
            return self.accounts[name]
        except KeyError:
            known = ", ".join(self.accounts) or "none"
            raise SettingsError(
                f"no account named {name!r} is configured (known: {known})"
            ) from None


def _secret_folders() -> list[Path]:
    named = os.environ.get(SECRETS_DIR, "").split(os.pathsep)
    folders = [Path(folder) for folder in named if folder]
    for folder in folders:
        if not folder.is_dir():
            raise SettingsError(f"{SECRETS_DIR}: {folder} is not a directory")
    return folders


def _explain_no_json(says: str) -> str:
    found = re.search(r'field "(\w+)"', says)
    variable = f"{PREFIX}{found[1].upper()}" if found else f"a {PREFIX} variable"
    return (
        f"{variable}: this should be JSON and is not; in place of JSON, write accounts as "
        "DISPATCHER_ACCOUNTS__NAME__USERNAME and so on"
    )


def _explain(error: ValidationError) -> str:
    lines = []
    for detail in error.errors(include_input=False, include_url=False):
        says = detail["msg"].removeprefix("Value error, ")
        path = "__".join(part for part in detail["loc"] if isinstance(part, str))
        field, _, rest = says.partition(": ")
        if not path and field in Settings.model_fields:
            path, says = field, rest
        variable = f"{PREFIX}{path.upper()}" if path else "settings"
        if detail["type"] == "extra_forbidden":
            meant = nearest_name(Settings, variable)
            says = "there is no such setting" + (f", {meant} perhaps?" if meant else "")
        elif detail["type"] == "too_short":
            says = f"write {detail['ctx']['min_length']} characters or more"
        lines.append(f"{variable}: {says}")
    return "; ".join(lines)
