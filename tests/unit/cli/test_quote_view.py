import io
import json
from dataclasses import replace

import msgspec
import pytest
from rich.console import Console

from dispatcher import BadRows, Campaign, CampaignQuote, Damage, Render, Simulation
from dispatcher.cli.quote_report import QuoteReport, look_alike, quote_document
from dispatcher.cli.quote_view import quote_view
from dispatcher.domain.census import Census

TEXT = "Bonjour {nom}"
ASKED = Simulation(people=2, cost=2, drift=-1, left_out={"blacklisted": 1}, credits=10)


def summed(*texts: str) -> CampaignQuote:
    census = Census()
    census.add(texts)
    return CampaignQuote(
        rows=6,
        recipients=3,
        duplicated=1,
        bad_rows={"number: too few digits": 2},
        damages={Damage.LEADING_ZERO: 2},
        direct_batches=1,
        list_batches=2,
        text=census.summary(),
        replacements=(),
        simulation=ASKED,
    )


LONG = "Ô" + "x" * 70
QUOTE = summed("Bonjour Ada", LONG, "Bonjour \x9b2J Bo")
REPORT = QuoteReport(
    campaign=Campaign(text=TEXT, bad_rows=BadRows.SKIP),
    quote=QUOTE,
    words={"number": "Portable"},
    saving=1,
    reserved=0,
)


def shown(report: QuoteReport) -> list[str]:
    console = Console(file=io.StringIO(), width=120, record=True)
    console.print(quote_view(report))
    return [" ".join(line.split()) for line in console.export_text().splitlines()]


def test_rows_are_told_with_why_they_were_dropped_in_the_files_own_words() -> None:
    lines = shown(REPORT)

    assert lines[:6] == [
        "Recipients",
        "numbers from column 'Portable'",
        "rows 6",
        "kept 3",
        "dropped 1 whose number came before",
        "bad 2 Portable: too few digits",
    ]
    assert "2 A spreadsheet dropped the zero that begins the number." in lines


def test_bad_rows_that_would_be_refused_say_what_to_do() -> None:
    strict = replace(REPORT, campaign=Campaign(text=TEXT))

    assert "so send would refuse it: mend the bad rows, or add --bad-rows skip" in shown(strict)
    assert not any(line.startswith("so ") for line in shown(REPORT))


def test_segments_are_a_histogram() -> None:
    lines = shown(REPORT)

    assert "Segments: min 1, median 1, max 2" in lines
    assert f"1 2 {'█' * 30}" in lines
    assert f"2 1 {'█' * 15}" in lines


def test_dear_characters_are_named_with_what_would_stand_for_them() -> None:
    lines = shown(REPORT)

    assert "Characters that force UCS-2: 2 texts, 1 dearer for it" in lines
    assert "Ô U+00D4 LATIN CAPITAL LETTER O WITH CIRCUMFLEX 1 1 'O'" in lines
    assert "--replace-characters would save 1 credit" in lines


def test_samples_begin_with_the_dearest_and_give_the_terminal_no_orders() -> None:
    lines = shown(REPORT)

    assert lines[lines.index("Samples") + 1 :][:2] == ["2 segments, UCS-2:", LONG]
    assert "Bonjour \ufffd2J Bo" in lines


def test_our_count_stands_beside_the_simulated_cost() -> None:
    lines = shown(REPORT)

    assert lines[lines.index("Price") + 1 :][:6] == [
        "our count 4 credits",
        "simulated 2 credits for 2 people",
        "left out 1 blacklisted",
        "drift -1",
        "balance 10 credits",
        "enough yes",
    ]


@pytest.mark.parametrize(("reserved", "missing"), [(8, 0), (9, 1)])
def test_credits_of_others_may_leave_too_few(reserved: int, missing: int) -> None:
    assert replace(REPORT, reserved=reserved).missing == missing


def test_too_few_credits_are_told() -> None:
    lines = shown(replace(REPORT, reserved=9))

    assert "reserved 9 credits by other campaigns" in lines
    assert "missing 1 credit: it would wait for a top-up" in lines


def test_an_api_that_did_not_answer_leaves_our_own_count() -> None:
    failed = replace(QUOTE, simulation=replace(ASKED, error="no connection"))
    report = replace(REPORT, quote=failed)

    assert report.cost == 4
    assert "error no connection" in shown(report)


def test_a_quote_offline_says_so() -> None:
    report = replace(REPORT, quote=replace(QUOTE, simulation=None))

    assert "simulated not asked for (--offline)" in shown(report)
    assert report.missing is None


def test_nobody_to_send_to_has_no_texts_to_show() -> None:
    lines = shown(replace(REPORT, quote=replace(summed(), recipients=0)))

    assert "Samples" not in lines
    assert "our count 0 credits" in lines


@pytest.mark.parametrize(
    ("campaign", "batches", "why"),
    [
        (Campaign(text="Bonjour"), (1, 0), "Everybody gets the same text"),
        (Campaign(text=TEXT, lists=("7",)), (0, 1), "The account's lists go out"),
        (Campaign(text=TEXT, render=Render.HERE), (2, 0), "You asked"),
        (Campaign(text="{a}{b}{c}{d}{e}"), (2, 0), "the text has 5 fields, and lists hold 4"),
        (Campaign(text=TEXT), (2, 0), "No more than 20 texts differ"),
        (Campaign(text=TEXT), (1, 2), "what it might change is rendered here"),
        (Campaign(text=TEXT), (0, 2), "fewer calls than one for each"),
    ],
)
def test_the_way_through_the_api_is_given_a_reason(
    campaign: Campaign, batches: tuple[int, int], why: str
) -> None:
    direct, by_lists = batches
    quote = replace(QUOTE, direct_batches=direct, list_batches=by_lists)

    assert why in replace(REPORT, campaign=campaign, quote=quote).why


def test_a_character_without_a_look_alike_stays() -> None:
    assert (look_alike("\u2019"), look_alike("😀")) == ("'", None)


def test_scripts_get_one_json_document() -> None:
    document = json.loads(msgspec.json.encode(quote_document(REPORT)))

    assert document["bad_rows"] == {"Portable: too few digits": 2}
    assert document["repaired"] == {"A spreadsheet dropped the zero that begins the number.": 2}
    assert document["segments"] == {
        "histogram": {"1": 2, "2": 1},
        "min": 1,
        "median": 1,
        "max": 2,
    }
    assert document["samples"][0] == {"text": LONG, "segments": 2, "encoding": "UCS-2"}
    assert document["ucs2"]["saving"] == 1
    assert (document["estimate"], document["simulation"]["cost"]) == (4, 2)
    assert document["missing"] == 0
