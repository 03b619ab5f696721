from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

from dispatcher.cli.api.advice import advice_for
from dispatcher.cli.main import app
from dispatcher.errors import (
    ApiError,
    ApiUnreachableError,
    CredentialsRefusedError,
    NotEnoughCreditsError,
    OutcomeUnknownError,
    RequestRefusedError,
    SettingsError,
)
from dispatcher.smsfactor.transport import ApiReply, ApiRequest, Transport

HOLDER = (
    *("--email", "ada@example.com", "--firstname", "Ada", "--lastname", "Martin"),
    *("--city", "Lyon", "--phone", "0639980001", "--address", "1 rue Haute", "--zip", "69001"),
)
CHANGES = [
    ("account", "create", *HOLDER),
    ("account", "create-sub", *HOLDER),
    ("cancel", "203"),
    ("list", "create", "-"),
    ("list", "add", "25", "-"),
    ("list", "deduplicate", "25"),
    ("contact", "delete", "7"),
]
LIVE_READS = [("campaigns",), ("campaign", "203"), ("webhook", "list")]
LIVE_CHANGES = [
    ("list", "delete", "25"),
    ("blacklist", "add", "+33639980001"),
    ("blacklist", "remove", "7"),
    ("webhook", "create", "DLR", "https://hooks.example.com/dlr"),
    ("webhook", "delete", "12"),
]


