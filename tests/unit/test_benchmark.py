"""The parts of the dispatch benchmark that compute; tests/acceptance runs the whole."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from dispatcher.domain.campaign import Event
from dispatcher.domain.message import Message
from dispatcher.smsfactor import Credentials, Destination, SmsFactor, Wire
from tests.benchmarks.oracle import Posted, Sent, problems_of
from tests.benchmarks.producer import split_of
from tests.benchmarks.report import Figures, Measured, Split, Usage, rendered
from tests.benchmarks.workload import TEXT, Workload

FIGURES = Figures(
    recipients=1_000_000,
    bare=Measured(recipients=1_000_000, seconds=2.0, processor=1.9),
    split=Split(submit=1.0, quote=1.25, send=1.75),
    usages={
        "producer": Usage(peak=140 << 20, processor=1.0),
        "worker": Usage(peak=95 << 20, processor=3.0),
    },
    redis_bytes=14_000_000,
    singles=Measured(recipients=2000, seconds=1.0),
    tasks=Measured(recipients=2000, seconds=4.0),
    problems=(),
)


def posted(*numbers: int, cost: int | None = None) -> Posted:
    messages = [Sent(destination=str(number)) for number in numbers]
    price = len(numbers) if cost is None else cost
    return Posted(accepted_seconds=0, cost=price, messages=messages)


def test_the_table_shows_speeds_and_their_ratios() -> None:
    lines = rendered(FIGURES).splitlines()

    assert [" ".join(line.split()) for line in lines[1:5]] == [
        "a loop posting bodies built before 1,000,000 2.00 500,000 b = 0.50 x a (aim at least 0.5)",
        "b dispatch, from submit to last ticket 1,000,000 4.00 250,000",
        "c script, one recipient per request 2,000 1.00 2,000 b = 125.00 x c",
        "d Celery task per recipient 2,000 4.00 500 b = 500.00 x d (aim at least 300)",
    ]


def test_the_table_shows_where_time_and_memory_went() -> None:
    text = rendered(FIGURES)

    assert "submit 1.00 s, quote 1.25 s, send 1.75 s" in text
    assert "14.0 bytes per recipient" in text
    assert "a 1.90 us, b 4.00 us" in text
    assert "  worker                    3.00        95   (aim below 300)" in text
    assert text.endswith("1,000,000 recipients, each sent to once, for the cost quoted.")


def test_the_table_says_what_is_wrong_in_place_of_the_verdict() -> None:
    text = rendered(replace(FIGURES, problems=("2 messages too many",)))

    assert text.endswith("WRONG: 2 messages too many")
    assert "each sent to once" not in text


def test_a_ledger_with_everybody_in_it_once_is_right() -> None:
    ledger = [posted(33601000001, 33601000002), posted(33601000003)]

    problems = problems_of(
        ledger, wanted=["33601000003", "33601000001", "33601000002"], posts=2, cost=3
    )

    assert problems == ()


@pytest.mark.parametrize(
    ("ledger", "problem"),
    [
        ([posted(33601000001, cost=2)], "1 recipients were not sent to"),
        (
            [posted(33601000001, 33601000002, 33601000009, cost=2)],
            "1 strangers were sent to",
        ),
        (
            [posted(33601000001, 33601000002, 33601000002, cost=2)],
            "1 messages went to somebody a second time",
        ),
        (
            [posted(33601000001), posted(33601000002)],
            "1 POSTs more or less than 1",
        ),
        (
            [posted(33601000001, 33601000002, cost=5)],
            "3 credits between what was charged and 2 on record",
        ),
    ],
)
def test_each_difference_from_the_ledger_is_told(ledger: list[Posted], problem: str) -> None:
    problems = problems_of(ledger, wanted=["33601000001", "33601000002"], posts=1, cost=2)

    assert problems == (problem,)


def test_the_bare_loop_posts_what_our_client_posts() -> None:
    workload = Workload(recipients=3, batch_size=2)
    numbers = list(workload.numbers())
    api = SmsFactor(Credentials(token="sandbox-token"), base_url="http://127.0.0.1:1")
    ours = api._to_destinations(
        Message(text=TEXT), [Destination(number) for number in numbers[:2]], None
    )

    bodies = workload.simulate_bodies()

    assert bodies[0] == Wire.JSON.encode("sms", ours)
    assert len(bodies) == workload.batches == 2


def test_bodies_to_send_carry_an_id_for_each_recipient() -> None:
    bodies = Workload(recipients=3, batch_size=2).send_bodies()

    recipients = [
        entry for body in bodies for entry in msgspec.json.decode(body)["sms"]["recipients"]["gsm"]
    ]
    assert [entry["value"] for entry in recipients] == list(Workload(recipients=3).numbers())
    assert len({entry["gsmsmsid"] for entry in recipients}) == 3


def test_the_time_is_divided_at_the_first_and_at_the_last_send() -> None:
    def moved(at: float, new: str, what: str = "campaign") -> Event:
        moment = datetime.fromtimestamp(at, UTC)
        return Event(id="1-1", at=moment, what=what, old="", new=new, detail="")

    events = [
        moved(1002, "queued"),
        moved(1003, "quoting"),
        moved(1005, "sending"),
        moved(1006, "accepted", what="batch 0"),
        moved(1009, "sent"),
    ]

    split = split_of(1000.0, 1002.5, events)

    assert split == Split(submit=2.5, quote=2.5, send=4.0)
    assert split.total == 9.0
