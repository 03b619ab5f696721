import pytest

from dispatcher.cli.health_view import health_lines


@pytest.mark.parametrize(
    ("asked_for_readiness", "is_fine", "verdict"),
    [
        (False, True, "This process lives: a restart would not help."),
        (False, False, "This process hangs: restart it."),
        (True, True, "This process is ready: it has what it needs."),
        (True, False, "This process is not ready: it lacks what it needs, or is ending."),
    ],
)
def test_the_verdict_comes_first(*, asked_for_readiness: bool, is_fine: bool, verdict: str) -> None:
    lines = health_lines({"ok": is_fine}, asked_for_readiness=asked_for_readiness, is_fine=is_fine)

    assert list(lines) == [verdict]


@pytest.mark.parametrize(
    ("subject", "says", "sentence"),
    [
        ("work", "ok", "It does its work."),
        (
            "work",
            "express has waited for 70 s, and nothing was taken",
            "It does not work: express has waited for 70 s, and nothing was taken.",
        ),
        ("tasks", "it takes no tasks", "As for tasks: it takes no tasks."),
        (
            "redis",
            "away: webhooks are kept on disk",
            "The Redis that holds campaigns: away: webhooks are kept on disk.",
        ),
        ("broker", "ok", "The broker answers."),
        ("webhooks", "nothing can be kept", "As for webhooks: nothing can be kept."),
        ("api of shop", "ok", "The API answered the last call for account shop."),
        (
            "api of shop",
            "unreachable, 3 s ago",
            "The API, at the last call for account shop: unreachable, 3 s ago.",
        ),
        ("quokkas", "ok", "Quokkas: all is well."),
    ],
)
def test_each_finding_is_a_sentence(subject: str, says: str, sentence: str) -> None:
    [_, line] = health_lines({"ok": True, subject: says}, asked_for_readiness=True, is_fine=True)

    assert line == f"- {sentence}"
