import pytest

from dispatcher import smsfactor
from dispatcher.account_settings import AccountSettings
from dispatcher.errors import SettingsError
from dispatcher.settings import Settings
from dispatcher.smsfactor import Contact, Credentials, Deadlines, Destination, NewContact, SmsFactor
from dispatcher.smsfactor.opening import open_client

CREDENTIALS = Credentials(username="user@example.com", password="a-password")


def test_username_and_password_travel_in_the_documented_headers() -> None:
    assert CREDENTIALS.headers() == {
        "sfusername": b"user@example.com",
        "sfpassword": b"a-password",
    }


def test_a_token_travels_as_a_bearer() -> None:
    assert Credentials(token="a-tökén").headers() == {"Authorization": "Bearer a-tökén".encode()}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"username": "u"},
        {"password": "p"},
        {"username": "u", "token": "t"},
        {"username": "u", "password": "p", "token": "t"},
        {"token": ""},
        {"token": " t"},
        {"token": "t\r\nX: y"},
        {"username": "u", "password": "p\x00"},
    ],
)
def test_credentials_no_header_could_carry_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="credentials"):
        Credentials(**given)


@pytest.mark.parametrize(
    "shown",
    [
        repr(CREDENTIALS),
        repr(Credentials(token="a-token")),
        repr(SmsFactor(CREDENTIALS)),
        repr(Destination("33639980001", "m1")),
        repr(NewContact("33639980001", ("Jean", "", "", ""))),
        repr(Contact(id="1", destination="33639980001", infos=("Jean", "", "", ""))),
        repr(SmsFactor(CREDENTIALS)._request("GET", "/credits")),
    ],
    ids=["login", "token", "client", "destination", "new contact", "contact", "request"],
)
def test_no_repr_shows_credentials_numbers_or_names(shown: str) -> None:
    for secret in ("user@example.com", "a-password", "a-token", "33639980001", "Jean"):
        assert secret not in shown


@pytest.mark.parametrize(
    "url",
    [
        "https://api.smsfactor.com",
        "https://api.example.com:8443/prefix/",
        "http://localhost:8000",
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
    ],
)
def test_https_and_this_machine_are_allowed(url: str) -> None:
    SmsFactor(CREDENTIALS, base_url=url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.smsfactor.com",
        "ftp://api.example.com",
        "https://",
        "https://user:pass@api.example.com",
        "https://api.example.com/?a=b",
        "https://api.example.com/#a",
        "https://api.example.com:port",
        "https://[::1",
    ],
)
def test_what_is_not_a_plain_url_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="base_url"):
        SmsFactor(CREDENTIALS, base_url=url, allow_plain_http=True)


def test_plain_http_to_another_machine_must_be_asked_for() -> None:
    with pytest.raises(SettingsError, match="base_url: http would show the credentials"):
        SmsFactor(CREDENTIALS, base_url="http://sandbox:8000")

    SmsFactor(CREDENTIALS, base_url="http://sandbox:8000", allow_plain_http=True)


@pytest.mark.parametrize("bad", [{"connect": 0}, {"total": -1}, {"listing": 0}])
def test_deadlines_must_leave_some_time(bad: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match="deadlines"):
        Deadlines(**bad)


def test_the_table_of_contents_is_sorted_and_whole() -> None:
    assert smsfactor.__all__ == sorted(smsfactor.__all__)
    assert all(getattr(smsfactor, name).__doc__ for name in smsfactor.__all__)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("api.smsfactor.com", "DISPATCHER_API_URL: must be https://host"),
        ("http://sandbox:8000", "use https, or set DISPATCHER_ALLOW_PLAIN_HTTP=true"),
    ],
)
def test_an_address_that_cannot_be_used_is_told_of_its_variable(url: str, says: str) -> None:
    account = AccountSettings.model_validate({"token": "a-token-of-tests"})
    settings = Settings.model_construct(api_url=url, accounts={"default": account})

    with pytest.raises(SettingsError) as caught:
        open_client(settings, "default")

    assert says in str(caught.value)
    assert "base_url" not in str(caught.value)
