from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Self
from urllib.parse import quote

import msgspec

from dispatcher.errors import InputError, OutcomeUnknownError, Problem
from dispatcher.smsfactor.credentials import Credentials
from dispatcher.smsfactor.dialect import Dialect
from dispatcher.smsfactor.exchange import Deadlines
from dispatcher.smsfactor.fields import integer, rows, text
from dispatcher.smsfactor.refusals import settle
from dispatcher.smsfactor.transport import ApiRequest, Transport
from dispatcher.smsfactor.watching import Timing, Watch, ignore, watched
from dispatcher.smsfactor.wire import Reading, Wire

BASE_URL = "https://api.smsfactor.com"
_USER_AGENT = "sms-campaign-dispatcher"


class Caller:
    """What every group of routes needs: one account at one base URL. Threads may share it.

    Use it as a context manager, or call `close`, to close the connections kept for reads.

    Args:
        credentials: what signs each call.
        base_url: where the API is; a sandbox is addressed in the same way.
        wire: the format of requests and replies; both give equal results.
        dialect: the documentation the account follows.
        deadlines: how long one exchange may take.
        allow_plain_http: let the credentials travel unencrypted to another machine.
        watch: told of each call when it is over.

    Raises:
        SettingsError: `base_url` cannot be used.
    """

    def __init__(  # noqa: PLR0913 - each is a choice of its own
        self,
        credentials: Credentials,
        *,
        base_url: str = BASE_URL,
        wire: Wire = Wire.JSON,
        dialect: Dialect = Dialect.V1,
        deadlines: Deadlines | None = None,
        allow_plain_http: bool = False,
        watch: Watch = ignore,
    ) -> None:
        self._credentials = credentials
        self._wire = wire
        self._dialect = dialect
        self._watch = watch
        self._transport = Transport(
            base_url, deadlines=deadlines or Deadlines(), allow_plain_http=allow_plain_http
        )
        self._headers = {
            "Accept": wire.value,
            "Accept-Encoding": "identity",
            "User-Agent": _USER_AGENT,
            **credentials.headers(),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections kept for reads; the next read opens new ones."""
        self._transport.close()

    def _read(self, path: str, *, listing: bool = False) -> Reading:
        request = self._request("GET", path, listing=listing)
        with self._watched(request):
            return settle(self._transport.read(request), private=self._credentials.secrets)

    def _change(
        self,
        method: str,
        path: str,
        body: tuple[str, msgspec.Struct] | None = None,
        *,
        private: tuple[str, ...] = (),
    ) -> Reading:
        request = self._request(method, path, body)
        with self._watched(request):
            reply = self._transport.change(request)
            return settle(reply, private=(*self._credentials.secrets, *private))

    def _watched(self, request: ApiRequest) -> AbstractContextManager[Timing]:
        """Have the call that is made within told of, whatever comes of it."""
        return watched(self._watch, request.method, request.path)

    def _request(
        self,
        method: str,
        path: str,
        body: tuple[str, msgspec.Struct] | None = None,
        *,
        listing: bool = False,
    ) -> ApiRequest:
        if body is None:
            return ApiRequest(method=method, path=path, headers=self._headers, listing=listing)
        root, content = body
        return ApiRequest(
            method=method,
            path=path,
            headers={**self._headers, "Content-Type": self._wire.value},
            body=self._wire.encode(root, content),
        )


def needed_integer(reading: Reading, name: str) -> int:
    """Give a number the reply must hold.

    Raises:
        OutcomeUnknownError: it does not, or not readably.
    """
    value = integer(reading.fields.get(name))
    if value is None:
        raise OutcomeUnknownError(f"the reply holds no readable {name}")
    return value


def needed_text(reading: Reading, name: str) -> str:
    """Give a text the reply must hold.

    Raises:
        OutcomeUnknownError: it does not.
    """
    value = text(reading.fields.get(name))
    if not value:
        raise OutcomeUnknownError(f"the reply holds no readable {name}")
    return value


def needed_rows(reading: Reading, name: str) -> list[Mapping[str, object]]:
    """Give the repeated part of a reply; absent means there are none.

    Raises:
        OutcomeUnknownError: the reply is not a valid document, so some may be lost.
    """
    if not reading.sound:
        raise OutcomeUnknownError(f"the reply is not a valid document, so its {name} is not whole")
    return rows(reading.fields.get(name))


def in_path(name: str, value: str) -> str:
    """Quote an id for a path.

    Raises:
        InputError: it is empty or only dots, which would name another route.
    """
    if not value.strip("."):
        problem = Problem(field=name, message="is not an id", fix="give the id as the API gave it")
        raise InputError([problem])
    return quote(value, safe="")
