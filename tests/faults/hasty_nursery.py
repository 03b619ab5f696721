"""The worker nursery with the protocol's times as short as those of the kill loop.

With a minute's margin before its time, no campaign of a loop of one minute were ever given to the
API for later.
"""

import sys
from pathlib import Path
from unittest.mock import patch

from tests.faults.worker_nursery import main

SHORT = {"LEAST_DELAY_MS": 3000, "WITHDRAWAL_MARGIN_MS": 1000}

if __name__ == "__main__":
    with patch.dict("dispatcher.store.preamble._FIGURES", SHORT):
        main(Path(sys.argv[1]))
