"""A campaign from submit to receipts, with TLS to the store and to the broker."""

from pathlib import Path

from dispatcher.domain.campaign import Campaign
from dispatcher.domain.lifecycle import CampaignState
from tests.support.encryption import Certificates, EncryptedServer
from tests.support.programs import require
from tests.support.shell import run
from tests.support.stack import Stack


def test_a_campaign_goes_out_through_tls_alone(tmp_path: Path) -> None:
    binary = require("valkey-server", "redis-server", package="redis-server")
    certificates = Certificates.issue(tmp_path / "certificates")
    server = EncryptedServer.prepare(tmp_path / "redis", binary, certificates)
    with Stack(tmp_path, redis=server.redis, address=server.url) as stack:
        stack.start_worker()
        stack.start_beat()
        stack.start_web()
        campaign = stack.dispatcher.submit(
            Campaign(text="Bonjour", recipients=["+33639980001", "+33639980002"])
        )

        state = stack.dispatcher.wait(campaign, timeout=60).state

        assert state is CampaignState.FINISHED
        assert [len(entry["messages"]) for entry in stack.sandbox.ledger()] == [2]
        told = run(stack, "doctor")
        assert "the certificate is verified" in told.output
        assert "in plain text" not in told.output
        assert "certificate" not in stack.logs()
