import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.polling import eventually
from tests.support.sandbox import Receiver, Sandbox, running_sandbox


@pytest.fixture
def posting(sandbox: Sandbox, receiver: Receiver) -> Sandbox:
    """A sandbox that posts receipts and replies to the receiver."""
    sandbox.control("POST", "webhooks", {"urls": [receiver.url], "reply_urls": [receiver.url]})
    return sandbox


def receipts(receiver: Receiver) -> list[tuple[str, int]]:
    return [(e["message_id"], e["status"]) for e in receiver.events if "status" in e]


def test_every_message_has_a_receipt_in_the_documents_shape(
    posting: Sandbox, receiver: Receiver
) -> None:
    posting.send("33639980001", "33639980002", "0639980003")

    eventually(lambda: len(receiver.events) == 2)
    event = next(e for e in receiver.events if e["message_id"] == "m0")
    assert list(event) == ["date", "status", "destination", "message_id", "campaign_id"]
    assert (event["status"], event["destination"]) == (3, "33639980001")
    assert event["campaign_id"] == "1001"
    assert "+0" in event["date"]
    assert [m["receipts"] for m in posting.ledger()[0]["messages"]] == [[3], [3]]


def test_receipts_are_counted_by_code(posting: Sandbox) -> None:
    posting.send("33639980001", "33639989012", "33639989112")

    counts = eventually(
        lambda: (c := posting.control("GET", "receipts"))["acknowledged"].get("12") == 3 and c
    )
    assert counts["posted"] == {"3": 1, "12": 3}
    assert (counts["waiting"], counts["given_up"]) == (False, {})


@pytest.mark.parametrize(
    ("number", "codes"),
    [
        ("33639989002", [2]),
        ("33639989004", [4]),
        ("33639989099", [99]),
        ("33639989103", [3, 3]),
        ("33639989203", [3, 1]),
        ("33639989311", [1, 11]),
        ("33639989403", [2, 3]),
        ("33639989600", []),
    ],
)
def test_a_reserved_number_chooses_its_receipts(
    posting: Sandbox, receiver: Receiver, number: str, codes: list[int]
) -> None:
    posting.send(number, "33639980001")

    eventually(lambda: len(receipts(receiver)) == len(codes) + 1)
    assert posting.ledger()[0]["messages"][0]["receipts"] == codes
    received = [status for id_, status in receipts(receiver) if id_ == "m0"]
    assert sorted(received) == sorted(codes)


def test_a_late_receipt_waits_for_its_minute(posting: Sandbox, receiver: Receiver) -> None:
    posting.send("33639989503")
    eventually(lambda: receipts(receiver) == [("m0", 1)])

    posting.control("POST", "clock", {"advance": 60})

    eventually(lambda: receipts(receiver) == [("m0", 1), ("m0", 3)])


def test_receipts_of_a_scheduled_campaign_follow_its_start(
    posting: Sandbox, receiver: Receiver
) -> None:
    posting.control("POST", "webhooks", {"receipt_delay": 30})
    posting.send("33639980001", delay="2099-07-01T12:00:00Z")

    posting.control("POST", "clock", {"advance": 80 * 366 * 86400})

    eventually(lambda: receipts(receiver) == [("m0", 3)])


def test_a_cancelled_campaign_has_no_receipts(posting: Sandbox, receiver: Receiver) -> None:
    posting.send("33639980001", delay="2099-07-01T12:00:00Z")
    posting.call("DELETE", "/send/1001")

    posting.control("POST", "clock", {"advance": 80 * 366 * 86400})
    posting.send("33639980002")

    eventually(lambda: len(receiver.events) == 1)
    assert receiver.events[0]["campaign_id"] == "1002"


def test_receipts_can_be_repeated_shuffled_and_silenced(
    posting: Sandbox, receiver: Receiver
) -> None:
    numbers = [f"336399800{last:02}" for last in range(20)]
    posting.control("POST", "webhooks", {"repeat": 2, "shuffle": True})
    posting.send(*numbers)
    eventually(lambda: len(receiver.events) == 40)

    posting.control("POST", "webhooks", {"silent": True})
    posting.send(*numbers)

    first_seen = list(dict.fromkeys(e["destination"] for e in receiver.events))
    assert sorted(first_seen) == numbers
    assert first_seen != numbers
    assert posting.ledger()[1]["messages"][0]["receipts"] == []


