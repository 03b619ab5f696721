"""Broken and odd tables in JSON Lines."""

from dispatcher.domain.damage import Damage
from dispatcher.domain.numbers import NumberProblem
from tests.support.corpus import N1, N2, N3, Specimen, specimen

JSON_TABLES: tuple[Specimen, ...] = (
    specimen(
        "objects whose names vary",
        '{"mobile": "0639980001"}\n{"nom": "Zo\\u00e9", "mobile": 33639980002}\n',
        (1, N1, {"mobile": "0639980001", "nom": ""}),
        (2, N2, {"mobile": "33639980002", "nom": "Zo\u00e9"}),
        with_fields=True,
    ),
    specimen(
        "a broken line",
        '{"mobile": "0639980001"}\n{"mobile": "06399\n{"mobile": "0639980003"}\n',
        (1, N1),
        "row 2, line: not JSON: JSON is malformed: invalid character (byte 17) "
        "(mend or delete the line)",
        (3, N3),
    ),
    specimen("a first line that is broken", '{"mobile": \n{"mobile": "0639980002"}\n',
             "row 1, line: not JSON: Input data was truncated (mend or delete the line)", (2, N2)),
    specimen(
        "a list within",
        '{"mobile": "0639980001", "tags": ["a"]}\n{"mobile": "0639980002", "tags": "a"}\n',
        "row 1, tags: the value is a list (write one text or number, under a name of its own)",
        (2, N2, {"mobile": "0639980002", "tags": "a"}),
        with_fields=True,
    ),
    specimen(
        "an object within",
        '{"mobile": {"value": "0639980001"}}\n',
        "row 1, mobile: the value is an object "
        "(write one text or number, under a name of its own)",
    ),
    specimen("numbers with a fraction", '{"mobile": 33639980001.0}\n{"mobile": 3.3639980002E10}\n',
             (1, N1), (2, N2)),
    specimen("a number that lost its zero", '{"mobile": 639980001}\n',
             (1, N1, Damage.LEADING_ZERO)),
    specimen("nothing, true and false", '{"mobile": null, "id": 1}\n{"mobile": true}\n',
             (1, NumberProblem.EMPTY), (2, NumberProblem.NOT_A_NUMBER)),
    specimen("bare strings", '"0639980001"\n"06\\u00a039980002"\n',
             (1, N1), (2, N2, Damage.SEPARATORS)),
    specimen("a bare number among strings", '"0639980001"\n33639980002\n', (1, N1), (2, N2)),
    specimen("a bare string among objects", '{"mobile": "0639980001"}\n"0639980002"\n', (1, N1),
             "row 2, line: a bare value among objects "
             "(write an object with the names of the others)"),
    specimen("a list among objects", '{"mobile": "0639980001"}\n["0639980002"]\n', (1, N1),
             "row 2, line: a list, not an object (write names and values)"),
    specimen("blank lines and a mark", '\ufeff\n{"mobile": "0639980001"}\n\n', (2, N1)),
    specimen("one array", '[\n{"mobile": "0639980001"},\n{"mobile": "0639980002"}\n]\n',
             "table: this is one JSON array "
             "(write one object a line, without the brackets around and the commas between them)"),
    specimen("names without a number's", '{"nom": "Max", "ville": "Lyon"}\n',
             "row 1, header: no column is named like a phone number; found 'nom', 'ville' "
             "(choose it with --number-column NAME, or with its place: 1 or A for the first)"),
    specimen("nested too deep", '{"mobile": "0639980001"}\n' + "[" * 100_000 + "\n", (1, N1),
             "row 2, line: not JSON: nested too deep (mend or delete the line)"),
)  # fmt: skip
