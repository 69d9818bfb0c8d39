"""What is in folders: bytes to compare, and the one job of a staging area."""

from pathlib import Path

from fitfeed.converters.staging.folder import WorkFolder


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by relative path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def job_folder(dataset: Path) -> WorkFolder:
    """The folder of the one job that a dataset's staging area holds."""
    (folder,) = (path for path in (dataset / ".work").iterdir() if path.is_dir())
    return WorkFolder(dataset, folder.name)
