"""Loads TensorFlow without the dozen lines that its native code writes to standard error, whatever the log level is."""

import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

STANDARD_ERROR = 2

LEVEL = "TF_CPP_MIN_LOG_LEVEL"
"""Who sets it to 0 wants to see all."""


def load_tensorflow() -> None:
    """Loads TensorFlow, and lets it look for devices. If it is loaded already, nothing is done.

    Raises:
        Exception: What loading it raises, after what it has written was printed.
    """
    if "tensorflow" in sys.modules or os.environ.get(LEVEL) == "0":
        return
    with _quiet_unless_it_fails():
        tensorflow = importlib.import_module("tensorflow")
        tensorflow.config.list_logical_devices()  # its first look at devices says as much again


@contextmanager
def _quiet_unless_it_fails() -> Iterator[None]:
    """Keeps what this process writes to standard error, that of libraries too, and prints it only if the block fails."""
    sys.stderr.flush()
    before = os.dup(STANDARD_ERROR)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), STANDARD_ERROR)
        failed = True
        try:
            yield
            failed = False
        finally:
            sys.stderr.flush()
            os.dup2(before, STANDARD_ERROR)
            os.close(before)
            if failed:
                kept.seek(0)
                with os.fdopen(os.dup(STANDARD_ERROR), "wb") as stream:
                    shutil.copyfileobj(kept, stream)
