"""Mail merge from the command line: what a spreadsheet says is what each person gets."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from openpyxl import Workbook

from tests.support.people import fictional
from tests.support.polling import eventually
from tests.support.shell import run
from tests.support.stack import Stack

PEOPLE = 300
TEXT = "Bonjour {prenom|client}, rendez-vous {date} à {ville}"
TOWNS = ("Lyon", "Nîmes", "Angers", "L'Haÿ-les-Roses", "<Ys> & {Brest}")
Row = tuple[object, ...]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything a campaign needs, running, with lists of a hundred contacts."""
    with Stack(
        tmp_path_factory.mktemp("stack"),
        sandbox_options=("--receipt-delay", "0.1"),
        env={"DISPATCHER_BATCH_SIZE": "50", "DISPATCHER_LIST_SIZE": "100"},
    ) as running:
        running.start_worker()
        running.start_beat()
        running.start_web()
        yield running


def first_name(place: int) -> str:
    return "" if place % 50 == 7 else f"Zoé-{place}"


def people(start: int) -> list[Row]:
    """Numbers as a spreadsheet spoils them: some lost their zero, some have blanks."""
    rows: list[Row] = []
    for place, number in enumerate(fictional(PEOPLE, start=start)):
        national = str(number)[2:]
        spoilt = (int(national), f"0{national}", f"+33 {national[:1]} {national[1:]}")[place % 3]
        town = TOWNS[place % len(TOWNS)]
        rows.append((f"c{place}", spoilt, first_name(place), f"le {place % 28 + 1}/3", town))
    return rows


def expected(start: int) -> dict[str, str]:
    """What everybody should read, made without any of our code."""
    texts = {}
    for place, number in enumerate(fictional(PEOPLE, start=start)):
        name = first_name(place) or "client"
        town = TOWNS[place % len(TOWNS)]
        texts[str(number)] = f"Bonjour {name}, rendez-vous le {place % 28 + 1}/3 à {town}"
    return texts


def workbook(rows: Sequence[Row]) -> bytes:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["Réf. client", "Tél. portable", "Prénom", "Date", "Ville", "Remarque"])
    for row in rows:
        sheet.append([*row, "not for the API"])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def spreadsheet(folder: Path, rows: Sequence[Row]) -> str:
    path = folder / "customers.xlsx"
    path.write_bytes(workbook(rows))
    return str(path)


def received(stack: Stack, numbers: range) -> dict[str, list[str]]:
    """What each of some people got, as the sandbox has it."""
    texts: dict[str, list[str]] = {}
    for entry in stack.sandbox.ledger():
        for message in entry["messages"]:
            if int(message["destination"]) in numbers:
                text = message.get("text", entry.get("sent_text", entry["text"]))
                texts.setdefault(message["destination"], []).append(text)
    return texts


def numbers(start: int) -> range:
    first = fictional(1, start=start)[0]
    return range(first, first + PEOPLE)


