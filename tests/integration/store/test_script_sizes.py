"""Lua refuses a script with more than 200 local variables, and most of ours are shared by all."""

import pytest
from redis import Redis

from dispatcher.store.keys import Keys
from dispatcher.store.scripts import Script, Scripts

ROOM = 10


@pytest.mark.parametrize("script", Script, ids=lambda script: script.file)
def test_every_script_has_room_for_what_is_shared_next(redis_url: str, script: Script) -> None:
    with Redis.from_url(redis_url) as client:
        scripts = Scripts(client, Keys("sms", "default"))
        first, *rest = str(scripts._scripts[script].script).splitlines()
        more = [f"local more_{n} = {n}" for n in range(ROOM)]

        assert client.script_load("\n".join([first, *more, *rest]))
