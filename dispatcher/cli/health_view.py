"""How what a process says of itself is told to people, in sentences."""

from collections.abc import Iterator, Mapping

from dispatcher.monitoring.health import OK

_OF_API = "api of "
# What is said while all is well, and how what is wrong begins.
_SENTENCES: Mapping[str, tuple[str, str]] = {
    "work": ("It does its work.", "It does not work"),
    "tasks": ("It takes tasks.", "As for tasks"),
    "redis": ("The Redis that holds campaigns answers.", "The Redis that holds campaigns"),
    "broker": ("The broker answers.", "The broker"),
    "webhooks": ("It can keep what webhooks bring.", "As for webhooks"),
}
_VERDICTS: Mapping[tuple[bool, bool], str] = {
    (False, True): "This process lives: a restart would not help.",
    (False, False): "This process hangs: restart it.",
    (True, True): "This process is ready: it has what it needs.",
    (True, False): "This process is not ready: it lacks what it needs, or is ending.",
}


def health_lines(
    found: Mapping[str, object], *, asked_for_readiness: bool, is_fine: bool
) -> Iterator[str]:
    """Give what to tell: the verdict, then a sentence for each thing that was looked at."""
    yield _VERDICTS[asked_for_readiness, is_fine]
    for subject, says in found.items():
        if subject != "ok":
            yield f"- {_sentence(subject, str(says))}"


def _sentence(subject: str, says: str) -> str:
    if subject.startswith(_OF_API):
        return _of_api(subject.removeprefix(_OF_API), says)
    fine, wrong = _SENTENCES.get(subject, (f"{subject.capitalize()}: all is well.", subject))
    return fine if says == OK else f"{wrong}: {says}."


def _of_api(account: str, says: str) -> str:
    if says == OK:
        return f"The API answered the last call for account {account}."
    return f"The API, at the last call for account {account}: {says}."
