import pytest

from tests.support.sandbox import HEADERS, JSON, Sandbox, sms

ACCOUNT = {"email": "jean@example.com", "password": "test987654", "firstname": "Jean"}
JEAN = {"sfusername": "jean@example.com", "sfpassword": "test987654", **JSON}


def test_the_balance_is_a_text_in_json(sandbox: Sandbox) -> None:
    answer = sandbox.call("GET", "/credits")

    assert answer.body == b'{"status":1,"message":"OK","credits":"1000"}'


@pytest.mark.parametrize(
    "headers",
    [
        HEADERS,
        {"Authorization": "Bearer sandbox-token"},
        {"authorization": "bearer sandbox-token"},
    ],
)
def test_headers_can_say_who_calls(sandbox: Sandbox, headers: dict[str, str]) -> None:
    assert sandbox.call("GET", "/credits", headers={**headers, **JSON}).json["status"] == 1


@pytest.mark.parametrize(
    "query", ["username=sandbox@example.com&password=sandbox", "token=sandbox-token"]
)
def test_the_query_can_say_who_calls(sandbox: Sandbox, query: str) -> None:
    path = f"/send?{query}&text=Bonjour&to=33639980001"

    assert sandbox.call("GET", path, headers=JSON).json["ticket"] == "1001"


@pytest.mark.parametrize("key", ["authentication", "authentification"])
@pytest.mark.parametrize(
    "credentials",
    [{"username": "sandbox@example.com", "password": "sandbox"}, {"token": "sandbox-token"}],
)
def test_the_body_can_say_who_calls(
    sandbox: Sandbox, key: str, credentials: dict[str, str]
) -> None:
    body = sms("33639980001")
    root = body["sms"]
    assert isinstance(root, dict)
    root[key] = credentials

    assert sandbox.call("POST", "/send", body, headers=JSON).json["ticket"] == "1001"
    listing = {"list": {key: credentials, "contacts": {"gsm": [{"value": "33639980001"}]}}}
    assert sandbox.call("POST", "/list", listing, headers=JSON).json["contacts"] == 1


@pytest.mark.parametrize(
    ("headers", "details"),
    [
        ({}, "Utilisateur ou mot de passe incorrect"),
        ({"sfusername": "sandbox@example.com"}, "Utilisateur ou mot de passe incorrect"),
        ({**HEADERS, "sfpassword": "wrong"}, "Utilisateur ou mot de passe incorrect"),
        ({"Authorization": "Bearer wrong"}, "Token invalide"),
    ],
)
def test_a_stranger_is_refused_before_anything_is_read(
    sandbox: Sandbox, headers: dict[str, str], details: str
) -> None:
    answer = sandbox.call("POST", "/send", "{not even json", headers={**headers, **JSON})

    assert (answer.status, answer.json) == (
        200,
        {
            "status": -1,
            "message": "Le login et le mot de passe ne correspondent pas",
            "details": details,
        },
    )


def test_an_account_can_be_created_and_used(sandbox: Sandbox) -> None:
    answer = sandbox.call("POST", "/account", {"account": ACCOUNT})

    assert answer.json == {"status": 1, "message": "OK", "id": "2"}
    assert sandbox.call("GET", "/credits", headers=JEAN).json["credits"] == "0"
    sandbox.control("POST", "credits", {"account": "jean@example.com", "add": 5})
    sent = sandbox.call("POST", "/send", sms("33639980001"), headers=JEAN).json
    assert (sent["credits"], sandbox.credits) == (4, 1000)


@pytest.mark.parametrize(("unlimited", "balance"), [("1", "1000"), (1, "1000"), (0, "0")])
def test_an_unlimited_sub_account_spends_its_parents_credits(
    sandbox: Sandbox, unlimited: object, balance: str
) -> None:
    child = {**ACCOUNT, "isChild": "1", "unlimited": unlimited}

    sandbox.call("POST", "/account", {"account": child})

    assert sandbox.call("GET", "/credits", headers=JEAN).json["credits"] == balance


@pytest.mark.parametrize(
    "account", [{}, {"email": "a@example.com"}, {**ACCOUNT, "email": "sandbox@example.com"}]
)
def test_an_account_needs_a_new_name_and_a_password(
    sandbox: Sandbox, account: dict[str, str]
) -> None:
    assert sandbox.call("POST", "/account", {"account": account}).json["status"] == -7


def test_accounts_do_not_see_each_others_things(sandbox: Sandbox) -> None:
    sandbox.call("POST", "/account", {"account": ACCOUNT})
    listing = {"list": {"contacts": {"gsm": [{"value": "33639980001"}]}}}
    list_id = sandbox.call("POST", "/list", listing).json["id"]
    ticket = sandbox.send("33639980001", delay="2099-01-01T00:00:00Z").json["ticket"]

    answers = [
        sandbox.call("GET", f"/list/{list_id}", headers=JEAN),
        sandbox.call("DELETE", f"/send/{ticket}", headers=JEAN),
    ]

    assert [answer.json["status"] for answer in answers] == [-5, -5]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_credentials_beyond_ascii_are_read_in_either_encoding(
    sandbox: Sandbox, encoding: str
) -> None:
    account = {"email": "e@example.com", "password": "pw<&é", "firstname": "E", "lastname": "E"}
    sandbox.call("POST", "/account", {"account": account})
    headers = {
        "sfusername": "e@example.com",
        "sfpassword": "pw<&é".encode(encoding).decode("latin-1"),
    }

    answer = sandbox.call("GET", "/credits", headers=headers | {"Accept": "application/json"})

    assert answer.json["status"] == 1
