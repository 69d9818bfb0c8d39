"""What is in folders: bytes to compare, and the one job of a staging area."""

from pathlib import Path

from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.schemas.side_tables import SIDE_TABLES
from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.storage.place import Place


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by relative path, but the tables beside a dataset that are not a part of it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in SIDE_TABLES
    }


def job_folder(dataset: Path) -> WorkFolder:
    """The folder of the one job that a dataset's staging area holds."""
    (folder,) = (path for path in (dataset / ".work").iterdir() if path.is_dir())
    return WorkFolder(LocalPlace(dataset), folder.name)


def path_of(place: Place) -> Path:
    """The path of a place in a folder."""
    return Path(str(place))
