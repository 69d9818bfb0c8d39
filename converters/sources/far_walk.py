"""Lists a place in a store with all that is below it.

A store answers with a thousand names at a time, one answer after the other. So the folders of a large place are listed side
by side, each once:

    photos/            two pages of names: there are more, and they are in folders
    photos/cats/       by one thread, to its end
    photos/dogs/       by another
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from fitfeed.schemas.storage.place import Found, Place

THREADS = 32
"""They wait for the store."""

FEW_NAMES = 2000
"""A folder with more is listed by its folders, side by side."""

MAX_WAITING = 256
"""If so many folders wait to be listed, there is enough to do, and none is listed by its folders."""

Taken = TypeVar("Taken")
Take = Callable[[str, Iterable[Found]], Taken]
"""Takes files: the path of the folder to which their names are relative, with `/` at its end or empty, and the files."""


def walk(
    place: Place, take: Take[Taken], *, wanted: Callable[[str], bool] = lambda folder: True
) -> Iterator[Taken]:
    """Lists all files. What is in memory at a time are a few pages, and what `take` keeps.

    Args:
        place: The place.
        take: Called with each file once, in some thread.
        wanted: Whether a folder is listed that is listed by itself.

    Returns:
        What `take` returned.

    Raises:
        OSError: If a folder cannot be listed.
    """
    with ThreadPoolExecutor(THREADS, thread_name_prefix="list") as pool:
        waiting: set[Future[tuple[Taken, list[str]]]] = {pool.submit(_list, place, "", take, may_split=True)}
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for taken, folders in (future.result() for future in done):
                    chosen = [folder for folder in folders if wanted(folder)]
                    may_split = len(waiting) + len(chosen) < MAX_WAITING
                    waiting |= {pool.submit(_list, place, each, take, may_split=may_split) for each in chosen}
                    yield taken
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _list(place: Place, folder: str, take: Take[Taken], *, may_split: bool) -> tuple[Taken, list[str]]:
    """Lists a folder with all that is below it; or only the files in it, and names its folders, if there is much."""
    here, prefix = (place.below(folder), f"{folder}/") if folder else (place, "")
    listed = here.files(deep=True)
    first = list(itertools.islice(listed, FEW_NAMES)) if may_split else []
    in_folders = sum("/" in found.name for found in first)
    if len(first) == FEW_NAMES and 2 * in_folders > FEW_NAMES:
        return take(prefix, here.files()), [prefix + each for each in here.folders()]
    return take(prefix, itertools.chain(first, listed)), []
