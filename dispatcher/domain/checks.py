"""Checks what a campaign says before anything of it is kept."""

import enum
import re
from collections.abc import Mapping
from datetime import timedelta

from dispatcher.domain.campaign import BadRows, Campaign
from dispatcher.domain.feed import is_producer
from dispatcher.domain.message import PushType
from dispatcher.domain.routes import Render, render_problem
from dispatcher.domain.template import INFO_FIELDS, field_key, parse_template
from dispatcher.domain.text import count_tags
from dispatcher.domain.timing import Handover
from dispatcher.domain.unknowns import OnUnknown
from dispatcher.domain.windows import WindowPolicy
from dispatcher.errors import InputError, Problem

_SENDER = re.compile(r"[A-Za-z0-9]{1,11}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@+-]{0,99}", re.ASCII)
_LIST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_LINK = re.compile(r"https?://[^\s/]+\S*", re.IGNORECASE)
UNSENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 cannot carry, and no handset can show."""


def problems_of(campaign: Campaign) -> list[Problem]:
    """List everything wrong with a campaign but with its recipients."""
    return _type_problems(campaign) or [
        *_text_problems(campaign),
        *_template_problems(campaign),
        *_list_problems(campaign),
        *_sender_problems(campaign),
        *_id_problems(campaign),
        *_lateness_problems(campaign),
        *_producer_problems(campaign),
    ]


def is_storable_id(value: str) -> bool:
    """Tell whether a campaign id may become part of a key."""
    return _ID.fullmatch(value) is not None


def problems_of_key(key: object) -> list[Problem]:
    """List what is wrong with an idempotency key."""
    if key is None or (isinstance(key, str) and key and not UNSENDABLE.search(key)):
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
        "lists": (tuple, list),
        "render": (Render,),
        "handover": (Handover, type(None)),
        "max_lateness": (timedelta, type(None)),
        "window_policy": (WindowPolicy,),
        "on_unknown": (OnUnknown,),
        "producer": (str,),
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
    members = [f"{kind.__name__}.{member.name}" for kind in allowed for member in _members(kind)]
    fix = f"give {' or '.join(members)}" if members else f"give a {kinds}"
    return Problem(field=name, message=f"it is a {type(value).__name__}", fix=fix)


def _members(kind: type) -> tuple[enum.Enum, ...]:
    return tuple(kind) if issubclass(kind, enum.Enum) else ()


def _lateness_problems(campaign: Campaign) -> list[Problem]:
    if campaign.max_lateness is None or campaign.max_lateness >= timedelta():
        return []
    fix = "give a time of 0 or more, or none for the account's own limit"
    return [Problem(field="max_lateness", message="it is less than nothing", fix=fix)]


def _text_problems(campaign: Campaign) -> list[Problem]:
    if not campaign.text.strip():
        return [Problem(field="text", message="it is empty", fix="write what to send")]
    problems = []
    if bad := UNSENDABLE.search(campaign.text):
        problems.append(
            Problem(
                field="text",
                message=f"character {bad.start() + 1} (U+{ord(bad.group()):04X}) cannot be sent",
                fix="remove it",
            )
        )
    tags = count_tags(campaign.text)
    # The API would take a tag too many, and send it as it is written (contract, section 5).
    if len(campaign.links) != tags:
        problems.append(
            Problem(
                field="links",
                message=f"the text has {tags} <-short-> tags, and links are {len(campaign.links)}",
                fix="put one <-short-> tag in the text for each link, and give a link for each",
            )
        )
    for place, link in enumerate(campaign.links, start=1):
        if not _LINK.fullmatch(link.strip()) or UNSENDABLE.search(link):
            problems.append(
                Problem(
                    field="links",
                    message=f"link {place} is not an http or https address",
                    fix="write it in full, such as https://example.com/offer",
                )
            )
    return problems


def _template_problems(campaign: Campaign) -> list[Problem]:
    try:
        template = parse_template(campaign.text)
    except InputError as error:
        return list(error.problems)
    problem = render_problem(template, campaign.render)
    problems = [] if problem is None else [problem]
    unknown = [name for name in template.fields if field_key(name) not in INFO_FIELDS]
    if campaign.lists and unknown:
        problems.append(
            Problem(
                field="text",
                message=f"lists have no field {{{unknown[0]}}}",
                fix="use {info1} to {info4}, as the account's lists name them",
            )
        )
    return problems


def _list_problems(campaign: Campaign) -> list[Problem]:
    ids: tuple[object, ...] = tuple(campaign.lists)
    if not ids:
        return []
    problems = [
        Problem(
            field="lists",
            message=f"list {place} is no id of a list",
            fix="give ids as GET /lists tells them: dispatcher api list all",
        )
        for place, value in enumerate(ids, start=1)
        if not isinstance(value, str) or not _LIST_ID.fullmatch(value)
    ]
    if len(set(ids)) < len(ids):
        problems.append(
            Problem(field="lists", message="one comes twice", fix="name each list once")
        )
    if not isinstance(campaign.recipients, tuple) or campaign.recipients:
        problems.append(
            Problem(
                field="lists",
                message="there are recipients as well",
                fix="give lists of the account or recipients of your own, not both",
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


def _producer_problems(campaign: Campaign) -> list[Problem]:
    if is_producer(campaign.producer):
        return []
    return [
        Problem(
            field="producer",
            message="it is not 1 to 32 of a-z 0-9 _ -",
            fix="name the service that submits it, such as shop",
        )
    ]
