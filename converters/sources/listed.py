"""How many files were found: what receives it while a source is listed, which may take minutes."""

from collections.abc import Callable

Listed = Callable[[int], None]
"""Receives how many more files were found, from any thread."""


def ignore_files(files: int) -> None:
    """Does nothing."""
