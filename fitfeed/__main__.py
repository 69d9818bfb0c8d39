"""`python -m fitfeed` is `fitfeed`."""

import sys

from fitfeed.cli import main

if __name__ == "__main__":
    sys.exit(main())
