from collections.abc import Callable

import pytest

from dispatcher.smsfactor import Credentials, SmsFactor
from dispatcher.smsfactor.transport import ApiReply, ApiRequest, Transport

Answering = Callable[..., SmsFactor]


@pytest.fixture
def requests_made() -> list[ApiRequest]:
    return []


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch, requests_made: list[ApiRequest]) -> Answering:
    """Give a maker of clients whose every request gets one same reply."""

    def make(body: bytes = b'{"status":1,"message":"OK"}', http_status: int = 200) -> SmsFactor:
        def reply(_: Transport, request: ApiRequest, **__: object) -> ApiReply:
            requests_made.append(request)
            return ApiReply(http_status=http_status, body=body)

        monkeypatch.setattr(Transport, "read", reply)
        monkeypatch.setattr(Transport, "change", reply)
        return SmsFactor(Credentials(username="user@example.com", password="a-password"))

    return make
