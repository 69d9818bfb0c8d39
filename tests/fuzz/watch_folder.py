"""Notices whether this process opens, lists or changes anything in a folder, by CPython's audit events."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

EVENTS = (
    *(
        "open",
        "os.listdir",
        "os.scandir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.mkdir",
        "os.link",
        "os.symlink",
    ),
    *("os.truncate", "os.chmod", "os.chown", "os.utime", "os.setxattr"),
)
"""Their first arguments are paths. A C library that opens files by itself raises none."""


class _Watch:
    folder: str | None = None
    touched: "list[str]"


@contextmanager
def touched_in(folder: Path) -> Iterator[list[str]]:
    """Collects what happens in a folder while the block runs, as texts."""
    _install()
    _Watch.folder, _Watch.touched = os.path.realpath(folder), []
    try:
        yield _Watch.touched
    finally:
        _Watch.folder = None


@cache
def _install() -> None:
    """Once: a hook cannot be removed."""
    sys.addaudithook(_notice)


def _notice(event: str, arguments: tuple[Any, ...]) -> None:
    if _Watch.folder is None or event not in EVENTS:
        return
    for path in arguments[:2]:
        if not isinstance(path, str | bytes | os.PathLike) or not Path(os.fsdecode(path)).is_absolute():
            continue  # a number, or relative to a folder that is open
        found = _leads_to(os.fsdecode(path), event, arguments)
        if found == _Watch.folder or found.startswith(_Watch.folder + os.sep):
            _Watch.touched.append(f"{event} {found}")


def _leads_to(path: str, event: str, arguments: tuple[Any, ...]) -> str:
    """Where a path leads. Removing and renaming do not follow a last link; nor does opening, if it is told not to."""
    if event == "open":
        follows = not (isinstance(arguments[2], int) and arguments[2] & os.O_NOFOLLOW)
    else:
        follows = event in ("os.listdir", "os.scandir", "os.truncate", "os.chmod", "os.chown", "os.utime")
    if follows:
        return os.path.realpath(path)
    return f"{os.path.realpath(Path(path).parent)}{os.sep}{Path(path).name}"
