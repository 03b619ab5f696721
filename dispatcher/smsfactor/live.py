import enum
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from dispatcher.errors import InputError, OutcomeUnknownError, Problem, RequestRefusedError
from dispatcher.smsfactor.bodies import BlacklistBody, WebhookBody
from dispatcher.smsfactor.caller import Caller, in_path, needed_rows
from dispatcher.smsfactor.dialect import Dialect, paris_wall_clock
from dispatcher.smsfactor.fields import integer, rows
from dispatcher.smsfactor.lists import NewContact, contact_gsms
from dispatcher.smsfactor.refusals import OTHER_ERROR, settle
from dispatcher.smsfactor.replies import CampaignPage, CampaignRecord, Webhook
from dispatcher.smsfactor.wire import read_body

PAGE_LENGTH = 1000
"""The most campaigns one page holds."""

_NO_SUCH_ROUTE = (404, 405)


class WebhookType(enum.Enum):
    """The events a webhook can be told of."""

    RECEIPT = "DLR"
    REPLY = "MO"
    STOP = "STOP"
    CLICK = "CLICKER"
    BALANCE = "BALANCE_ALERT"


class Live(Caller):
    """The routes only the vendor's later documentation has (contract section 9).

    An account that follows the document alone refuses them.
    """

    def campaigns(
        self,
        *,
        start: int = 0,
        length: int = PAGE_LENGTH,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> CampaignPage:
        """Give one page of the account's campaigns (GET /campaigns).

        The route could also filter by number and text; it is not asked to, for URLs are logged.

        Raises:
            InputError: `length` is more than a page holds, or a date is naive.
        """
        if not 0 < length <= PAGE_LENGTH:
            raise InputError([_PAGE_TOO_LONG])
        query: dict[str, object] = {"start": start, "length": length}
        if since is not None:
            query["date_start"] = paris_wall_clock(since, field="since")
        if until is not None:
            query["date_end"] = paris_wall_clock(until, field="until")
        reading = self._read(f"/campaigns?{urlencode(query)}", listing=True)
        return CampaignPage(
            campaigns=[CampaignRecord.read(row) for row in needed_rows(reading, "campaigns")],
            total=integer(reading.fields.get("totalRecords")),
            displayed=integer(reading.fields.get("totalDisplayRecords")),
        )

    def campaign(self, ticket: str) -> CampaignRecord:
        """Give what the API knows of one campaign (GET /campaign/:id)."""
        found = needed_rows(self._read(f"/campaign/{in_path('ticket', ticket)}"), "campaign")
        if not found:
            raise OutcomeUnknownError("the reply holds no campaign")
        return CampaignRecord.read(found[0])

    def spoken_dialect(self) -> Dialect:
        """Find out which dialect the account speaks: only the live one has GET /campaigns.

        Raises:
            OutcomeUnknownError: the answer tells neither, such as that of a failing server.
        """
        reply = self._transport.read(self._request("GET", "/campaigns?length=1", listing=True))
        try:
            settle(reply, private=self._credentials.secrets)
        except RequestRefusedError:
            return Dialect.V1
        except OutcomeUnknownError:
            status = integer(read_body(reply.body).fields.get("status"))
            if reply.http_status in _NO_SUCH_ROUTE or status == OTHER_ERROR:
                return Dialect.V1
            raise
        return Dialect.LIVE

    def webhooks(self) -> list[Webhook]:
        """Give the account's webhooks (GET /webhook)."""
        return [Webhook.read(row) for row in needed_rows(self._read("/webhook"), "webhooks")]

    def create_webhook(
        self, kind: WebhookType, url: str, *, signature: str | None = None
    ) -> Webhook:
        """Have events of a kind posted to a URL, with `signature` in a header (POST /webhook)."""
        body = WebhookBody(type=kind.value, url=url, signature=signature)
        reading = self._change(
            "POST", "/webhook", ("webhook", body), private=(signature,) if signature else ()
        )
        created = rows(reading.fields.get("webhook"))
        return Webhook.read(created[0] if created else {**reading.fields, "url": url})

    def delete_webhook(self, webhook_id: str) -> None:
        """Remove a webhook (DELETE /webhook/:id)."""
        self._change("DELETE", f"/webhook/{in_path('webhook_id', webhook_id)}")

    def add_to_blacklist(self, contacts: Sequence[NewContact]) -> int | None:
        """Never write to these again; give how many are new, if it says (POST /blacklist)."""
        body = BlacklistBody(contact_gsms(contacts))
        reading = self._change("POST", "/blacklist", ("blacklist", body))
        return integer(reading.fields.get("added_contacts"))

    def remove_from_blacklist(self, contact_id: str) -> None:
        """Allow a contact again, by its own id (DELETE /blacklist/contact/:id)."""
        self._change("DELETE", f"/blacklist/contact/{in_path('contact_id', contact_id)}")

    def delete_list(self, list_id: str) -> None:
        """Delete a list and its contacts (DELETE /list/:id)."""
        self._change("DELETE", f"/list/{in_path('list_id', list_id)}")


_PAGE_TOO_LONG = Problem(
    field="length", message="is not a page's length", fix=f"ask for 1 to {PAGE_LENGTH}"
)
