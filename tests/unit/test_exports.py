import importlib
import inspect

import pytest

import dispatcher

PACKAGES = ("dispatcher", "dispatcher.smsfactor")


@pytest.mark.parametrize("name", PACKAGES)
def test_all_is_the_sorted_table_of_contents(name: str) -> None:
    package = importlib.import_module(name)

    public = {
        member
        for member, value in vars(package).items()
        if not member.startswith("_") and not inspect.ismodule(value)
    }
    assert package.__all__ == sorted(package.__all__)
    assert set(package.__all__) == public


@pytest.mark.parametrize("name", dispatcher.__all__)
def test_every_public_name_says_what_it_is(name: str) -> None:
    member = getattr(dispatcher, name)

    assert member.__doc__
    assert not member.__doc__.startswith(f"{name}(")


def test_every_public_method_of_the_dispatcher_says_what_it_does() -> None:
    methods = [
        (name, method)
        for name, method in inspect.getmembers(dispatcher.Dispatcher, callable)
        if not name.startswith("_")
    ]

    assert [name for name, method in methods if not method.__doc__] == []
    assert {name for name, _ in methods} == {
        "approve",
        "campaigns",
        "cancel",
        "cancellation",
        "check",
        "close",
        "contact_lists",
        "credits",
        "events",
        "explain",
        "forget",
        "from_env",
        "from_settings",
        "pace",
        "pause",
        "plan",
        "quote",
        "results",
        "resend",
        "resume",
        "start",
        "status",
        "stop",
        "submit",
        "wait",
    }
