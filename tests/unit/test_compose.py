import itertools
import re
from typing import Any

import pytest

from dispatcher.queueing import QueueName
from dispatcher.settings import Settings
from tests.support.deployment import (
    EXAMPLE,
    ROOT,
    compose,
    consumed_queues,
    containers,
    examples,
    variables,
)

SERVICES: dict[str, dict[str, Any]] = compose()["services"]
STANDING = [name for name in SERVICES if name != "cli"]
OPTIONAL = {"sandbox": "sandbox", "prometheus": "monitoring", "grafana": "monitoring", "cli": "cli"}
# What a SIGTERM waits for at most, beyond the longest POST; see `workers.app`.
MARGIN = 10


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_confined(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"[1-9]\d*:\d+", service["user"])
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert service["logging"]["options"]["max-size"]
    assert "privileged" not in service


@pytest.mark.parametrize("name", STANDING)
def test_every_service_is_watched_and_comes_back(name: str) -> None:
    service = SERVICES[name]

    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert service["healthcheck"]["retries"] >= 3


def test_only_what_may_be_missing_waits_for_a_profile() -> None:
    assert {
        name: service["profiles"][0] for name, service in SERVICES.items() if "profiles" in service
    } == OPTIONAL


@pytest.mark.parametrize("name", STANDING)
def test_a_stop_waits_for_a_post_under_way(name: str) -> None:
    grace = int(SERVICES[name]["stop_grace_period"].removesuffix("s"))

    assert grace > Settings().http_deadline + MARGIN


def test_every_queue_is_consumed_once() -> None:
    commands = (service.get("command", []) for service in SERVICES.values())

    assert sorted(consumed_queues(commands)) == sorted(queue.value for queue in QueueName)


@pytest.mark.skipif(not (ROOT / "deploy" / "kubernetes").is_dir(), reason="no manifests yet")
def test_every_queue_is_consumed_once_in_kubernetes() -> None:
    commands = (
        [*container.get("command", []), *container.get("args", [])] for container in containers()
    )

    assert sorted(consumed_queues(commands)) == sorted(queue.value for queue in QueueName)


def test_the_ledger_keeps_everything_and_evicts_nothing() -> None:
    ledger = (ROOT / "deploy" / "redis.conf").read_text().splitlines()
    broker = (ROOT / "deploy" / "broker.conf").read_text().splitlines()

    assert {"appendonly yes", "appendfsync always", "maxmemory-policy noeviction"} <= {*ledger}
    assert {"appendonly yes", "maxmemory-policy noeviction"} <= {*broker}
    assert "/run/config/redis.conf" in SERVICES["state"]["command"]
    assert "/run/config/broker.conf" in SERVICES["broker"]["command"]


@pytest.mark.parametrize("name", ["state", "broker"])
def test_a_server_has_room_for_what_it_may_hold(name: str) -> None:
    conf = "redis.conf" if name == "state" else "broker.conf"
    configured = re.search(r"^maxmemory (\S+)$", (ROOT / "deploy" / conf).read_text(), re.MULTILINE)
    given = SERVICES[name]["command"]
    most = given[given.index("--maxmemory") + 1] if "--maxmemory" in given else None

    assert configured is not None
    assert mebibytes(SERVICES[name]["mem_limit"]) >= 1.5 * mebibytes(most or configured[1])


