import io

from rich.console import Console

from dispatcher.cli.reading import Reading


def shown(*, terminal: bool) -> str:
    console = Console(
        file=io.StringIO(), width=100, force_terminal=terminal, _environ={"TERM": "xterm"}
    )
    with Reading(console) as reading:
        for _ in range(3000):
            reading.row()
        reading.simulated(1200)
        reading.simulated(300)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_rows_and_people_asked_about_have_a_bar_each_on_a_terminal() -> None:
    words = shown(terminal=True)

    assert "3,000 rows" in words
    assert "1,500 people simulated" in words
    assert words.rindex("\x1b[?25h") > words.rindex("\x1b[?25l")


def test_elsewhere_nothing_is_shown() -> None:
    assert shown(terminal=False).strip() == ""
