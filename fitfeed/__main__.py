# PYTHON_ARGCOMPLETE_OK: shells look for this word before they ask a program what to complete.
"""`python -m fitfeed` is `fitfeed`.

Python looks for modules in the current folder first, in which a stranger's `numpy.py` may lie beside his photographs. So the
folder leaves the path before anything else is imported.
"""

import os
import sys

if not sys.flags.safe_path and sys.path[0] == os.getcwd():  # noqa: PTH109 - pathlib is another import
    del sys.path[0]

from fitfeed.cli import main

if __name__ == "__main__":
    sys.exit(main())
