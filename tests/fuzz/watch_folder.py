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
    besides: str | None = None
    touched: "list[str]"


@contextmanager
def touched_in(folder: Path, *, besides: Path | None = None) -> Iterator[list[str]]:
    """Collects what happens in a folder while the block runs, as texts.

    Args:
        folder: The folder.
        besides: A folder in it that may be used. What is opened relative to an open folder must then lead downwards.
    """
    _install()
    _Watch.besides = None if besides is None else os.path.realpath(besides)
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
        if not isinstance(path, str | bytes | os.PathLike):
            continue  # a number
        found = Path(os.fsdecode(path))
        if not found.is_absolute():  # relative to a folder that is open
            if _Watch.besides is not None and ".." in found.parts:
                _Watch.touched.append(f"{event} {found}")
            continue
        target = _leads_to(str(found), event, arguments)
        if _is_in(target, _Watch.folder) and not _is_in(target, _Watch.besides):
            _Watch.touched.append(f"{event} {target}")


def _is_in(path: str, folder: str | None) -> bool:
    return folder is not None and (path == folder or path.startswith(folder + os.sep))


def _leads_to(path: str, event: str, arguments: tuple[Any, ...]) -> str:
    """Where a path leads. Removing and renaming do not follow a last link; nor does opening, if it is told not to."""
    if event == "open":
        follows = not (isinstance(arguments[2], int) and arguments[2] & os.O_NOFOLLOW)
    else:
        follows = event in ("os.listdir", "os.scandir", "os.truncate", "os.chmod", "os.chown", "os.utime")
    if follows:
        return os.path.realpath(path)
    return f"{os.path.realpath(Path(path).parent)}{os.sep}{Path(path).name}"
