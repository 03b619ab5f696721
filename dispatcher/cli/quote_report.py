"""What `dispatcher quote` has found out, and how it is told to scripts."""

from dataclasses import asdict, dataclass
from typing import Any

from dispatcher.cli.recipients_file import Words
from dispatcher.domain.campaign import BadRows, Campaign
from dispatcher.domain.census import TextSummary
from dispatcher.domain.quotes import CampaignQuote
from dispatcher.domain.replacing import replace_look_alikes
from dispatcher.domain.routes import FEW_TEXTS, Render, render_problem
from dispatcher.domain.template import parse_template


@dataclass(frozen=True, kw_only=True, slots=True)
class QuoteReport:
    """A quote with what is known around it.

    Attributes:
        campaign: what was quoted.
        quote: what was found.
        words: what the file calls its columns.
        saving: credits that look-alikes would save; None when that was not found out.
        reserved: credits of the account that other campaigns have set aside.
    """

    campaign: Campaign
    quote: CampaignQuote
    words: Words
    saving: int | None
    reserved: int

    @property
    def cost(self) -> int:
        """Credits it would cost: the API's word where there is one, else our count."""
        simulation = self.quote.simulation
        if simulation is None or simulation.error:
            return self.quote.estimate
        return simulation.cost

    @property
    def missing(self) -> int | None:
        """Credits that are missing to send it now; None when the balance is not known."""
        simulation = self.quote.simulation
        if simulation is None or simulation.credits is None:
            return None
        return max(0, self.cost + self.reserved - simulation.credits)

    @property
    def is_refused(self) -> bool:
        """Whether `send` would refuse it for its bad rows."""
        return bool(self.quote.bad_rows) and self.campaign.bad_rows is BadRows.REJECT

    @property
    def bad_rows(self) -> dict[str, int]:
        """How many rows are bad, by reason, in the file's own words."""
        found = {}
        for reason, rows in self.quote.bad_rows.items():
            field, colon, message = reason.partition(": ")
            found[self.words.get(field, field) + colon + message] = rows
        return found

    @property
    def why(self) -> str:
        """Why its messages take the way they take, in one sentence."""
        template = parse_template(self.campaign.text)
        if self.campaign.lists and self.quote.list_batches:
            return "The account's lists go out as they are, or by copies without what is missing."
        if template.is_plain:
            return "Everybody gets the same text, so it is sent directly."
        if self.campaign.render is Render.HERE:
            return "You asked to have the fields filled in here."
        if self.campaign.render is Render.LISTS:
            return "You asked for lists; what the API's merge might change is rendered here."
        if problem := render_problem(template, Render.LISTS):
            return f"Lists cannot carry it: {problem.message}."
        return _why_fields(self.quote)


def look_alike(character: str) -> str | None:
    """Give what `--replace-characters` writes for a character; None when it stays."""
    alike = replace_look_alikes(character)
    return None if alike == character else alike


def quote_document(report: QuoteReport) -> dict[str, Any]:
    """Give a report for JSON."""
    quote, text = report.quote, report.quote.text
    return {
        "rows": quote.rows,
        "recipients": quote.recipients,
        "duplicated": quote.duplicated,
        "suppressed": quote.suppressed,
        "bad_rows": report.bad_rows,
        "repaired": {damage.sentence: rows for damage, rows in quote.damages.items()},
        "route": {
            "direct_batches": quote.direct_batches,
            "list_batches": quote.list_batches,
            "why": report.why,
        },
        "segments": {
            "histogram": {str(count): people for count, people in text.histogram.items()},
            "min": text.minimum,
            "median": text.median,
            "max": text.maximum,
        },
        "ucs2": _ucs2(text) | {"saving": report.saving},
        "samples": [
            {"text": each.text, "segments": each.segments, "encoding": each.encoding.label}
            for each in text.samples
        ],
        "estimate": quote.estimate,
        "simulation": asdict(quote.simulation) if quote.simulation else None,
        "reserved_by_others": report.reserved,
        "missing": report.missing,
    }


def _ucs2(text: TextSummary) -> dict[str, Any]:
    return {
        "people": text.ucs2,
        "dearer": text.dearer,
        "characters": [
            {
                "character": each.character,
                "name": each.name,
                "people": each.people,
                "dearer": each.dearer,
                "replaced_by": look_alike(each.character),
            }
            for each in text.forcing
        ],
    }


def _why_fields(quote: CampaignQuote) -> str:
    if not quote.list_batches:
        return f"No more than {FEW_TEXTS} texts differ, or lists would change their values."
    if quote.direct_batches:
        return "Texts differ, so the API merges them; what it might change is rendered here."
    return "Texts differ, so the API merges them from lists: fewer calls than one for each."
