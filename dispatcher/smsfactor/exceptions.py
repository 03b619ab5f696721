"""What an exception of requests or urllib3 means for the request it ended.

The phase the transport recorded decides: before a connection nothing can have been sent, after
one it may have been. The classes add what no phase can tell: that the request could not
even be built, so that trying again is vain.
"""

from collections.abc import Mapping

from dispatcher.errors import ApiError, ApiUnreachableError, Disposition, OutcomeUnknownError
from dispatcher.smsfactor.exchange import Phase

_CANNOT_BE_BUILT = (
    "requests.exceptions.InvalidHeader",
    "requests.exceptions.InvalidJSONError",
    "requests.exceptions.InvalidProxyURL",
    "requests.exceptions.InvalidSchema",
    "requests.exceptions.InvalidURL",
    "requests.exceptions.MissingSchema",
    "requests.exceptions.URLRequired",
    "requests.exceptions.UnrewindableBodyError",
    "urllib3.exceptions.LocationParseError",
    "urllib3.exceptions.LocationValueError",
    "urllib3.exceptions.ProxySchemeUnknown",
    "urllib3.exceptions.ProxySchemeUnsupported",
    "urllib3.exceptions.URLSchemeUnknown",
    "urllib3.exceptions.UnrewindableBodyError",
)

_NO_CONNECTION = (
    "requests.exceptions.ConnectTimeout",
    "urllib3.exceptions.ClosedPoolError",
    "urllib3.exceptions.ConnectTimeoutError",
    "urllib3.exceptions.EmptyPoolError",
    "urllib3.exceptions.FullPoolError",
    "urllib3.exceptions.NameResolutionError",
    "urllib3.exceptions.NewConnectionError",
)

_ANYTHING = (
    "requests.exceptions.ChunkedEncodingError",
    "requests.exceptions.ConnectionError",
    "requests.exceptions.ContentDecodingError",
    "requests.exceptions.FileModeWarning",
    "requests.exceptions.HTTPError",
    "requests.exceptions.JSONDecodeError",
    "requests.exceptions.ProxyError",
    "requests.exceptions.ReadTimeout",
    "requests.exceptions.RequestException",
    "requests.exceptions.RequestsDependencyWarning",
    "requests.exceptions.RequestsWarning",
    "requests.exceptions.RetryError",
    "requests.exceptions.SSLError",
    "requests.exceptions.StreamConsumedError",
    "requests.exceptions.Timeout",
    "requests.exceptions.TooManyRedirects",
    "urllib3.exceptions.BodyNotHttplibCompatible",
    "urllib3.exceptions.DecodeError",
    "urllib3.exceptions.DependencyWarning",
    "urllib3.exceptions.HTTPError",
    "urllib3.exceptions.HTTPWarning",
    "urllib3.exceptions.HeaderParsingError",
    "urllib3.exceptions.HostChangedError",
    "urllib3.exceptions.IncompleteRead",
    "urllib3.exceptions.InsecurePlatformWarning",
    "urllib3.exceptions.InsecureRequestWarning",
    "urllib3.exceptions.InvalidChunkLength",
    "urllib3.exceptions.InvalidHeader",
    "urllib3.exceptions.MaxRetryError",
    "urllib3.exceptions.NotOpenSSLWarning",
    "urllib3.exceptions.PoolError",
    "urllib3.exceptions.ProtocolError",
    "urllib3.exceptions.ProxyError",
    "urllib3.exceptions.ReadTimeoutError",
    "urllib3.exceptions.RequestError",
    "urllib3.exceptions.ResponseError",
    "urllib3.exceptions.ResponseNotChunked",
    "urllib3.exceptions.SSLError",
    "urllib3.exceptions.SecurityWarning",
    "urllib3.exceptions.SystemTimeWarning",
    "urllib3.exceptions.TimeoutError",
    "urllib3.exceptions.TimeoutStateError",
)


def api_error_for(error: Exception, *, phase: Phase | None) -> ApiError:
    """Give the one error of ours for an exception that ended an exchange at `phase`.

    Its message names the exception's class only: the text may quote the request.
    """
    name = type(error).__name__
    if phase is not None:
        return OutcomeUnknownError(f"{name} after the API was reached (phase: {phase.value})")
    if disposition_of(type(error)) is Disposition.GIVE_UP:
        return ApiError(f"{name}: the request cannot be built; look at the base URL")
    return ApiUnreachableError(f"{name} before the API was reached")


def disposition_of(kind: type[BaseException]) -> Disposition:
    """Say what an exception class alone, with no phase known, allows."""
    for ancestor in kind.__mro__:
        found = DISPOSITIONS.get(f"{ancestor.__module__}.{ancestor.__qualname__}")
        if found is not None:
            return found
    return Disposition.UNKNOWN


DISPOSITIONS: Mapping[str, Disposition] = {
    **dict.fromkeys(_CANNOT_BE_BUILT, Disposition.GIVE_UP),
    **dict.fromkeys(_NO_CONNECTION, Disposition.RETRY),
    **dict.fromkeys(_ANYTHING, Disposition.UNKNOWN),
}
"""Every exception class of the supported versions, by name, for they differ in what they have."""
