import enum
from dataclasses import dataclass


class PushType(enum.Enum):
    """Kind of sending the API distinguishes (document, POST /send, `pushtype`)."""

    ALERT = "alert"
    """A message the recipient expects: allowed at any hour."""

    ADVERTISING = "advertising"
    """Marketing: gets a STOP mention, and may go out in daytime on working days only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What one campaign says.

    Attributes:
        text: the content of the SMS.
        sender: up to 11 alphanumerics shown as the sender; None lets the API choose.
        pushtype: alert or advertising.
        links: URLs put, in order, where the text has `<-short->` tags.
    """

    text: str
    sender: str | None = None
    pushtype: PushType = PushType.ALERT
    links: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Keep the text out of logs and tracebacks."""
        return f"Message(<{len(self.text)} characters>, pushtype={self.pushtype.value})"
