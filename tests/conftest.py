"""Fixtures every ring of the tests may ask for; each module there says what it needs."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.redis_server"]

# pytest-xdist tells its workers of a terminal of 80 columns, which is not there.
for _name in ("COLUMNS", "LINES"):
    os.environ.pop(_name, None)

# The same examples in every run, and no deadlines: whether a change may land is not for chance to
# decide, nor for the load of the machine. HYPOTHESIS_PROFILE=seeking draws other examples.
settings.register_profile(
    "landing", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("seeking", settings.get_profile("landing"), derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "landing"))
