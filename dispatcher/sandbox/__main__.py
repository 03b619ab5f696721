import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from dispatcher.sandbox.config import AccountConfig, Dialect, SandboxConfig
from dispatcher.sandbox.server import PortRefusedError, serve

# What the command line ends with if an option is wrong.
_USAGE = 2
_LAST_PORT = 65_535
_DEFAULTS = SandboxConfig()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a sandbox as the command line says."""
    options = _parser().parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        serve(_config(options), host=options.host, port=options.port)
    except PortRefusedError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(_USAGE)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dispatcher sandbox", description="A look-alike of the SMSFactor API, for tests."
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=_port, default=0, help="0 takes a free one")
    add("--credits", type=int, default=_DEFAULTS.credits, help="of sandbox@example.com")
    add(
        "--account",
        action="append",
        default=[],
        type=_account,
        metavar="NAME:PASSWORD:TOKEN:CREDITS",
        help="one more account; may be repeated",
    )
    add("--webhook", action="append", default=[], metavar="URL", help="where receipts go")
    add("--reply-webhook", action="append", default=[], metavar="URL", help="where replies go")
    add("--receipt-delay", type=float, default=_DEFAULTS.receipt_delay, metavar="SECONDS")
    add("--latency", type=float, default=_DEFAULTS.latency, metavar="SECONDS")
    add("--undelivered-rate", type=float, default=0.0, metavar="SHARE", help="0 to 1")
    add("--seed", type=int, default=_DEFAULTS.seed)
    add("--state", type=Path, metavar="FILE", help="keep everything over a restart")
    dialects = [dialect.value for dialect in Dialect]
    add("--dialect", choices=dialects, default=_DEFAULTS.dialect.value)
    add("--stop-mention", default=_DEFAULTS.stop_mention, metavar="TEXT")
    return parser


def _config(options: argparse.Namespace) -> SandboxConfig:
    return SandboxConfig(
        credits=options.credits,
        accounts=tuple(options.account),
        webhooks=tuple(options.webhook),
        reply_webhooks=tuple(options.reply_webhook),
        receipt_delay=options.receipt_delay,
        latency=options.latency,
        undelivered_rate=options.undelivered_rate,
        seed=options.seed,
        state_file=options.state,
        dialect=Dialect(options.dialect),
        stop_mention=options.stop_mention,
    )


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to {_LAST_PORT}")
    return int(text)


def _account(text: str) -> AccountConfig:
    try:
        username, password, token, balance = text.split(":")
        return AccountConfig(
            username=username, password=password, token=token, credits=int(balance)
        )
    except ValueError as error:
        message = f"{text!r} is not NAME:PASSWORD:TOKEN:CREDITS"
        raise argparse.ArgumentTypeError(message) from error


if __name__ == "__main__":
    main()
