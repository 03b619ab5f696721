import argparse
import signal
import sys
from collections.abc import Sequence

from dispatcher.errors import DispatcherError, SettingsError
from dispatcher.json_lines import write_json_lines
from dispatcher.logs import configure_logs, warn_of_strays
from dispatcher.settings import Settings
from dispatcher.web.server import serve

# As the command line has them, which this must not import.
_FAILED, _USAGE = 1, 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the receiver as the command line and the environment say."""
    parser = argparse.ArgumentParser(
        prog="dispatcher web", description="Receives the API's webhooks."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    options = parser.parse_args(arguments)
    # uvicorn repeats the signal that ended it, once everything is answered.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    if Settings.wants_json_lines():
        write_json_lines()
    try:
        settings = Settings.from_env()
        configure_logs(settings)
        warn_of_strays(settings)
        serve(settings, host=options.host, port=options.port)
    except (DispatcherError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(_USAGE if isinstance(error, SettingsError) else _FAILED)


if __name__ == "__main__":
    main()
