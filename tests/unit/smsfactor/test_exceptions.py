import inspect
from types import ModuleType

import pytest
import requests.exceptions
import urllib3.exceptions

from dispatcher.domain.message import Message
from dispatcher.errors import ApiError, Disposition
from dispatcher.smsfactor import Credentials, Destination, Phase, SmsFactor
from dispatcher.smsfactor.connections import TimedAdapter
from dispatcher.smsfactor.exceptions import (
    _ANYTHING,
    _CANNOT_BE_BUILT,
    _NO_CONNECTION,
    DISPOSITIONS,
    api_error_for,
    disposition_of,
)
from dispatcher.smsfactor.exchange import CURRENT

Kind = type[BaseException]


def _exceptions_of(module: ModuleType) -> list[Kind]:
    found = [kind for _, kind in inspect.getmembers(module, inspect.isclass)]
    return [
        kind
        for kind in found
        if issubclass(kind, BaseException) and kind.__module__ == module.__name__
    ]


INSTALLED = [*_exceptions_of(requests.exceptions), *_exceptions_of(urllib3.exceptions)]


@pytest.mark.parametrize("kind", INSTALLED, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_installed_exception_has_a_disposition_of_its_own(kind: Kind) -> None:
    assert f"{kind.__module__}.{kind.__qualname__}" in DISPOSITIONS


def test_no_exception_is_listed_twice() -> None:
    assert len(_CANNOT_BE_BUILT) + len(_NO_CONNECTION) + len(_ANYTHING) == len(DISPOSITIONS)


def test_an_unlisted_exception_is_as_its_nearest_listed_ancestor() -> None:
    class Newer(requests.exceptions.ConnectTimeout):
        pass

    assert disposition_of(Newer) is Disposition.RETRY
    assert disposition_of(ValueError) is Disposition.UNKNOWN


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("kind", INSTALLED)
def test_after_a_connection_every_exception_is_an_unknown_outcome(kind: Kind, phase: Phase) -> None:
    error = kind.__new__(kind)

    assert isinstance(error, Exception)
    assert api_error_for(error, phase=phase).disposition is Disposition.UNKNOWN


@pytest.mark.parametrize("kind", INSTALLED)
def test_before_a_connection_no_exception_is_an_unknown_outcome(kind: Kind) -> None:
    error = kind.__new__(kind)

    assert isinstance(error, Exception)
    assert api_error_for(error, phase=None).disposition is not Disposition.UNKNOWN


@pytest.mark.parametrize("phase", [None, *Phase])
@pytest.mark.parametrize("kind", [*INSTALLED, OSError, UnicodeError, RuntimeError, MemoryError])
def test_no_foreign_exception_escapes(
    monkeypatch: pytest.MonkeyPatch, kind: Kind, phase: Phase | None
) -> None:
    def fail(*_: object, **__: object) -> None:
        CURRENT.get().phase = phase
        raise kind.__new__(kind)

    monkeypatch.setattr(TimedAdapter, "send", fail)
    api = SmsFactor(Credentials(token="a-token"), base_url="http://127.0.0.1:9")

    with pytest.raises(ApiError):
        api.send(Message(text="Bonjour"), [Destination("33639980001")])
    with pytest.raises(ApiError):
        api.credits()
