"""The client on PyPI, which nobody here wrote, finds nothing to complain about."""

import pytest
from smsfactor.smsfactor import SMSFactorAPI, SMSFactorException

from tests.support.sandbox import Sandbox, sms


@pytest.fixture
def client(sandbox: Sandbox) -> SMSFactorAPI:
    api = SMSFactorAPI("sandbox-token")
    api.url = sandbox.url
    return api


def test_it_reads_the_balance(client: SMSFactorAPI) -> None:
    assert client.credits == 1000


def test_it_sends_and_simulates(client: SMSFactorAPI, sandbox: Sandbox) -> None:
    body = sms("33639980001", text="<--short-->", links=["https://example.com/?a=b c"])

    quoted = client.post("/send/simulate", body)
    sent = client.post("/send", body)

    assert (quoted["cost"], sent["cost"], sent["ticket"]) == (1, 1, "1001")
    assert sandbox.ledger()[0]["messages"][0]["destination"] == "33639980001"


def test_it_gets_and_deletes(client: SMSFactorAPI) -> None:
    sent = client.post("/send", sms("33639980001", delay="2099-01-01 12:00:00"))

    assert client.delete(f"/send/{sent['ticket']}")["credits"] == "1000"
    assert client.get("/lists", {"start": 0})["lists"] == []
    assert client.get("/blacklist", get_response=True).status_code == 200


def test_it_tells_what_was_refused(client: SMSFactorAPI) -> None:
    with pytest.raises(SMSFactorException, match=r"Error -5: .*Campagne inconnue"):
        client.delete("/send/9")

    client.headers["Authorization"] = "Bearer wrong"
    with pytest.raises(SMSFactorException, match=r"Error -1: .*Token invalide"):
        client.post("/send", sms("33639980001"))
