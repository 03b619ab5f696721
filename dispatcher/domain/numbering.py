"""Numbering plans as regular expressions, compiled from the installed `phonenumbers` metadata.

They decide the ordinary cases of `dispatcher.domain.numbers` without parsing. Every pattern
here is narrower than libphonenumber's own rules: what matches one is valid and reads one way
only, and what matches none is left to the full parser.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import TypeAlias

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata
from phonenumbers.phonemetadata import PhoneNumberDesc

Matcher: TypeAlias = Callable[[str], re.Match[str] | None]

FICTION: Mapping[int, str] = MappingProxyType({33: r"63998\d{4}"})
"""National numbers, by calling code, that regulators keep for fiction: nobody can own one.

France: 06 39 98 00 00 to 06 39 98 99 99 (ARCEP, numbering plan). libphonenumber calls them
invalid; documentation, demonstration and tests need them, so they count as valid mobiles here.
"""

HEAD = 4
"""Characters of a number that decide its calling code, with or without a leading `+`."""

_LONGEST_CALLING_CODE = 3
_NEVER = r"(?!)"
_HEAD = re.compile(r"\+[1-9]\d\d|[1-9]\d{3}", re.ASCII)


class InternationalMatchers(dict[str, Matcher]):
    """For the first `HEAD` characters of a number, what accepts the whole of it as international.

    Filled as heads are met; at most 9,900 of them, which share one pattern per calling code.

    Args:
        region: the default region, in which digits without `+` may mean a national number;
            "" when there is none.
        lines: accept numbers on lines of their own, all of the first one's calling code.
    """

    def __init__(self, region: str, *, lines: bool = False) -> None:
        super().__init__()
        self._region = region
        self._lines = lines

    def __missing__(self, head: str) -> Matcher:
        """Compile what decides numbers of that head; anything may be asked for."""
        if not _HEAD.fullmatch(head):
            return _refuse
        self[head] = matcher = self._matcher(head)
        return matcher

    def _matcher(self, head: str) -> Matcher:
        code = calling_code(head.removeprefix("+"))
        if code is None:
            return _refuse
        ahead = r"\+" if head.startswith("+") else _guard(code, self._region)
        pattern = ahead + _after_code(code)
        return _compiled(_on_each_line(pattern) if self._lines else pattern)


def national_matcher(region: str) -> Matcher:
    """Accept digits as people of the region write them; group `nsn` follows the calling code.

    Behind the national prefix, where that is a plain 0, any valid number; without it
    only mobiles, whose national reading wins over any other.
    """
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None or metadata.country_code is None:
        return _refuse
    own = f"(?={_covered(metadata.general_desc)}){_plan(metadata.country_code)}"
    own = _not_prefixed(metadata) + own
    starts = [f"(?={_mobile(metadata)}{own})"]
    if metadata.national_prefix_for_parsing == "0":
        starts.append(f"0(?={own})")
    guard = f"{_not_dialled_abroad(metadata)}(?!{metadata.country_code})"
    return _compiled(rf"{guard}(?:{'|'.join(starts)})(?P<nsn>\d+)")


def calling_code(digits: str) -> int | None:
    """Tell the calling code that international digits begin with, None when there is none."""
    for length in range(1, _LONGEST_CALLING_CODE + 1):
        code = int(digits[:length])
        if code in COUNTRY_CODE_TO_REGION_CODE:
            return code
    return None


def _guard(code: int, region: str) -> str:
    """Match ahead of digits which, in that default region, mean nothing but international ones.

    libphonenumber drops the region's own calling code only from digits that are no national
    number with it and are one without it.
    """
    metadata = PhoneMetadata.metadata_for_region(region) if region else None
    if metadata is None or metadata.country_code is None:
        return ""
    abroad = _not_dialled_abroad(metadata)
    if code == metadata.country_code:
        general = _pattern(metadata.general_desc)
        national = f"(?!{general}$)"
        # Where nobody shares the code, what follows asks for the general pattern anyway.
        is_shared = len(_regions(code)) > 1
        own = f"(?={code}{_not_prefixed(metadata)}{general}$)" if is_shared else ""
        return abroad + national + own
    plans = {_pattern(shared.general_desc) for shared in _regions(metadata.country_code)}
    return rf"{abroad}{_not_prefixed(metadata)}(?!(?:{'|'.join(sorted(plans))})$)"


def _after_code(code: int) -> str:
    """Match the calling code and a number of its plan that no national prefix could be cut from."""
    return f"{code}{_not_prefixed(_regions(code)[0])}{_plan(code)}"


@cache
def _plan(code: int) -> str:
    """Match the valid numbers of every region that shares a calling code, mobiles first.

    A region with leading digits owns all numbers that begin with them, whether valid or not;
    the others are asked in the order of the metadata.
    """
    alternatives = [FICTION[code] + "$"] if code in FICTION else []
    unclaimed = ""
    for metadata in _regions(code):
        lead, general = metadata.leading_digits, metadata.general_desc
        own = f"(?={lead})" if lead else ""
        kinds = (metadata.mobile, metadata.fixed_line, *_asked_first(metadata))
        known = "|".join(_covered(kind, within=general) for kind in kinds if kind is not None)
        alternatives.append(f"{unclaimed}{own}(?={_covered(general)})(?:{known})")
        if lead:
            unclaimed += f"(?!{lead})"
    return f"(?:{'|'.join(alternatives)})"


def _mobile(metadata: PhoneMetadata) -> str:
    """Match ahead of the mobiles of a region, and of lines that are fixed or mobile alike."""
    others = "".join(f"(?!{_covered(kind)})" for kind in _asked_first(metadata))
    return f"{others}(?={_covered(metadata.mobile)})"


def _asked_first(metadata: PhoneMetadata) -> list[PhoneNumberDesc]:
    """Give the kinds that take a number before fixed lines and mobiles can claim it."""
    kinds = (
        metadata.premium_rate,
        metadata.toll_free,
        metadata.shared_cost,
        metadata.voip,
        metadata.personal_number,
        metadata.pager,
        metadata.uan,
        metadata.voicemail,
    )
    return [kind for kind in kinds if kind is not None]


def _covered(description: PhoneNumberDesc | None, *, within: PhoneNumberDesc | None = None) -> str:
    """Match, to the end, the numbers of a description: its lengths and its pattern.

    The lengths are left out where the description asked before it, `within`, has the same.
    """
    if description is None:
        return _NEVER
    lengths, pattern = description.possible_length, _pattern(description)
    if within is not None and lengths == within.possible_length:
        return f"{pattern}$"
    wanted = "|".join(rf"\d{{{length}}}" for length in lengths)
    return f"(?=(?:{wanted})$){pattern}$" if wanted else pattern


def _pattern(description: PhoneNumberDesc | None) -> str:
    if description is None or not description.national_number_pattern:
        return _NEVER
    return f"(?:{description.national_number_pattern})"


def _not_prefixed(metadata: PhoneMetadata) -> str:
    """Match ahead of digits that no national prefix or carrier code could be cut from."""
    prefix = metadata.national_prefix_for_parsing
    return f"(?!{prefix})" if prefix else ""


def _not_dialled_abroad(metadata: PhoneMetadata) -> str:
    """Match ahead of digits that do not begin with the region's prefix for calls abroad."""
    prefix = metadata.international_prefix
    return f"(?!{prefix})" if prefix else ""


def _regions(code: int) -> tuple[PhoneMetadata, ...]:
    """Give the plans that share a calling code, the main one first."""
    found = (
        PhoneMetadata.metadata_for_region_or_calling_code(code, region)
        for region in COUNTRY_CODE_TO_REGION_CODE[code]
    )
    return tuple(metadata for metadata in found if metadata is not None)


def _on_each_line(pattern: str) -> str:
    return rf"(?:{pattern}(?:\n(?!\Z)|\Z))++"


@cache
def _compiled(pattern: str) -> Matcher:
    return re.compile(pattern, re.ASCII | re.MULTILINE).fullmatch


def _refuse(_text: str) -> None:
    return None
