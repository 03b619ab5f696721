from collections.abc import Mapping
from dataclasses import dataclass

from dispatcher.errors import SettingsError


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """What an account signs its calls with: username and password, or a token.

    They travel in headers only (document, "Authentification"; the token is contract section 2),
    never in a URL or a body, and no repr shows them.

    Raises:
        SettingsError: neither or both forms are given, or a header could not carry them.
    """

    username: str | None = None
    password: str | None = None
    token: str | None = None

    def __post_init__(self) -> None:
        """Refuse what could only fail later, at the first call."""
        pair = self.username is not None and self.password is not None
        half = self.username is not None or self.password is not None
        if pair == (self.token is not None) or half != pair:
            raise SettingsError("credentials: give a username with its password, or a token alone")
        if not all(_fits_a_header(secret) for secret in self.secrets):
            raise SettingsError("credentials: empty, padded with blanks, or not printable")

    def __repr__(self) -> str:
        """Name the form, show nothing of it."""
        return "Credentials(token=***)" if self.token else "Credentials(username=***, password=***)"

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value that may not be shown anywhere."""
        given = (self.username, self.password, self.token)
        return tuple(value for value in given if value is not None)

    def headers(self) -> Mapping[str, bytes]:
        """Give the headers that sign a call; beyond ASCII they are UTF-8."""
        if self.token is not None:
            return {"Authorization": f"Bearer {self.token}".encode()}
        return {
            "sfusername": (self.username or "").encode(),
            "sfpassword": (self.password or "").encode(),
        }


def _fits_a_header(value: str) -> bool:
    return bool(value) and value == value.strip() and value.isprintable()
