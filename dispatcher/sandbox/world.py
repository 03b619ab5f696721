from dispatcher.sandbox.accounts import Account, Accounts, Contact
from dispatcher.sandbox.clock import Clock
from dispatcher.sandbox.config import Dialect, SandboxConfig
from dispatcher.sandbox.events import AccountOpened, Blacklisted, Event
from dispatcher.sandbox.journal import FileJournal, Journal, NoJournal
from dispatcher.sandbox.ledger import Entry, Ledger
from dispatcher.sandbox.numbers import BLACKLISTED_FROM_THE_START

_FIRST_ID = 14063
_OBJECT_ID_PREFIX = "5a0331bffc5886"


class World:
    """The whole state of a sandbox, changed by events only.

    Attributes:
        ids_given: how many ids of contacts, lists and webhooks were given out.
    """

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.clock = Clock()
        self._journal: Journal = NoJournal()
        self.clear()

    def clear(self) -> None:
        """Be as empty as before the first event."""
        self.accounts = Accounts()
        self.ledger = Ledger(self.config.first_ticket)
        self.ids_given = 0
        self.clock.jumped = 0.0

    def restore(self) -> None:
        """Take up the state of the journal, and open the configured accounts it lacks."""
        if self.config.state_file is not None:
            journal = FileJournal(self.config.state_file)
            for event in journal.replay():
                event.apply(self)
            self._journal = journal
        self.open_configured_accounts()

    def open_configured_accounts(self) -> None:
        """Open the accounts of the configuration that do not exist."""
        for account in self.config.all_accounts:
            if self.accounts.named(account.username) is None:
                self.open_account(
                    AccountOpened(
                        id=str(len(self.accounts) + 1),
                        username=account.username,
                        password=account.password,
                        token=account.token,
                        credits=account.credits,
                    )
                )

    def open_account(self, opened: AccountOpened) -> None:
        """Open an account, with the blacklist every account starts with."""
        self.commit(opened)
        self.blacklist(self.accounts[opened.username], BLACKLISTED_FROM_THE_START)

    def blacklist(self, account: Account, destinations: tuple[str, ...]) -> None:
        """Put numbers on an account's blacklist."""
        now = self.clock.now()
        ids = self.new_ids(len(destinations))
        contacts = [
            Contact(id_, destination, date=now)
            for id_, destination in zip(ids, destinations, strict=True)
        ]
        self.commit(Blacklisted(account.username, contacts))

    def commit(self, event: Event) -> None:
        """Make a change, and write it down."""
        event.apply(self)
        self._journal.append(event)

    def entry(self, ticket: int) -> Entry:
        """Give the entry of a ticket that exists."""
        entry = self.ledger.find(ticket)
        if entry is None:
            raise LookupError(f"no campaign has ticket {ticket}")
        return entry

    def new_ids(self, count: int) -> list[str]:
        """Make up ids: numeric in the document, like object ids in the live dialect."""
        first = _FIRST_ID + self.ids_given
        if self.config.dialect is Dialect.LIVE:
            return [f"{_OBJECT_ID_PREFIX}{number:010x}" for number in range(first, first + count)]
        return [str(number) for number in range(first, first + count)]

    def close(self) -> None:
        """Let go of the journal."""
        self._journal.close()
