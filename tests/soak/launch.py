"""`fitfeed` with claims that are dead after seconds, and without Beam, which takes a second for each launch: `python -m tests.soak.launch convert …`."""

import sys

from fitfeed.cli import main
from tests.soak.hurry import hurried
from tests.without_beam import without_beam

if __name__ == "__main__":
    with hurried(), without_beam():
        sys.exit(main())
