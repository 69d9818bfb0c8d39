"""A few photographs as the source of a conversion."""

import shutil
from collections.abc import Iterable
from pathlib import Path


def copy_photos(split: Path, folder: Path, classes: Iterable[str], *, count: int) -> Path:
    """Copies the first photographs of some classes.

    Args:
        split: A folder of class folders.
        folder: Where to make a folder for each class.
        classes: Names of the classes.
        count: Photographs of each.

    Returns:
        `folder`.
    """
    for name in classes:
        (folder / name).mkdir(parents=True)
        photos = sorted((split / name).iterdir())[:count]
        assert len(photos) == count
        for path in photos:
            shutil.copyfile(path, folder / name / path.name)
    return folder
