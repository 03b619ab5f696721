"""Random numbers of twenty countries, and what libphonenumber alone makes of them."""

import random

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberFormat, PhoneNumberType

COUNTRIES = (
    *("FR", "DE", "GB", "US", "CA", "IT", "ES", "BE", "CH", "NL"),
    *("PT", "PL", "RU", "BR", "IN", "CN", "AU", "MA", "KZ", "RE"),
)
REGIONS = ("FR", "DE", "GB", "US", "IT", "BR", "RE", "")
"""Default regions in which such numbers are read."""

_MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}


def random_number(chance: random.Random) -> str:
    """Spoil the end of an example number of some kind, and write it in some compact form."""
    metadata = PhoneMetadata.metadata_for_region(chance.choice(COUNTRIES))
    assert metadata is not None
    kinds = [
        metadata.mobile,
        metadata.mobile,
        metadata.fixed_line,
        metadata.toll_free,
        metadata.voip,
    ]
    example = chance.choice([kind.example_number for kind in kinds if kind and kind.example_number])
    assert example is not None
    kept = chance.randrange(len(example))
    length = len(example) + chance.choice([0] * 18 + [-1, 1])
    national = example[:kept] + "".join(chance.choices("0123456789", k=length - kept))
    abroad = f"{metadata.country_code}{national}"
    return chance.choice(
        ["+" + abroad, "+" + abroad, abroad, "00" + abroad, national, "0" + national]
    )


def expected_number(text: str, region: str) -> int | None:
    """Read compact digits by the documented rules, with nothing but libphonenumber."""
    if not text.lstrip("+") or text.count("+") > text.startswith("+"):
        return None
    if text.startswith("+"):
        return _valid(text, None)[0]
    national, here = _valid(text, region) if region else (None, False)
    abroad, there = _valid("+" + text.removeprefix("00"), None)
    if national is None or abroad is None:
        return national or abroad
    if national == abroad or here or not there:
        return national
    own = str(phonenumbers.country_code_for_region(region))
    return abroad if text.startswith(own) else None


def _valid(text: str, region: str | None) -> tuple[int | None, bool]:
    """Give the number, if valid, and whether it is a mobile."""
    try:
        parsed = phonenumbers.parse(text, region)
    except NumberParseException:
        return None, False
    number = int(phonenumbers.format_number(parsed, PhoneNumberFormat.E164)[1:])
    if 33_639_980_000 <= number <= 33_639_989_999:
        return number, True
    if not phonenumbers.is_valid_number(parsed):
        return None, False
    return number, phonenumbers.number_type(parsed) in _MOBILE
