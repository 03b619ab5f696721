import inspect
import re

import pytest

from dispatcher import errors
from dispatcher.errors import (
    ApiError,
    ApiRefusedError,
    ApiUnreachableError,
    ConflictError,
    CredentialsRefusedError,
    DispatcherError,
    Disposition,
    InputError,
    NotEnoughCreditsError,
    OutcomeUnknownError,
    Problem,
    RequestRefusedError,
    SettingsError,
    StateError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
    StoreUnsafeError,
    UnknownCampaignError,
    WaitTimeoutError,
)

CLASSES = [
    member
    for member in vars(errors).values()
    if inspect.isclass(member) and issubclass(member, Exception)
]
RETRY, GIVE_UP, UNKNOWN = Disposition.RETRY, Disposition.GIVE_UP, Disposition.UNKNOWN


def drawn() -> list[tuple[int, str]]:
    """Read the drawing of the module's docstring: depth and name, from the top."""
    lines = (errors.__doc__ or "").splitlines()
    return [
        (line.index(name), name) for line in lines for name in re.findall(r"\b\w+Error\b", line)
    ]


def test_the_drawing_shows_every_class_and_no_other() -> None:
    assert sorted(name for _, name in drawn()) == sorted(kind.__name__ for kind in CLASSES)


def test_the_drawing_shows_who_descends_from_whom() -> None:
    parents: list[tuple[int, str]] = []
    for depth, name in drawn():
        while parents and parents[-1][0] >= depth:
            parents.pop()
        kind = getattr(errors, name)
        assert kind.__base__ is (getattr(errors, parents[-1][1]) if parents else Exception)
        parents.append((depth, name))


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_says_what_it_means(kind: type[Exception]) -> None:
    assert issubclass(kind, DispatcherError)
    assert kind.__dict__["__doc__"].endswith((".", "\n    "))


@pytest.mark.parametrize(
    ("kind", "disposition"),
    [
        (SettingsError, GIVE_UP),
        (InputError, GIVE_UP),
        (ConflictError, GIVE_UP),
        (UnknownCampaignError, GIVE_UP),
        (StateError, GIVE_UP),
        (WaitTimeoutError, RETRY),
        (StoreError, GIVE_UP),
        (StoreUnavailableError, RETRY),
        (StoreFullError, RETRY),
        (StoreUnsafeError, GIVE_UP),
        (ApiError, GIVE_UP),
        (ApiUnreachableError, RETRY),
        (ApiRefusedError, GIVE_UP),
        (CredentialsRefusedError, GIVE_UP),
        (NotEnoughCreditsError, RETRY),
        (RequestRefusedError, GIVE_UP),
        (OutcomeUnknownError, UNKNOWN),
    ],
)
def test_every_class_says_what_may_be_done(
    kind: type[DispatcherError], disposition: Disposition
) -> None:
    assert kind.disposition is disposition


def test_only_a_lost_outcome_is_unknown() -> None:
    unknown = [kind for kind in CLASSES if vars(kind).get("disposition") is UNKNOWN]

    assert unknown == [OutcomeUnknownError]


def test_a_problem_names_row_field_and_fix() -> None:
    problem = Problem(field="number", row=3, message="it is too short", fix="add digits")

    assert str(problem) == "row 3, number: it is too short (add digits)"


def test_a_problem_of_no_row_names_the_field() -> None:
    assert str(Problem(field="text", message="it is empty", fix="write it")) == (
        "text: it is empty (write it)"
    )


def test_an_input_error_shows_the_first_ten_problems_and_counts_the_others() -> None:
    problems = [Problem(field="number", row=n, message="bad", fix="mend") for n in range(1, 13)]

    error = InputError(problems, total=500)

    assert error.total == 500
    assert len(error.problems) == 12
    assert "row 10, number" in str(error)
    assert "row 11" not in str(error)
    assert str(error).endswith("and 490 more")


def test_an_input_error_counts_its_problems_itself() -> None:
    error = InputError([Problem(field="text", message="it is empty", fix="write it")])

    assert (error.total, str(error)) == (1, "text: it is empty (write it)")


def test_a_refusal_tells_the_status_and_the_api_s_words() -> None:
    error = RequestRefusedError(-5, "Erreur de destinataires", "1 invalide")

    assert (error.status, error.api_message, error.details) == (
        -5,
        "Erreur de destinataires",
        "1 invalide",
    )
    assert str(error) == "status -5: Erreur de destinataires (1 invalide)"
    assert str(RequestRefusedError(-2, "XML")) == "status -2: XML"
