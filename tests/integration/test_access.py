"""What each user of deploy/users.acl may not do; that it may do enough, the whole suite shows."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError

from dispatcher.embedded import EmbeddedRedis
from dispatcher.errors import StoreUnavailableError
from dispatcher.queueing import QueueName
from dispatcher.settings import Settings
from dispatcher.store.account import Store
from dispatcher.store.scripts import read_sources
from tests.support.access import (
    TEMPLATE,
    USERS,
    as_user,
    password,
    render,
    server_with_users,
    write_secrets,
    write_users,
)

CAMPAIGN, OUTBOX = "sms:{default}:campaign:c1", "sms:{default}:outbox:shop"
RECEIPTS, RESULT = "sms:{default}:receipts", "celery-task-meta-1"
FOR_NOBODY = (
    "FLUSHALL",
    "FLUSHDB",
    "CONFIG SET appendonly no",
    "CONFIG SET dir /tmp",
    "DEBUG SLEEP 1",
    "KEYS *",
    "SHUTDOWN NOSAVE",
    "MONITOR",
    "ACL SETUSER dispatcher allcommands",
    "ACL LIST",
    "MODULE LOAD evil.so",
    "SCRIPT FLUSH",
    "FUNCTION FLUSH",
    "SAVE",
    "SWAPDB 0 1",
    "MIGRATE 127.0.0.1 1 key 0 1",
    "CLIENT LIST",
    "CLIENT PAUSE 1000",
)
REFUSED = (
    ("dispatcher", "GET somebody:else"),
    ("dispatcher", "LPUSH submit message"),
    ("dispatcher", "REPLICAOF 127.0.0.1 1"),
    ("dispatcher", f"GET {RESULT}"),
    ("receiver", f"HGETALL {CAMPAIGN}"),
    ("receiver", f"XRANGE {RECEIPTS} - +"),
    ("receiver", f"DEL {RECEIPTS}"),
    ("receiver", "LPUSH submit message"),
    ("feed", f"HGETALL {CAMPAIGN}"),
    ("feed", f"XADD {OUTBOX} * what nothing"),
    ("feed", f"XDEL {OUTBOX} 1-0"),
    ("broker", f"HGETALL {CAMPAIGN}"),
    ("broker", "SET anything 1"),
    ("publisher", "BRPOP submit 1"),
    ("publisher", "LRANGE submit 0 -1"),
    ("publisher", "HGETALL unacked"),
    ("publisher", f"SET {RESULT} forged"),
    ("publisher", "PUBLISH /0.celery.pidbox shutdown"),
    ("flower", "LPUSH submit message"),
    ("flower", "LRANGE submit 0 -1"),
    ("flower", f"GET {RESULT}"),
    ("flower", "HGETALL unacked"),
    ("flower", f"HGETALL {CAMPAIGN}"),
    ("monitor", f"HMGET {CAMPAIGN} state"),
    ("monitor", f"HGETALL {CAMPAIGN}"),
    ("monitor", f"XRANGE {RECEIPTS} - +"),
    ("monitor", "XRANGE sms:{default}:posted_replies - + COUNT 1"),
    ("monitor", f"XRANGE {OUTBOX} - +"),
    ("monitor", "HGETALL unacked"),
    ("monitor", "HGET unacked 1"),
    ("monitor", f"HSET {CAMPAIGN} state sent"),
    ("monitor", f"DEL {CAMPAIGN}"),
    ("monitor", "LPUSH submit message"),
    ("monitor", f"XADD {RECEIPTS} * bodies forged"),
    ("monitor", "HGETALL sms:{default}:recipients:c1"),
    ("monitor", "HGETALL sms:{default}:reply:r1"),
    ("monitor", "ZRANGE sms:{default}:suppressions 0 -1"),
    ("monitor", "GET sms:{default}:receipt_key"),
    ("monitor", "GET sms:{default}:suppression_key"),
    ("receiver", "GET sms:{default}:receipt_key"),
    ("monitor", "SCAN 0"),
    ("monitor", "SLOWLOG GET"),
    ("monitor", "LRANGE submit 0 -1"),
    ("replica", f"HGETALL {CAMPAIGN}"),
    ("sentinel", f"HGETALL {CAMPAIGN}"),
)
ALLOWED = (
    ("dispatcher", "CONFIG GET appendonly"),
    ("dispatcher", "WAIT 1 100"),
    ("dispatcher", "BGREWRITEAOF"),
    ("receiver", f"XADD {RECEIPTS} * bodies one"),
    ("receiver", "GET sms:{default}:suppression_key"),
    ("feed", f"XREADGROUP GROUP billing one STREAMS {OUTBOX} >"),
    ("publisher", "LPUSH submit message"),
    ("publisher", f"GET {RESULT}"),
    ("monitor", "HMGET sms:{default}:account balance"),
    ("monitor", f"XLEN {RECEIPTS}"),
    ("monitor", "LLEN submit"),
    ("monitor", "HLEN unacked"),
    ("monitor", "INFO memory"),
    ("replica", "PSYNC ? -1"),
    ("sentinel", "REPLICAOF NO ONE"),
)


@pytest.fixture(scope="module")
def admin(redis_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    folder = tmp_path_factory.mktemp("access")
    with (
        server_with_users(folder, binary=redis_binary, options={"appendonly": "no"}) as server,
        Redis.from_url(server.url, decode_responses=True) as client,
    ):
        yield client


def answer(admin: Redis, user: str, command: str) -> str:
    """Say what a user who gave a command would be told."""
    found = admin.execute_command("ACL", "DRYRUN", user, *command.split())  # type: ignore[no-untyped-call]  # redis-py's own
    return str(found)


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("command", FOR_NOBODY)
def test_nobody_may_do_what_would_end_or_empty_a_server(
    admin: Redis, user: str, command: str
) -> None:
    assert "no permission" in answer(admin, user, command)


@pytest.mark.parametrize(("user", "command"), REFUSED)
def test_a_user_is_refused_what_its_process_has_no_need_of(
    admin: Redis, user: str, command: str
) -> None:
    assert "no permission" in answer(admin, user, command)


@pytest.mark.parametrize(("user", "command"), ALLOWED)
def test_a_user_may_do_what_its_process_needs(admin: Redis, user: str, command: str) -> None:
    assert answer(admin, user, command) == "OK"


@pytest.mark.parametrize("queue", QueueName)
@pytest.mark.parametrize("user", ["broker", "publisher"])
def test_every_queue_of_the_code_may_be_published_to(
    admin: Redis, user: str, queue: QueueName
) -> None:
    assert answer(admin, user, f"LPUSH {queue.value} message") == "OK"


@pytest.fixture
def guarded(redis_binary: Path, tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """A server with the file as it is deployed: whoever names no user may do nothing."""
    users = write_users(tmp_path, with_tests=False)
    with EmbeddedRedis(
        tmp_path / "redis", binary=redis_binary, options={"aclfile": str(users)}
    ) as server:
        yield server


def test_without_a_name_and_password_nothing_is_to_be_had(guarded: EmbeddedRedis) -> None:
    with Redis.from_url(guarded.url) as nobody, pytest.raises(AuthenticationError):
        nobody.get(CAMPAIGN)


def test_a_store_opens_with_its_user_and_password_given_apart(guarded: EmbeddedRedis) -> None:
    settings = Settings.model_validate(
        {
            "redis_url": f"redis://dispatcher@127.0.0.1:{guarded.port}/0",
            "redis_password": password("dispatcher"),
        }
    )

    store = Store.open(settings)

    assert store.account("default").ledger.approve_server(quiet_ms=0) == 0
    store.close()


def test_a_wrong_password_is_told_as_such(guarded: EmbeddedRedis) -> None:
    url = as_user(guarded.url, "dispatcher").replace("dispatcher%3A", "wrong%3A")

    with pytest.raises(StoreUnavailableError, match="refuses the user or the password") as error:
        Store.open(Settings.model_validate({"redis_url": url}))

    assert "wrong" not in str(error.value)


def test_what_a_user_lacks_is_named_when_it_is_missing(guarded: EmbeddedRedis) -> None:
    with (
        Redis.from_url(as_user(guarded.url, "flower")) as flower,
        pytest.raises(NoPermissionError, match="permissions"),
    ):
        flower.lpush("submit", "message")


def test_no_password_is_in_the_file_of_a_server(tmp_path: Path) -> None:
    rendered = write_users(tmp_path, with_tests=False).read_text()

    assert rendered.count("#") == len(USERS)
    assert not [user for user in USERS if password(user) in rendered]
    assert "PASSWORD" not in rendered


def test_a_user_without_a_secret_stays_off(tmp_path: Path) -> None:
    secrets = write_secrets(tmp_path / "secrets")
    (secrets / "flower").unlink()
    (secrets / "feed").write_text("\n")

    rendered = render(secrets).splitlines()

    assert "user flower off" in rendered
    assert "user feed off" in rendered
    assert sum(" on #" in line for line in rendered) == len(USERS) - 2


def test_another_namespace_is_another_set_of_keys(tmp_path: Path) -> None:
    rendered = render(write_secrets(tmp_path / "secrets"), "mail")

    assert "~mail:{*}:*" in rendered
    assert "~sms:" not in rendered


def test_every_user_says_what_it_is_for() -> None:
    lines = TEMPLATE.read_text().splitlines()
    users = [number for number, line in enumerate(lines) if line.startswith("user ")]

    for number in users:
        assert " -@all" in lines[number]
        assert lines[number - 1].startswith("#") or "default" in lines[number]


def test_every_command_of_every_script_is_granted() -> None:
    called = {
        found[1].lower()
        for source in read_sources().values()
        for found in re.finditer(r"redis\.p?call\('(\w+)'", source)
    }
    [user] = re.findall("^user dispatcher .*", TEMPLATE.read_text(), re.MULTILINE)

    granted = {word[1:].partition("|")[0] for word in user.split() if word.startswith("+")}

    assert called - granted == set()
    assert {"hset", "xadd", "time"} <= called
