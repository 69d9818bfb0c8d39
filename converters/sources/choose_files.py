"""Leaves out files that `--include` and `--exclude` do not take."""

import dataclasses
import fnmatch
import re
from collections.abc import Callable, Sequence

from fitfeed.converters.option_parts.choosing import ChoosingOptions
from fitfeed.converters.rejects import Reject, text_path
from fitfeed.converters.sources.listing import Listing
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.text import composed


def choose_files(listing: Listing, options: ChoosingOptions) -> tuple[Listing, list[str]]:
    """Leaves out files that the options do not take. They are ignored, with the reason.

    Args:
        listing: What is in SOURCE.
        options: `include`, `exclude`.

    Returns:
        The listing without these files, and what a person should know.

    Raises:
        UsageError: If no file is left.
    """
    if not options.include and not options.exclude:
        return listing, []
    kept: list[int] = []
    ignored = list(listing.ignored)
    included, excluded = _matcher(options.include), _matcher(options.exclude)
    used: set[str] = set()
    paths = listing.files.paths
    for place, path in enumerate(paths):
        wanted, unwanted = included(path), excluded(path)
        used.update(pattern for pattern in (wanted, unwanted) if pattern)
        if unwanted is not None:
            ignored.append(_left_out(path, f"--exclude {unwanted!r}"))
        elif options.include and wanted is None:
            ignored.append(_left_out(path, "no --include fits"))
        else:
            kept.append(place)
    if not kept:
        msg = f"--include and --exclude leave no image of SOURCE. Its images are for example {text_path(paths[0])!r}; patterns are held against such paths."
        raise UsageError(msg)
    unused = [
        pattern
        for pattern in (*options.include, *options.exclude)
        if pattern not in used and not any(map(_matcher([pattern]), paths))
    ]
    warnings = [f"no image fits the pattern {pattern!r} of --include or --exclude" for pattern in unused]
    ignored.sort(key=lambda reject: reject.path)
    return dataclasses.replace(listing, files=listing.files.take(kept), ignored=ignored), warnings


def _matcher(patterns: Sequence[str]) -> Callable[[str], str | None]:
    """Finds the first pattern that fits a path, or one of the folders in it."""
    compiled = [(pattern, _compile(pattern)) for pattern in patterns]
    return lambda path: next((pattern for pattern, fits in compiled if fits(path)), None)


def _compile(pattern: str) -> Callable[[str], object]:
    """A `*` is any text, with `/`, too. A pattern that fits a folder fits all below it. Unicode forms do not matter."""
    translated = fnmatch.translate(pattern.removeprefix("./").rstrip("/"))[: -len(r"\Z")]
    fits = re.compile(rf"{composed(translated)}(?:/.*)?\Z", re.DOTALL).match
    return lambda path: fits(composed(path))


def _left_out(path: str, why: str) -> Reject:
    return Reject(text_path(path), "left_out", f"ignored: {why}", handling="ignored")
