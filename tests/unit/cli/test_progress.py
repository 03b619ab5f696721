import io

from rich.console import Console

from dispatcher import CampaignState, HoldReason, RecipientState
from dispatcher.cli.progress import CampaignProgress
from tests.support.statuses import a_status


def console(*, terminal: bool = False, term: str = "xterm") -> Console:
    return Console(file=io.StringIO(), width=100, force_terminal=terminal, _environ={"TERM": term})


def written(to: Console) -> str:
    assert isinstance(to.file, io.StringIO)
    return to.file.getvalue()


def test_without_a_terminal_each_change_is_one_plain_line() -> None:
    to = console()
    sent = a_status(recipient_states={RecipientState.SENT: 7, RecipientState.NOT_SENT: 3})

    with CampaignProgress(to) as progress:
        for status in (a_status(), a_status(), sent):
            progress.update(status)

    assert written(to) == "sending; 7 waiting, 3 not sent\nsending; 7 sent, 3 not sent\n"


def test_a_dumb_terminal_gets_plain_lines_too() -> None:
    to = console(terminal=True, term="dumb")

    with CampaignProgress(to) as progress:
        progress.update(a_status())

    assert written(to) == "sending; 7 waiting, 3 not sent\n"


def test_reserved_credits_are_told_where_they_are_known() -> None:
    to = console()

    with CampaignProgress(to) as progress:
        progress.update(a_status(), reserved=5)

    assert written(to).endswith("; 5 of 7 credits reserved\n")


def test_a_hold_says_once_what_to_do_while_it_lasts() -> None:
    to = console()
    held = a_status(state=CampaignState.HELD, hold=HoldReason.CREDITS, need=7, have=2)

    with CampaignProgress(to) as progress:
        progress.update(held)
        progress.update(held)

    assert written(to).count("It needs 5 credits more.") == 1


def test_on_a_terminal_there_are_bars_and_the_cursor_comes_back() -> None:
    to = console(terminal=True)

    with CampaignProgress(to) as progress:
        progress.update(a_status(), reserved=7)

    for words in ("quoted", "2/2", "reserved", "7/7", "sent", "0/7", "receipts"):
        assert words in written(to)
    assert written(to).rindex("\x1b[?25h") > written(to).rindex("\x1b[?25l")
