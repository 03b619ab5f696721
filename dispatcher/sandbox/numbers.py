"""Phone numbers as the API reads them, and the reserved ones that choose their own fate.

The reserved block is 33 6 39 98 90 00 to 33 6 39 98 99 99, inside the range the French
regulator keeps for fiction. Its third pair, written `9D CC` below, says what happens.
"""

import re
import zlib
from collections.abc import Callable
from typing import NamedTuple

RESERVED_PREFIX = "33639989"
LATE_SECONDS = 60.0

NOT_DELIVERED = 2
DELIVERED = 3
SENT = 1

_INTERNATIONAL = re.compile(r"[1-9][0-9]{7,14}")
_RESERVED_LENGTH = 11


class Step(NamedTuple):
    """One receipt of a recipient: its code, and how many seconds later than usual."""

    code: int
    late: float = 0.0


class Answer(NamedTuple):
    """What a recipient writes back, and whether its number is then given in national form."""

    text: str
    national: bool = False

    def sender(self, number: str) -> str:
        """Give the number as the webhook's `from` has it."""
        return f"0{number[2:]}" if self.national else number


_USUAL_FATE = (Step(DELIVERED),)
_POOR_FATE = (Step(NOT_DELIVERED),)

_FATES: dict[str, Callable[[int], tuple[Step, ...]]] = {
    "0": lambda code: (Step(code),),
    "1": lambda code: (Step(code), Step(code)),
    "2": lambda code: (Step(code), Step(SENT)),
    "3": lambda code: (Step(SENT), Step(code)),
    "4": lambda code: (Step(NOT_DELIVERED), Step(code)),
    "5": lambda code: (Step(SENT), Step(code, LATE_SECONDS)),
    "6": lambda _: (),
}

_ANSWERS = {
    "900": Answer("STOP"),
    "901": Answer("STOP", national=True),
    "902": Answer("Stop svp"),
    "910": Answer("OUI"),
    "911": Answer("OUI", national=True),
}

BLACKLISTED_FROM_THE_START = tuple(f"{RESERVED_PREFIX}8{last:02}" for last in range(10))


def is_plain_block(values: list[str]) -> bool:
    """Say whether all values are well-formed and none is reserved, at the speed of a memory scan.

    A False only means that each value has to be looked at by itself.
    """
    joined = "\n".join(values)
    return (
        joined.count("\n") == len(values) - 1
        and joined.isascii()
        and joined.replace("\n", "").isdigit()
        and not joined.startswith("0")
        and "\n0" not in joined
        and RESERVED_PREFIX not in joined
        and all(8 <= length <= 15 for length in set(map(len, values)))  # noqa: PLR2004 - E.164
    )


def read_number(value: str | int) -> str | None:
    """Give the international digits of a `gsm` value, None if the API counts it as invalid.

    A leading plus and blanks are forgiven; a national number is not (contract, section 4).
    """
    digits = "".join(str(value).split()).removeprefix("+")
    if not _INTERNATIONAL.fullmatch(digits) or _reserved(digits)[:1] == "7":
        return None
    return digits


def fate_of(number: str, *, seed: int, undelivered_rate: float) -> tuple[Step, ...]:
    """Give the receipts a recipient will cause, the same ones for the same seed."""
    reserved = _reserved(number)
    if reserved and reserved[0] in _FATES:
        return _FATES[reserved[0]](int(reserved[1:]))
    if undelivered_rate and _share(number, seed) < undelivered_rate:
        return _POOR_FATE
    return _USUAL_FATE


def answer_of(number: str) -> Answer | None:
    """Give what a recipient answers, None for the silent majority."""
    return _ANSWERS.get(_reserved(number))


def _reserved(number: str) -> str:
    """Give the `DCC` of a reserved number, an empty text for any other."""
    if len(number) == _RESERVED_LENGTH and number.startswith(RESERVED_PREFIX):
        return number[len(RESERVED_PREFIX) :]
    return ""


def _share(number: str, seed: int) -> float:
    """Spread numbers evenly over 0 to 1."""
    return zlib.crc32(f"{seed}:{number}".encode()) / 2**32