def records(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_spreadsheet_is_quoted_and_each_person_gets_their_own_text(
    stack: Stack, tmp_path: Path
) -> None:
    file = spreadsheet(tmp_path, people(0))

    quoted = run(stack, "quote", file, "--text", TEXT, "--json")

    assert quoted.code == 0, quoted.errors
    found = json.loads(quoted.output)
    assert (found["rows"], found["recipients"], found["bad_rows"]) == (300, 300, {})
    assert sum(found["repaired"].values()) == 200
    assert found["simulation"]["cost"] == found["estimate"]
    assert found["simulation"]["drift"] == 0
    assert found["route"]["list_batches"] >= 2
    assert [each["name"] for each in found["ucs2"]["characters"]] == [
        "U+00EE LATIN SMALL LETTER I WITH CIRCUMFLEX",
        "U+00FF LATIN SMALL LETTER Y WITH DIAERESIS",
    ]
    assert len(found["samples"]) == 5
    assert found["samples"][0]["text"] in expected(0).values()
    assert received(stack, numbers(0)) == {}

    sent = run(stack, "send", file, "--text", TEXT, "--id", "merge", "--yes", "--json")

    assert sent.code == 0, sent.errors
    assert json.loads(sent.output)["status"]["quote"] == found["estimate"]
    assert received(stack, numbers(0)) == {number: [text] for number, text in expected(0).items()}

    followed = run(stack, "status", "merge", "--watch", "--timeout", "120", "--json")

    assert followed.code == 0, followed.output
    status = json.loads(run(stack, "status", "merge", "--json").output)
    assert status["state"] == "finished"
    assert status["recipient_states"] == {"delivered": 300}
    assert status["estimate"] == status["quote"] == status["cost"]
    assert len(status["contact_lists"]) == status["list_batches"] == 3
    rows = list(csv.DictReader(run(stack, "results", "merge").output.splitlines()))
    assert {row["number"]: row["id"] for row in rows} == {
        str(number): f"c{place}" for place, number in enumerate(fictional(PEOPLE))
    }


def test_bad_rows_and_the_file_as_understood_are_written(stack: Stack, tmp_path: Path) -> None:
    rows = people(1000)
    rows[10] = ("c10", "3.36E+10", "Ada", "le 4/3", "Lyon")
    rows[20] = (*rows[20][:3], "", "Lyon")
    rows[30] = (*rows[30][:4], "#N/A")
    errors, repaired = tmp_path / "errors.csv", tmp_path / "repaired.csv"
    command = ("quote", spreadsheet(tmp_path, rows), "--text", TEXT, "--offline")

    quoted = run(stack, *command, "--errors", str(errors), "--repaired", str(repaired))

    assert quoted.code == 3
    assert [(row["row"], row["column"]) for row in records(errors)] == [
        ("12", "Tél. portable"),
        ("22", "Date"),
        ("32", "Ville"),
    ]
    assert all(row["reason"] and row["fix"] for row in records(errors))
    understood = records(repaired)
    assert list(understood[0]) == ["mobile", "id", "prenom", "date", "ville"]
    assert understood[0]["mobile"] == f"+{numbers(1000).start}"
    assert understood[7]["prenom"] == "client"
    assert len(understood) == 297

    again = json.loads(run(stack, "quote", str(repaired), "--text", TEXT, "--json").output)
    assert (again["rows"], again["recipients"], again["repaired"]) == (297, 297, {})


def test_all_bad_rows_are_written_also_those_beyond_what_an_error_lists(
    stack: Stack, tmp_path: Path
) -> None:
    file, errors = tmp_path / "customers.csv", tmp_path / "errors.csv"
    file.write_text("\n".join(["mobile", *["12"] * 10_050]))

    ended = run(stack, "send", str(file), "--text", "Bonjour", "--errors", str(errors))

    assert ended.code == 3
    assert "10,050 problems; nothing was kept" in ended.errors
    assert len(records(errors)) == 10_050
    assert records(errors)[-1]["row"] == "10051"


def test_rows_that_are_skipped_are_written_too(stack: Stack, tmp_path: Path) -> None:
    rows = people(2000)[:3]
    rows[1] = (*rows[1][:3], "", "Lyon")
    errors = tmp_path / "errors.csv"
    command = ("send", spreadsheet(tmp_path, rows), "--text", TEXT, "--bad-rows", "skip", "--yes")

    ended = run(stack, *command, "--errors", str(errors))

    assert ended.code == 0, ended.errors
    assert [(row["row"], row["column"]) for row in records(errors)] == [("3", "Date")]
    assert len(received(stack, numbers(2000))) == 2


def test_a_workbook_may_come_by_standard_input_with_its_columns_named(stack: Stack) -> None:
    rows = people(3000)[:2]
    command = ("send", "-", "--text", "Bonjour {qui}", "--field", "qui=prénom", "--yes")

    ended = run(stack, *command, "--id-column", "A", given=workbook(rows))

    assert ended.code == 0, ended.errors
    first = numbers(3000).start
    assert received(stack, numbers(3000)) == {
        str(first): ["Bonjour Zoé-0"],
        str(first + 1): ["Bonjour Zoé-1"],
    }


def test_look_alikes_save_what_the_quote_said_they_would(stack: Stack, tmp_path: Path) -> None:
    text = f"{TEXT}. Nous vous attendons dans notre boutique, au 1er étage."
    command = ("quote", spreadsheet(tmp_path, people(4000)), "--text", text, "--json", "--offline")

    dear = json.loads(run(stack, *command).output)
    cheap = json.loads(run(stack, *command, "--replace-characters", "--render", "here").output)

    assert dear["ucs2"]["dearer"] == dear["ucs2"]["saving"] == 120
    assert cheap["estimate"] == dear["estimate"] - 120 == 300
    assert (cheap["ucs2"]["people"], cheap["ucs2"]["saving"]) == (0, None)
    assert (cheap["route"]["list_batches"], dear["route"]["direct_batches"]) == (0, 0)


def test_an_unknown_field_is_told_before_anything_is_read(stack: Stack, tmp_path: Path) -> None:
    file = spreadsheet(tmp_path, people(4000))

    ended = run(stack, "quote", file, "--text", "Bonjour {prenon}")

    assert ended.code == 3
    assert "no column is named so" in ended.errors
    assert "the nearest is 'Prénom'" in ended.errors


def test_a_list_of_the_account_is_quoted_and_sent_to(stack: Stack, tmp_path: Path) -> None:
    contacts = tmp_path / "contacts.csv"
    lines = [f"+{number};Ada {number % 10}" for number in list(numbers(5000))[:4]]
    contacts.write_text("\n".join(["mobile;prenom", *lines]))
    made = run(stack, "api", "list", "create", str(contacts), "--info", "prenom", "--yes", "--json")
    list_id = json.loads(made.output)["id"]
    command = ("--list", list_id, "--text", "Salut {info1}")

    quoted = run(stack, "quote", *command)
    sent = run(stack, "send", *command, "--yes", "--id", "given")

    assert quoted.code == 0, quoted.errors
    assert "4 credits for 4 people" in quoted.output
    assert sent.code == 0, sent.errors
    first = numbers(5000).start
    assert received(stack, numbers(5000)) == {
        str(first + place): [f"Salut Ada {place}"] for place in range(4)
    }
    eventually(lambda: stack.dispatcher.status("given").is_over)
    assert stack.dispatcher.contact_lists("given") == []


def test_contacts_not_read_yet_are_told_as_such(tmp_path: Path) -> None:
    with Stack(tmp_path / "idle") as idle:
        command = ("send", "--list", "1", "--text", "Salut", "--id", "unread", "--no-wait")
        assert run(idle, *command).code == 0

        status = run(idle, "status", "unread")

    assert "the contacts of its lists are not read yet" in status.output


def test_texts_and_numbers_stay_out_of_the_logs(stack: Stack) -> None:
    logs = stack.logs()

    assert "Zoé" not in logs
    assert "rendez-vous" not in logs
    assert "33639980" not in logs
