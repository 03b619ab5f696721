from collections.abc import Sequence
from datetime import datetime

import msgspec

from dispatcher.domain.message import Message, PushType
from dispatcher.smsfactor.bodies import Gsm, Gsms, ListRef, MessageBody, SendBody, SendListsBody
from dispatcher.smsfactor.caller import Caller, in_path, needed_text
from dispatcher.smsfactor.exchange import Observer
from dispatcher.smsfactor.fields import integer, text
from dispatcher.smsfactor.refusals import settle, settle_send
from dispatcher.smsfactor.replies import CancelReply, SendReply


class Destination(Gsm, frozen=True, gc=False):
    """Where one message goes; its repr shows no number.

    Attributes:
        value: the international number, digits without `+`.
        gsmsmsid: an id of ours, which the receipt brings back as `message_id`.
    """

    def __repr__(self) -> str:
        """Keep the number out of logs and tracebacks."""
        return f"Destination(gsmsmsid={self.gsmsmsid!r})"


class Sending(Caller):
    """The routes under `/send`, and the short link's tag."""

    def send(
        self,
        message: Message,
        to: Sequence[Destination],
        *,
        delay: datetime | None = None,
        observe: Observer | None = None,
    ) -> SendReply:
        """Send a message by exactly one POST (document, POST /send).

        Args:
            message: what to say.
            to: the recipients of this one campaign.
            delay: when to send, timezone-aware; None sends now.
            observe: told of each milestone when it is reached. What it raises at `CONNECTED`
                calls the POST off; later it must not raise.

        Raises:
            ApiUnreachableError: no connection was made, so nothing was sent.
            CalledOffError: `observe` called it off, so nothing was sent.
            ApiRefusedError: the API documents that nothing was sent.
            OutcomeUnknownError: anything else once connected; never repeat it unproved.
            InputError: `delay` is naive, or a text cannot be written in the wire's format.
        """
        body = self._to_destinations(message, to, delay)
        return self._send("/send", body, private=message.text, observe=observe)

    def simulate(
        self, message: Message, to: Sequence[Destination], *, delay: datetime | None = None
    ) -> SendReply:
        """Ask what a send would cost; sends, stores and debits nothing (POST /send/simulate)."""
        body = self._to_destinations(message, to, delay)
        return self._simulate("/send/simulate", body, private=message.text)

    def send_lists(
        self,
        message: Message,
        lists: Sequence[str],
        *,
        delay: datetime | None = None,
        observe: Observer | None = None,
    ) -> SendReply:
        """Send to lists of contacts by one POST (document, POST /send/lists).

        `[info1]` to `[info4]` in the text are replaced for each contact. Raises as `send`.
        """
        body = self._to_lists(message, lists, delay)
        return self._send("/send/lists", body, private=message.text, observe=observe)

    def simulate_lists(
        self, message: Message, lists: Sequence[str], *, delay: datetime | None = None
    ) -> SendReply:
        """Ask what a send to lists would cost (document, POST /send/lists/simulate)."""
        body = self._to_lists(message, lists, delay)
        return self._simulate("/send/lists/simulate", body, private=message.text)

    def cancel(self, ticket: str) -> CancelReply:
        """Cancel a scheduled campaign that has not begun (document, DELETE /send/:id).

        Raises:
            RequestRefusedError: status -5: unknown, begun, or cancelled already.
        """
        return CancelReply.read(self._change("DELETE", f"/send/{in_path('ticket', ticket)}").fields)

    def link_tag(self, pushtype: PushType) -> str:
        """Give the tag as long as a short link will be (GET /link/short/:pushtype/tag)."""
        return needed_text(self._read(f"/link/short/{pushtype.value}/tag"), "tag")

    def _send(
        self, path: str, body: msgspec.Struct, *, private: str, observe: Observer | None
    ) -> SendReply:
        request = self._request("POST", path, ("sms", body))
        with self._watched(request) as timing:
            reply = self._transport.change(request, observe=timing.leaving_out(observe))
            fields, ticket = settle_send(reply, private=(*self._credentials.secrets, private))
        return SendReply.read(fields, ticket)

    def _simulate(self, path: str, body: msgspec.Struct, *, private: str) -> SendReply:
        request = self._request("POST", path, ("sms", body))
        with self._watched(request):
            reply = self._transport.read(request)
            reading = settle(reply, private=(*self._credentials.secrets, private))
        return SendReply.read(reading.fields, text(reading.fields.get("ticket")) or None)

    def _to_destinations(
        self, message: Message, to: Sequence[Destination], delay: datetime | None
    ) -> SendBody:
        return SendBody(self._message(message, delay), Gsms(list(to)))

    def _to_lists(
        self, message: Message, lists: Sequence[str], delay: datetime | None
    ) -> SendListsBody:
        references = [ListRef(_list_id(value)) for value in lists]
        return SendListsBody(self._message(message, delay), references)

    def _message(self, message: Message, delay: datetime | None) -> MessageBody:
        """An absent delay is left out: an empty one would be an immediate send unasked for."""
        return MessageBody(
            text=message.text,
            pushtype=self._dialect.pushtype(message.pushtype),
            delay=None if delay is None else self._dialect.delay(delay),
            sender=message.sender or None,
            links=message.links,
        )


def _list_id(value: str) -> int | str:
    """Write a numeric id as a number, as the document does here; live ids are not numeric."""
    number = integer(value)
    return number if number is not None and str(number) == value else value
