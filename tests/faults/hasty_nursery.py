"""The worker nursery with the protocol's times as short as those of the kill loop.

With a minute's margin before its time, no campaign of a loop of one minute were ever given to the
API for later.
"""

import sys
from pathlib import Path
from unittest.mock import patch

from tests.faults.worker_nursery import main

LEAST_DELAY_MS = 3000
WITHDRAWAL_MARGIN_MS = 1000

if __name__ == "__main__":
    with (
        patch("dispatcher.store.scripts._LEAST_DELAY_MS", LEAST_DELAY_MS),
        patch("dispatcher.store.scripts._WITHDRAWAL_MARGIN_MS", WITHDRAWAL_MARGIN_MS),
    ):
        main(Path(sys.argv[1]))
