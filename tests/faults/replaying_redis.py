"""A client whose every script runs twice, as when redis-py retries after a lost answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis

from dispatcher.store.keys import Key
from dispatcher.store.scripts import Script

# A lost answer to these costs time: a lease, a turn to ask for the balance, a round of hints.
_FIRST_ANSWER_NEEDED = frozenset(
    {
        Script.CLAIM_QUOTE,
        Script.BEGIN_CHECK,
        Script.TICK,
        Script.CLAIM_CLEANUP,
        Script.CLAIM_WITHDRAWAL,
        Script.CLAIM_SCHEDULE,
        Script.CLAIM_AWAITED,
        Script.CLAIM_CHECK,
        Script.CLAIM_UNNAMED,
    }
)

Content = dict[tuple[str, bytes, bytes], object]


@dataclass(frozen=True, kw_only=True)
class Replay:
    """A script that ran twice with the same arguments.

    Attributes:
        situation: the campaign's state before, or what the script was told had happened.
        changes: what the second run changed, as `family of keys: field`.
    """

    script: Script
    situation: str
    changes: frozenset[str]


class ReplayingRedis(Redis):
    """Runs each script twice and compares all of Redis after the one and the other."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - redis-py's own
        super().__init__(*args, **options)
        self.replays: list[Replay] = []
        self._scripts: Mapping[str, Script] = {}

    def learn(self, scripts: Mapping[Script, Any]) -> None:
        """Learn which hash belongs to which script."""
        self._scripts = {registered.sha: script for script, registered in scripts.items()}

    def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - redis-py's own
        if args[0] != "EVALSHA":
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]  # redis-py's own
        script = self._scripts[args[1]]
        situation = self._situation(script, args[3], args[4:])
        first = super().execute_command(*args, **options)  # type: ignore[no-untyped-call]  # as above
        before = self._content()
        second = super().execute_command(*args, **options)  # type: ignore[no-untyped-call]  # as above
        changes = frozenset(_differences(before, self._content()))
        self.replays.append(Replay(script=script, situation=situation, changes=changes))
        return first if script in _FIRST_ANSWER_NEEDED else second

    def _situation(self, script: Script, account: str, args: tuple[Any, ...]) -> str:
        if script is Script.RECORD_SEND:
            return str(args[3])
        if script in (Script.FAIL_QUOTE, Script.RECORD_WITHDRAWAL):
            return str(args[2])
        if not args:
            return ""
        record = account.removesuffix(Key.ACCOUNT.value) + Key.CAMPAIGN.value + str(args[0])
        found: list[Any] = self.hmget(record, ["state", "hold"])
        return " ".join(part.decode() for part in found if part)

    def _content(self) -> Content:
        found: Content = {}
        names: list[Any] = self.keys()
        for name in names:
            family = name.decode().partition("}:")[2].partition(":")[0]
            found |= {(family, name, field): value for field, value in self._fields(name).items()}
        return found

    def _fields(self, name: bytes) -> Mapping[Any, object]:
        kind: Any = self.type(name)
        if kind == b"hash":
            return self.hgetall(name)
        if kind == b"zset":
            members: list[Any] = self.zrange(name, 0, -1, withscores=True)
            return dict(members)
        if kind == b"set":
            in_it: set[Any] = self.smembers(name)
            return dict.fromkeys(in_it, b"")
        if kind == b"list":
            return {b"": self.llen(name)}
        return {b"": self.xlen(name) if kind == b"stream" else self.get(name)}


def _differences(before: Content, after: Content) -> Iterable[str]:
    for place in before.keys() | after.keys():
        if before.get(place) != after.get(place):
            yield f"{place[0]}: {place[2].decode()}"
