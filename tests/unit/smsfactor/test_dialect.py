from collections.abc import Callable

import pytest

from dispatcher.errors import CredentialsRefusedError, OutcomeUnknownError
from dispatcher.smsfactor import Dialect, SmsFactor

Answering = Callable[..., SmsFactor]

OTHER = b'{"status":-99,"message":"Autre erreur"}'
UNKNOWN_ID = b'{"status":-5,"message":"Erreur liste"}'
CAMPAIGNS = b'{"status":1,"message":"OK","campaigns":[],"totalRecords":0}'


@pytest.mark.parametrize(
    ("body", "http_status", "dialect"),
    [
        (CAMPAIGNS, 200, Dialect.LIVE),
        (OTHER, 404, Dialect.V1),
        (OTHER, 200, Dialect.V1),
        (UNKNOWN_ID, 200, Dialect.V1),
        (b"<html>Not Found</html>", 404, Dialect.V1),
        (b"", 405, Dialect.V1),
    ],
)
def test_only_the_live_dialect_lists_campaigns(
    answering: Answering, body: bytes, http_status: int, dialect: Dialect
) -> None:
    assert answering(body, http_status).spoken_dialect() is dialect


@pytest.mark.parametrize("http_status", [429, 500, 503])
def test_a_failing_server_does_not_tell_the_dialect(answering: Answering, http_status: int) -> None:
    with pytest.raises(OutcomeUnknownError):
        answering(b"<html>Sorry</html>", http_status).spoken_dialect()


def test_wrong_credentials_do_not_tell_the_dialect(answering: Answering) -> None:
    with pytest.raises(CredentialsRefusedError):
        answering(b'{"status":-1,"message":"Erreur"}').spoken_dialect()
