"""The file that `-o` names: it is checked before anything is read."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.local_path import local_path

PAGE_TYPES = (".html", ".htm")
"""What the name of a page may end in."""


def output_file(name: str, extensions: Collection[str]) -> Path:
    """The file to write.

    Args:
        name: As the user wrote it.
        extensions: What its name may end in.

    Raises:
        UsageError: If it ends otherwise, is a folder, or its own folder does not exist.
    """
    path = local_path(name, "-o")
    if path.suffix.lower() not in extensions:
        msg = f"-o expects a name that ends in {', '.join(extensions)}. Received: {name}"
        raise UsageError(msg)
    if not path.parent.is_dir():
        msg = f"the folder {path.parent} does not exist. Received: -o {name}. Make it first."
        raise UsageError(msg)
    if path.is_dir():
        msg = f"-o expects a file, and this is a folder. Received: {name}"
        raise UsageError(msg)
    return path


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Lets a failure to make or write the file be an error of one line.

    Raises:
        UsageError: If it cannot be written.
    """
    try:
        yield
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}. Make room there, or name another file with -o."
        raise UsageError(msg) from error
