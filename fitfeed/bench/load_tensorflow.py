"""Loads TensorFlow without the dozen lines that its native code writes to standard error, whatever the log level is."""

import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

STANDARD_ERROR = 2

PRINTER = "import os, sys; sys.stdin.read(1) or os.write(2, os.pread(int(sys.argv[1]), 1 << 20, 0))"
"""A program that prints what is in a file, unless standard input says that all went well. If it ends without a word, the process that
has written the file has ended, too."""

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
    """Keeps what this process writes to standard error, that of libraries too, and prints it only if the block fails.

    A small process prints it: native code may abort, or crash, and then nothing here does anything any more. What a process writes
    that another thread starts meanwhile is kept, too.
    """
    if sys.stderr is None:  # there is no standard error
        yield
        return
    with tempfile.TemporaryFile() as kept:
        printer = subprocess.Popen(
            [sys.executable, "-ISc", PRINTER, str(kept.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=[kept.fileno()],
            start_new_session=True,  # Ctrl-C is not for it
        )
        sys.stderr.flush()
        before = os.dup(STANDARD_ERROR)
        os.dup2(kept.fileno(), STANDARD_ERROR)
        went_well = b""
        try:
            yield
            went_well = b"!"
        finally:
            sys.stderr.flush()
            os.dup2(before, STANDARD_ERROR)
            os.close(before)
            printer.communicate(went_well)