def test_a_signature_can_be_changed(posting: Sandbox, receiver: Receiver) -> None:
    posting.control("POST", "webhooks", {"signature": "secret-one"})
    posting.send("33639980001")
    eventually(lambda: len(receiver.events) == 1)

    posting.control("POST", "webhooks", {"signature": ""})
    posting.send("33639980001")
    eventually(lambda: len(receiver.events) == 2)

    assert receiver.headers[0]["x-smsfactor-signature"] == "secret-one"
    assert "x-smsfactor-signature" not in receiver.headers[1]


def test_a_receipt_that_was_refused_is_posted_again(posting: Sandbox, receiver: Receiver) -> None:
    receiver.status = 503
    posting.send("33639980001")
    eventually(lambda: posting.control("GET", "receipts")["retried"] == {"3": 1})

    receiver.status = 200

    eventually(lambda: receipts(receiver) == [("m0", 3)])
    eventually(lambda: not posting.control("GET", "receipts")["waiting"])


def test_a_stop_is_posted_and_blacklists_its_sender(posting: Sandbox, receiver: Receiver) -> None:
    posting.control("POST", "replies", {"from": "33639980001", "message": "Stop svp"})

    (event,) = eventually(lambda: receiver.events)
    assert list(event) == ["date", "message", "from"]
    assert (event["message"], event["from"]) == ("Stop svp", "33639980001")
    assert posting.send("33639980001").json["blacklisted"] == 1


def test_an_ordinary_reply_blacklists_nobody(posting: Sandbox, receiver: Receiver) -> None:
    order = {"from": "33639980001", "message": "OUI", "national": True}
    posting.control("POST", "replies", order)

    (event,) = eventually(lambda: receiver.events)
    assert (event["message"], event["from"]) == ("OUI", "0639980001")
    assert posting.send("33639980001").json["blacklisted"] == 0


def test_a_reserved_number_answers_stop_by_itself(posting: Sandbox, receiver: Receiver) -> None:
    posting.send("33639989901")

    eventually(lambda: len(receiver.events) == 2)
    (stop,) = [event for event in receiver.events if "from" in event]
    assert (stop["message"], stop["from"]) == ("STOP", "0639989901")
    assert posting.send("33639989901").json["blacklisted"] == 1


def outcomes_of_a_run() -> list[list[int]]:
    numbers = [f"336399800{last:02}" for last in range(50)]
    with running_sandbox("--undelivered-rate", "0.3", "--seed", "5") as sandbox:
        # Nobody listens there: outcomes are decided when a receipt is made, not when it lands.
        order = {"urls": [sandbox.url + "/_sandbox/health"], "receipt_delay": 0}
        sandbox.control("POST", "webhooks", order)
        sandbox.send(*numbers)

        def receipts_made() -> list[list[int]]:
            made: list[list[int]] = [m["receipts"] for m in sandbox.ledger()[0]["messages"]]
            return made if all(made) else []

        return eventually(receipts_made)


def test_a_share_of_the_recipients_is_undelivered_the_same_ones_each_time() -> None:
    first, second = outcomes_of_a_run(), outcomes_of_a_run()

    assert first == second
    assert 5 <= first.count([2]) <= 25


def test_many_answers_in_one_campaign_are_all_posted(posting: Sandbox, receiver: Receiver) -> None:
    posting.send(*(f"336399800{last:02}" for last in range(40)))
    eventually(lambda: len(receiver.events) == 40)

    posting.send("33639989900", "33639989910", "33639980050", "33639989911")

    eventually(lambda: len(receiver.events) == 47)
    answers = {(e["message"], e["from"]) for e in receiver.events if "from" in e}
    assert answers == {("STOP", "33639989900"), ("OUI", "33639989910"), ("OUI", "0639989911")}


def test_an_answer_that_ends_with_its_connection_is_an_answer(sandbox: Sandbox) -> None:
    with closing_receiver() as (url, bodies):
        sandbox.control("POST", "webhooks", {"urls": [url]})
        sandbox.send("33639980001", "33639980002")
        eventually(lambda: sandbox.control("GET", "receipts")["acknowledged"] == {"3": 2})

    assert len(bodies) == 2


@contextmanager
def closing_receiver() -> Iterator[tuple[str, list[bytes]]]:
    """Run a receiver that answers as HTTP/1.0 does, without a length."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"OK")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", bodies
        server.shutdown()
        thread.join()
