"""How the quote of a file is laid out for people."""

import unicodedata
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from dispatcher.cli.output import count, listing, pairs
from dispatcher.cli.quote_report import QuoteReport, look_alike
from dispatcher.domain.census import Forcing, TextSummary
from dispatcher.domain.quotes import Simulation

_BAR = 30
_CHARACTERS = 12


def quote_view(report: QuoteReport) -> Group:
    """Lay out everything known, the price last, where people look for it."""
    return Group(*(line for part in _parts(report) for line in (part, "")))


def _parts(report: QuoteReport) -> Iterator[RenderableType]:
    quote = report.quote
    yield pairs("Recipients", _recipient_rows(report))
    if quote.damages:
        found = [(f"{rows:,}", damage.sentence) for damage, rows in quote.damages.items()]
        yield _titled("Numbers repaired", listing("", ("numbers", "what had happened"), found))
    if quote.recipients:
        yield pairs("Way through the API", _route_rows(report))
        yield _segments(quote.text)
        if quote.text.forcing:
            yield _characters(report)
        yield _samples(quote.text)
    yield pairs("Price", _price_rows(report))


def _titled(title: str, *parts: RenderableType) -> Group:
    """Put a title above that may be wider than what is below."""
    return Group(Text(title, style="bold underline"), *parts)


def _recipient_rows(report: QuoteReport) -> Iterator[tuple[str, str]]:
    quote = report.quote
    for column in ("number", "id"):
        if column in report.words:
            yield f"{column}s from", f"column {report.words[column]!r}"
    yield "rows", f"{quote.rows:,}"
    yield "kept", f"{quote.recipients:,}"
    if quote.duplicated:
        yield "dropped", f"{quote.duplicated:,} whose number came before"
    if quote.suppressed:
        yield "dropped", f"{quote.suppressed:,} who are suppressed"
    for reason, rows in report.bad_rows.items():
        yield "bad", f"{rows:,} {reason}"
    if report.is_refused:
        yield "so", "send would refuse it: mend the bad rows, or add --bad-rows skip"


def _route_rows(report: QuoteReport) -> Iterator[tuple[str, str]]:
    quote = report.quote
    yield "direct", count(quote.direct_batches, "batch")
    yield "by lists", count(quote.list_batches, "batch")
    yield "why", report.why


def _segments(text: TextSummary) -> Group:
    most = max(text.histogram.values())
    rows = [
        (str(segments), f"{people:,}", "█" * -(-people * _BAR // most))
        for segments, people in text.histogram.items()
    ]
    return _titled(
        f"Segments: min {text.minimum}, median {text.median}, max {text.maximum}",
        listing("", ("segments", "people", ""), rows),
    )


def _characters(report: QuoteReport) -> Group:
    text = report.quote.text
    rows = [
        (
            _visible(each.character),
            each.name,
            f"{each.people:,}",
            f"{each.dearer:,}",
            _becomes(each),
        )
        for each in text.forcing[:_CHARACTERS]
    ]
    parts: list[RenderableType] = [
        listing("", ("", "character", "people", "dearer", "look-alike"), rows)
    ]
    if len(text.forcing) > len(rows):
        parts.append(f"and {len(text.forcing) - len(rows):,} more")
    if report.saving is not None:
        parts.append(f"--replace-characters would save {count(report.saving, 'credit')}")
    texts = count(text.ucs2, "text")
    return _titled(f"Characters that force UCS-2: {texts}, {text.dearer:,} dearer for it", *parts)


def _becomes(forcing: Forcing) -> str:
    alike = look_alike(forcing.character)
    return "stays" if alike is None else repr(alike)


def _samples(text: TextSummary) -> Group:
    parts: list[RenderableType] = []
    for each in text.samples:
        takes = f"{count(each.segments, 'segment')}, {each.encoding.label}:"
        parts += [Text(takes, style="dim"), Text(_visible(each.text))]
    return _titled("Samples", *parts)


def _visible(text: str) -> str:
    """Keep from the terminal what it would take for orders."""
    return "".join("\ufffd" if unicodedata.category(c) == "Cc" and c != "\n" else c for c in text)


def _price_rows(report: QuoteReport) -> Iterator[tuple[str, str]]:
    quote = report.quote
    yield "our count", count(quote.estimate, "credit")
    if quote.simulation is None:
        yield "simulated", "not asked for (--offline)"
        return
    yield from _simulation_rows(quote.simulation)
    if report.reserved:
        yield "reserved", f"{count(report.reserved, 'credit')} by other campaigns"
    if report.missing:
        yield "missing", f"{count(report.missing, 'credit')}: it would wait for a top-up"
    elif report.missing == 0:
        yield "enough", "yes"


def _simulation_rows(found: Simulation) -> Iterator[tuple[str, str]]:
    yield "simulated", f"{count(found.cost, 'credit')} for {found.people:,} people"
    for reason, people in found.left_out.items():
        yield "left out", f"{people:,} {reason}"
    yield "drift", f"{found.drift:+,}" if found.drift else "none: the API counts as we do"
    if found.error:
        yield "error", found.error
    if found.credits is not None:
        yield "balance", count(found.credits, "credit")
