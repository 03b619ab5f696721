import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from dispatcher.domain.signing import is_signing_secret, signed_headers

NEW = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"type":"hold","data":{"reason":"crédits"}}'.encode()

# The reference package where NODE_PATH has it, as in CI; else what the specification says, by the
# crypto of Node.
VERIFY = """
const {secret, body, headers} = JSON.parse(require('fs').readFileSync(0, 'utf8'))
let Webhook, by = 'reference'
try { ({Webhook} = require('standardwebhooks')) } catch {
  by = 'specification'
  const {createHmac, timingSafeEqual} = require('crypto')
  Webhook = class {
    constructor(secret) { this.key = Buffer.from(secret.slice('whsec_'.length), 'base64') }
    verify(body, headers) {
      const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
      const wanted = createHmac('sha256', this.key).update(content).digest()
      const age = Math.abs(Date.now() / 1000 - Number(headers['webhook-timestamp']))
      if (age > 300) throw Error('age')
      const found = headers['webhook-signature'].split(' ').some((each) => {
        const [version, signature] = each.split(',')
        const given = Buffer.from(signature, 'base64')
        return version === 'v1' && given.length === wanted.length && timingSafeEqual(given, wanted)
      })
      if (!found) throw Error('signature')
      return JSON.parse(body)
    }
  }
}
try { new Webhook(secret).verify(body, headers); console.log('accepted by', by) }
catch (error) { console.log('refused by', by) }
"""


def headers(*secrets: str) -> dict[str, str]:
    now = int(datetime.now(UTC).timestamp())
    return signed_headers(BODY, identity="shop:1:17", seconds=now, secrets=secrets)


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_the_reference_verifier_accepts_either_secret_while_they_are_changed(secret: str) -> None:
    assert Webhook(secret).verify(BODY, headers(OLD, NEW)) == json.loads(BODY)


def test_the_reference_verifier_refuses_another_secret_body_or_id() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(BODY, headers(OLD))
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(BODY + b" ", headers(NEW))
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(BODY, {**headers(NEW), "webhook-id": "shop:1:18"})


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node here")
@pytest.mark.parametrize(("secret", "verdict"), [(NEW, "accepted"), (OLD, "refused")])
def test_a_verifier_in_another_language_says_the_same(secret: str, verdict: str) -> None:
    asked = {"secret": secret, "body": BODY.decode(), "headers": headers(NEW)}

    found = subprocess.run(
        ["node", "-e", VERIFY],  # noqa: S607 - whichever is installed
        input=json.dumps(asked),
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    folders = os.environ.get("NODE_PATH", "").split(os.pathsep)
    has_reference = any(Path(folder, "standardwebhooks").is_dir() for folder in folders if folder)
    by = "reference" if has_reference else "specification"
    assert found.stdout.strip() == f"{verdict} by {by}"


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_short", "whsec_é" * 9]
)
def test_what_is_no_secret_of_the_specification_is_not_one(secret: str) -> None:
    assert not is_signing_secret(secret)
    assert is_signing_secret(NEW)
