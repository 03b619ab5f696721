import enum
from dataclasses import dataclass, field
from pathlib import Path

MEBIBYTE = 1024 * 1024


class Dialect(enum.Enum):
    """Which of the vendor's two documentations the sandbox speaks."""

    V1 = "v1"
    """The French document, and nothing else."""

    LIVE = "live"
    """The vendor's current documentation: more routes, more counters, signed webhooks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountConfig:
    """One account that exists when the sandbox starts."""

    username: str
    password: str = field(repr=False)
    token: str = field(repr=False)
    credits: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SandboxConfig:
    """Everything a sandbox is told at its start.

    Attributes:
        credits: balance of the default account, `sandbox@example.com`.
        accounts: accounts beside the default one.
        webhooks: where receipts of every account are posted.
        reply_webhooks: where replies of every account are posted.
        receipt_delay: seconds between the start of a campaign and its receipts.
        latency: seconds every call to the API takes at least.
        undelivered_rate: share (0 to 1) of ordinary recipients that end NOT_DELIVERED.
        seed: makes outcomes, shuffles and faults repeatable.
        state_file: journal that lets a restart go on where the last run ended.
        stop_mention: appended to marketing with a sender; empty to append nothing.
        max_body: bytes of the longest request body that is read.
        first_ticket: number of the first campaign.
        webhook_connections: how many connections post to one webhook at once.
        webhook_attempts: how often a webhook that answers with an error is tried.
    """

    credits: int = 100_000
    accounts: tuple[AccountConfig, ...] = ()
    webhooks: tuple[str, ...] = ()
    reply_webhooks: tuple[str, ...] = ()
    receipt_delay: float = 1.0
    latency: float = 0.0
    undelivered_rate: float = 0.0
    seed: int = 0
    state_file: Path | None = None
    dialect: Dialect = Dialect.V1
    stop_mention: str = "\nSTOP SMS: 36180"
    max_body: int = 16 * MEBIBYTE
    first_ticket: int = 1001
    webhook_connections: int = 16
    webhook_attempts: int = 5

    @property
    def all_accounts(self) -> tuple[AccountConfig, ...]:
        """The default account, then the others."""
        default = AccountConfig(
            username="sandbox@example.com",
            password="sandbox",  # noqa: S106 - the documented password of a fake service
            token="sandbox-token",  # noqa: S106 - as above
            credits=self.credits,
        )
        return (default, *self.accounts)
