import enum


class Status(enum.IntEnum):
    """The `status` of a reply (annex of the document; -8 is the live dialect's)."""

    OK = 1
    BAD_CREDENTIALS = -1
    BAD_XML = -2
    NOT_ENOUGH_CREDITS = -3
    BAD_DELAY = -4
    BAD_RECIPIENTS = -5
    BAD_JSON = -6
    BAD_DATA = -7
    MODERATED = -8
    OTHER = -99

    @property
    def text(self) -> str:
        """The sentence the annex gives this status."""
        return _ANNEX[self]


_ANNEX = {
    Status.OK: "OK",
    Status.BAD_CREDENTIALS: "Le login et le mot de passe ne correspondent pas",
    Status.BAD_XML: "Erreur XML",
    Status.NOT_ENOUGH_CREDITS: "Le nombre de crédits n\u2019est pas suffisant",
    Status.BAD_DELAY: "La date différée n\u2019est pas correcte",
    Status.BAD_RECIPIENTS: "La liste des destinataires contient une erreur",
    Status.BAD_JSON: "Erreur JSON",
    Status.BAD_DATA: "Erreur de données",
    Status.MODERATED: "En modération",
    Status.OTHER: "Autre erreur",
}


class RefusedError(Exception):
    """A call is refused with an error status, and nothing was changed."""

    def __init__(self, status: Status, details: str, *, http_status: int = 200) -> None:
        super().__init__(status, details)
        self.status = status
        self.details = details
        self.http_status = http_status
