"""Fixtures every ring of the tests may ask for; each module there says what it needs."""

import os

from hypothesis import settings

pytest_plugins = ["tests.support.redis_server"]

# The same examples in every run, and no deadlines: whether a change may land is not for chance to
# decide, nor for the load of the machine. HYPOTHESIS_PROFILE=seeking draws other examples.
settings.register_profile("landing", derandomize=True, deadline=None)
settings.register_profile("seeking", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "landing"))
