"""Takes the port a process is to listen at, or says why it cannot, alike for all processes."""

import os
import socket

from dispatcher.errors import SettingsError

_BY_OPTION = "--port"


def listen(
    host: str, port: int, *, backlog: int | None = None, named_by: str = _BY_OPTION
) -> socket.socket:
    """Listen at an address, of either version of IP; port 0 takes a free one.

    Args:
        host: the address.
        port: the port.
        backlog: connections that may wait to be accepted.
        named_by: the option or the variable that names the port.

    Raises:
        SettingsError: the port cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=backlog)
    except OSError as error:
        raise port_refused(host, port, error, named_by=named_by) from None


def port_refused(
    host: str, port: int, error: OSError, *, named_by: str = _BY_OPTION
) -> SettingsError:
    """Say that a port cannot be had, why, and what to do about it."""
    shown = f"[{host}]" if ":" in host else host
    # Python adds the address once more to the system's words.
    why = os.strerror(error.errno) if error.errno else str(error)
    return SettingsError(
        f"nothing can listen on {shown}:{port} ({why}): end what listens there already, "
        f"or give another port by {named_by}"
    )
