"""Fixtures every ring of the tests may ask for; each module there says what it needs."""

pytest_plugins = ["tests.support.redis_server"]