def mebibytes(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([mg])b?", text).groups()  # type: ignore[union-attr]  # it matches
    return int(number) * (1024 if unit == "g" else 1)


def test_nothing_but_the_receiver_is_published_and_the_servers_reach_nothing() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published == {"web": ["127.0.0.1:8000:8000"]}
    assert compose()["networks"]["internal"] == {"internal": True}
    for name in ("state", "broker", "flower", "monitor", "beat", "prometheus", "grafana"):
        assert SERVICES[name]["networks"] == ["internal"]


def test_what_operators_look_at_is_published_for_this_machine_alone() -> None:
    desk = compose("deploy/desk.yml")["services"]

    for service in desk.values():
        assert [port.partition(":")[0] for port in service["ports"]] == ["127.0.0.1"]
    assert set(desk) <= set(SERVICES)


def test_secrets_are_files_and_no_variable_holds_one() -> None:
    named = [
        f"{name}: {variable}"
        for name, service in SERVICES.items()
        for variable, value in service.get("environment", {}).items()
        if re.search("PASSWORD|SECRET|AUTH|TOKEN", variable) and not str(value).startswith("/run/")
    ]
    addresses = re.findall(r"redis://(\S+)@", (ROOT / "docker-compose.yml").read_text())

    assert named == []
    assert [address for address in addresses if ":" in address] == []
    assert [secret for secret in compose()["secrets"].values() if set(secret) != {"file"}] == []


def test_no_service_names_a_secret_twice_for_old_compose_gives_it_only_the_last_then() -> None:
    twice = [
        name
        for name, service in SERVICES.items()
        if len(set(_sources(service))) != len(_sources(service))
    ]

    assert twice == []
    assert sorted(_sources(SERVICES["monitor"])) == ["monitor_broker_password", "monitor_password"]


def _sources(service: dict[str, Any]) -> list[str]:
    named = service.get("secrets", [])
    return [each if isinstance(each, str) else each["source"] for each in named]


@pytest.mark.parametrize("name", ["flower", "monitor", "state", "broker", "prometheus", "grafana"])
def test_who_needs_no_credentials_of_accounts_has_none(name: str) -> None:
    service = SERVICES[name]

    assert "/run/accounts" not in str(service)
    assert not service.get("env_file")


def test_images_are_named_by_an_exact_version() -> None:
    images = {variables()[name] for name in variables() if name.endswith("_IMAGE")}

    assert len(images) == 5
    for image in images - {"sms-campaign-dispatcher:local"}:
        assert re.search(r":v?\d+\.\d+\.\d+", image)
    built = re.search(
        r"^ARG PYTHON_IMAGE=(\S+)$", (ROOT / "deploy" / "Dockerfile").read_text(), re.MULTILINE
    )
    assert built is not None
    assert built[1] == variables()["PYTHON_IMAGE"]


def test_the_image_does_not_run_as_root() -> None:
    lines = (ROOT / "deploy" / "Dockerfile").read_text().splitlines()

    assert [line for line in lines if line.startswith("USER")] == ["USER 10001:10001"]
    assert all(
        service["user"] == "10001:10001"
        for service in SERVICES.values()
        if service["image"].startswith("sms-campaign-dispatcher")
    )


def test_every_variable_compose_sets_is_a_setting() -> None:
    ours = {
        variable.removeprefix("DISPATCHER_").lower()
        for service in SERVICES.values()
        for variable in service.get("environment", {})
        if variable.startswith("DISPATCHER_")
    }

    assert ours - {"secrets_dir"} - set(Settings.model_fields) == set()


def test_every_variable_compose_reads_is_in_the_example_with_the_same_default() -> None:
    known = examples()
    read = variables()
    del read["ENV_FILE"]  # for rehearsals, which leave the operator's own alone

    assert {name: known.get(name) for name in read} == read | {
        "SECRETS_DIR": "./secrets",  # what is required of the operator is what `prepare` writes
        "DISPATCHER_MONITOR_ACCOUNTS": "",  # the monitor has no credentials that name accounts
    }


def test_every_setting_is_in_the_example_and_nothing_else_is() -> None:
    named = [name for name in examples() if name.startswith("DISPATCHER_")]
    settings = [f"DISPATCHER_{field.upper()}" for field in Settings.model_fields]

    assert sorted(named) == sorted([*settings, "DISPATCHER_IMAGE"])


def test_the_example_names_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Settings()
    nested = {"accounts", "callbacks", "window_sets"}
    for name, value in examples().items():
        field = name.removeprefix("DISPATCHER_").lower()
        if value and field in Settings.model_fields:
            monkeypatch.setenv(name, value)

    written = Settings.from_env()

    for field in set(Settings.model_fields) - nested:
        assert getattr(written, field) == getattr(plain, field), field
    left_empty = {
        name.removeprefix("DISPATCHER_").lower()
        for name, value in examples().items()
        if not value and name.startswith("DISPATCHER_")
    }
    assert all(not getattr(plain, field) for field in left_empty)


def test_every_example_says_what_it_is_for() -> None:
    lines = EXAMPLE.read_text().splitlines()

    for above, line in itertools.pairwise(lines):
        if re.match(r"#\w+=", line):
            assert re.match(r"# [^#]", above), line
