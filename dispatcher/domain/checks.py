"""Checks what a campaign says before anything of it is kept."""

import re
from collections.abc import Mapping

from dispatcher.domain.campaign import BadRows, Campaign
from dispatcher.domain.message import PushType
from dispatcher.errors import Problem

_SENDER = re.compile(r"[A-Za-z0-9]{1,11}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@+-]{0,99}", re.ASCII)
_TAG = re.compile(r"<-+short-+>")
_LINK = re.compile(r"https?://[^\s/]+\S*", re.IGNORECASE)
# What XML 1.0 cannot carry, and no handset can show.
_UNSENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def problems_of(campaign: Campaign) -> list[Problem]:
    """List everything wrong with a campaign but with its recipients."""
    return _type_problems(campaign) or [
        *_text_problems(campaign),
        *_sender_problems(campaign),
        *_id_problems(campaign),
    ]


def is_storable_id(value: str) -> bool:
    """Tell whether a campaign id may become part of a key."""
    return _ID.fullmatch(value) is not None


def problems_of_key(key: object) -> list[Problem]:
    """List what is wrong with an idempotency key."""
    if key is None or (isinstance(key, str) and key and not _UNSENDABLE.search(key)):
        return []
    fix = "give any text that names this campaign and no other"
    return [Problem(field="idempotency_key", message="it is no text that can be kept", fix=fix)]


def _type_problems(campaign: Campaign) -> list[Problem]:
    """Find values of a wrong type, which Python lets through."""
    allowed: dict[str, tuple[type, ...]] = {
        "text": (str,),
        "sender": (str, type(None)),
        "pushtype": (PushType,),
        "links": (tuple, list),
        "account": (str, type(None)),
        "id": (str, type(None)),
        "bad_rows": (BadRows,),
    }
    problems = [
        _wrong_type(name, getattr(campaign, name), kinds)
        for name, kinds in allowed.items()
        if not isinstance(getattr(campaign, name), kinds)
    ]
    # Iterable, but a character or a key at a time.
    if isinstance(campaign.recipients, (str, bytes, Mapping)):
        problems.append(_wrong_type("recipients", campaign.recipients, (list,)))
    return problems


def _wrong_type(name: str, value: object, allowed: tuple[type, ...]) -> Problem:
    kinds = " or ".join("nothing" if kind is type(None) else kind.__name__ for kind in allowed)
    return Problem(field=name, message=f"it is a {type(value).__name__}", fix=f"give a {kinds}")


def _text_problems(campaign: Campaign) -> list[Problem]:
    if not campaign.text.strip():
        return [Problem(field="text", message="it is empty", fix="write what to send")]
    problems = []
    if bad := _UNSENDABLE.search(campaign.text):
        problems.append(
            Problem(
                field="text",
                message=f"character {bad.start() + 1} (U+{ord(bad.group()):04X}) cannot be sent",
                fix="remove it",
            )
        )
    tags = len(_TAG.findall(campaign.text))
    if len(campaign.links) > tags:
        problems.append(
            Problem(
                field="links",
                message=f"{len(campaign.links)} links but {tags} <-short-> tags in the text",
                fix="put one <-short-> tag in the text for each link",
            )
        )
    for place, link in enumerate(campaign.links, start=1):
        if not _LINK.fullmatch(link.strip()) or _UNSENDABLE.search(link):
            problems.append(
                Problem(
                    field="links",
                    message=f"link {place} is not an http or https address",
                    fix="write it in full, such as https://example.com/offer",
                )
            )
    return problems


def _sender_problems(campaign: Campaign) -> list[Problem]:
    if campaign.sender is None or _SENDER.fullmatch(campaign.sender):
        return []
    return [
        Problem(
            field="sender",
            message="it is not 1 to 11 letters and digits",
            fix="shorten it, without blanks and accents, or leave it out",
        )
    ]


def _id_problems(campaign: Campaign) -> list[Problem]:
    if campaign.id is None or is_storable_id(campaign.id):
        return []
    return [
        Problem(
            field="id",
            message="it is not 1 to 100 of A-Z a-z 0-9 _ . : @ + -",
            fix="use such characters, or give an idempotency key instead",
        )
    ]
