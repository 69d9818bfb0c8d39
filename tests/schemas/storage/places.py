"""Places for tests: a folder, and a store that lives in this process."""

import uuid
from collections.abc import Callable
from pathlib import Path

from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.storage.place import Place


def memory_place() -> Place:
    """A place in a store of its own, which this process forgets when it ends."""
    return open_place(f"memory://test-{uuid.uuid4().hex}/flowers", "DATASET")


def local_place(folder: Path) -> Place:
    return LocalPlace(folder / "flowers")


KINDS: dict[str, Callable[[Path], Place]] = {"folder": local_place, "memory": lambda _: memory_place()}
PLACES = sorted(KINDS)
