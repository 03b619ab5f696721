"""What every way of sending is given: the same text, to numbers made the same way."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dispatcher.domain.sequence import gsmsmsids
from dispatcher.smsfactor import Wire
from dispatcher.smsfactor.bodies import Gsm, Gsms, MessageBody, SendBody
from tests.support.people import generated

TEXT = "Bonjour, votre colis vous attend au point relais."
CREDITS = 1
"""What one message with `TEXT` costs."""

HEADERS: Mapping[str, str] = {
    "sfusername": "sandbox@example.com",
    "sfpassword": "sandbox",
    "Accept": Wire.JSON.value,
    "Content-Type": Wire.JSON.value,
}

_SEED = 20
_ANY_KEY = bytes(16)


@dataclass(frozen=True, kw_only=True, slots=True)
class Workload:
    """So many recipients, posted in batches of so many."""

    recipients: int
    batch_size: int = 1000

    @property
    def batches(self) -> int:
        return -(-self.recipients // self.batch_size)

    def numbers(self) -> Iterator[str]:
        return generated(self.recipients, _SEED)

    def simulate_bodies(self) -> list[bytes]:
        """Build what `POST /send/simulate` is given, a body per batch, as our client does."""
        return [body_of([Gsm(number) for number in batch]) for batch in self._batches()]

    def send_bodies(self) -> list[bytes]:
        """Build what `POST /send` is given: with the ids that receipts bring back."""
        bodies = []
        for place, batch in enumerate(self._batches()):
            ids = gsmsmsids(_ANY_KEY, place * self.batch_size, list(map(int, batch)))
            bodies.append(body_of(list(map(Gsm, batch, ids))))
        return bodies

    def _batches(self) -> Iterator[list[str]]:
        numbers = self.numbers()
        while batch := list(itertools.islice(numbers, self.batch_size)):
            yield batch


def body_of(recipients: list[Gsm]) -> bytes:
    """Write the body of one POST with our client's own structures."""
    message = MessageBody(text=TEXT, pushtype="alert")
    return Wire.JSON.encode("sms", SendBody(message, Gsms(recipients)))