def commands(command: Any, *path: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - typer's click
    parts = getattr(command, "commands", {})
    if not parts or getattr(command, "invoke_without_command", False):
        yield " ".join(path), command
    for name, part in parts.items():
        yield from commands(part, *path, name)


COMMANDS = dict(commands(get_command(app).commands["api"], "api"))  # type: ignore[attr-defined]  # it is a group


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[ApiRequest]:
    """The requests that would have gone out; each is answered with OK, and what was asked for."""
    return answer(
        monkeypatch, b'{"status":1,"message":"OK","credits":"2420","id":"9","contacts":1}'
    )


def answer(monkeypatch: pytest.MonkeyPatch, body: bytes) -> list[ApiRequest]:
    made: list[ApiRequest] = []

    def reply(_: Transport, request: ApiRequest, **__: object) -> ApiReply:
        made.append(request)
        return ApiReply(http_status=200, body=body)

    monkeypatch.setattr(Transport, "read", reply)
    monkeypatch.setattr(Transport, "change", reply)
    return made


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCHER_ACCOUNTS__DEFAULT__USERNAME", "shop@example.com")
    monkeypatch.setenv("DISPATCHER_ACCOUNTS__DEFAULT__PASSWORD", "a-password")
    monkeypatch.setenv("DISPATCHER_ACCOUNTS__OTHER__TOKEN", "a-token")


def run(*arguments: str, given: str = "+33639980001\n") -> Result:
    return CliRunner().invoke(app, ["api", *arguments], input=given, env={"COLUMNS": "80"})


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_and_the_options_all_share(name: str) -> None:
    shown = CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": "80"}).output

    assert f"Example: dispatcher {name}" in " ".join(shown.split())
    for option in ("--account", "--wire", "--dialect", "--json"):
        assert option in shown


def test_the_list_of_commands_is_told_whole() -> None:
    assert len(COMMANDS) >= 22
    for group in ("", "list", "contact", "account", "blacklist", "webhook"):
        shown = (
            CliRunner().invoke(app, ["api", *group.split(), "--help"], env={"COLUMNS": "80"}).output
        )
        assert "..." not in shown.split("Commands:")[1]


def test_no_secret_can_be_given_as_an_argument() -> None:
    taking_a_value = {
        option
        for command in COMMANDS.values()
        for parameter in command.params
        for option in parameter.opts
        if not getattr(parameter, "is_flag", False)
    }

    assert "--email" in taking_a_value
    assert {"--password", "--token", "--signature", "--signed"} & taking_a_value == set()


@pytest.mark.parametrize(
    "arguments",
    [*CHANGES, *((*each, "--dialect", "live") for each in LIVE_CHANGES)],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_what_changes_something_is_not_done_unasked(
    requests: list[ApiRequest], arguments: tuple[str, ...]
) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert "add --yes" in result.output
    assert requests == []


@pytest.mark.parametrize(
    "arguments",
    [*CHANGES[2:], *((*each, "--dialect", "live") for each in LIVE_CHANGES)],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_with_yes_it_is_done(requests: list[ApiRequest], arguments: tuple[str, ...]) -> None:
    run(*arguments, "--yes")

    (request,) = requests
    assert request.method in ("POST", "PUT", "DELETE")


@pytest.mark.parametrize("arguments", [*LIVE_READS, *LIVE_CHANGES], ids=" ".join)
def test_what_only_the_live_dialect_has_says_so(
    requests: list[ApiRequest], arguments: tuple[str, ...]
) -> None:
    result = run(*arguments)

    assert isinstance(result.exception, SettingsError)
    assert "add --dialect live" in str(result.exception)
    assert requests == []


def test_the_wire_and_the_dialect_may_be_others_than_the_settings_say(
    requests: list[ApiRequest],
) -> None:
    arguments = ("simulate", "--to", "0639980001", "--text", "Bonjour", "--pushtype", "advertising")

    run(*arguments)
    run(*arguments, "--wire", "xml", "--dialect", "live")

    first, second = [request.body or b"" for request in requests]
    assert b'"value":"33639980001"' in first
    assert b'"pushtype":"advertising"' in first
    assert b"<pushtype>marketing</pushtype>" in second


def test_the_account_may_be_named(requests: list[ApiRequest]) -> None:
    run("credits", "--account", "other")

    assert requests[0].headers["Authorization"] == b"Bearer a-token"


def test_results_are_for_people_or_with_json_for_scripts(requests: list[ApiRequest]) -> None:
    assert run("credits").output == "2,420 credits\n"
    assert run("credits", "--json").output == '{"credits":2420}\n'
    assert len(requests) == 2


def test_a_password_comes_by_standard_input_and_is_not_shown(requests: list[ApiRequest]) -> None:
    result = run("account", "create", *HOLDER, "--yes", given="an-unseen-password\n")

    assert result.exit_code == 0
    assert b'"password":"an-unseen-password"' in (requests[0].body or b"")
    assert "an-unseen-password" not in result.output


def test_an_account_without_a_password_is_not_created(requests: list[ApiRequest]) -> None:
    result = run("account", "create", *HOLDER, "--yes", given="")

    assert result.exit_code == 2
    assert "give it as a line of standard input" in " ".join(result.output.split())
    assert requests == []


def test_a_sub_account_may_spend_its_parents_credits(requests: list[ApiRequest]) -> None:
    run("account", "create-sub", "--unlimited", *HOLDER, "--yes", given="secret\n")

    body = requests[0].body or b""
    assert b'"isChild":1' in body
    assert b'"unlimited":1' in body


def test_a_refusal_ends_with_its_words_what_to_do_and_the_apis_exit_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer(monkeypatch, b'{"status":-5,"message":"Erreur liste","details":"Liste inconnue"}')

    result = run("list", "show", "25")

    assert result.exit_code == 6
    assert result.stderr.splitlines() == [
        "error: status -5: Erreur liste (Liste inconnue)",
        "Nothing was done. Mend what the API names, an unknown id for instance.",
    ]


def test_numbers_that_are_none_are_all_named(requests: list[ApiRequest]) -> None:
    result = run("simulate", "--to", "12", "--to", "0639980001", "--to", "x", "--text", "Bonjour")

    assert result.exit_code == 3
    assert "2 problems" in result.stderr
    assert requests == []


@pytest.mark.parametrize(
    ("error", "changes", "advice"),
    [
        (CredentialsRefusedError(-1, "no"), True, "dispatcher doctor"),
        (NotEnoughCreditsError(-3, "no"), True, "Top the account up"),
        (RequestRefusedError(-7, "no"), True, "Nothing was done."),
        (ApiUnreachableError("no"), True, "Check DISPATCHER_API_URL"),
        (OutcomeUnknownError("no"), True, "It may have been done"),
        (OutcomeUnknownError("no"), False, "Try again later"),
        (ApiError("no"), False, "Nothing was done."),
    ],
)
def test_every_error_of_the_api_comes_with_what_to_do(
    error: ApiError, *, changes: bool, advice: str
) -> None:
    assert advice in advice_for(error, changes=changes)


def test_a_long_table_goes_out_in_steps_into_one_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    requests = answer(monkeypatch, b'{"status":1,"message":"OK","id":"9","contacts":2,"invalid":1}')
    monkeypatch.setenv("DISPATCHER_BATCH_SIZE", "2")
    rows = "".join(f"+3363998000{place}\n" for place in range(1, 6))

    result = run("list", "create", "-", "--yes", "--json", given=rows)

    assert result.output == '{"id":"9","contacts":6,"other":{"invalid":3}}\n'
    assert [b'"listId":"9"' in (request.body or b"") for request in requests] == [
        False,
        True,
        True,
    ]


def test_a_list_that_was_half_filled_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCHER_BATCH_SIZE", "1")
    bodies = [b'{"status":1,"message":"OK","id":"9","contacts":1}', b"garbage"]

    def reply(_: Transport, __: ApiRequest) -> ApiReply:
        return ApiReply(http_status=200, body=bodies.pop(0))

    monkeypatch.setattr(Transport, "change", reply)
    result = run("list", "create", "-", "--yes", given="+33639980001\n+33639980002\n")

    assert result.exit_code == 6
    assert "list 9 has got the first 1 contact\n" in result.stderr
    assert "It may have been done" in result.stderr
