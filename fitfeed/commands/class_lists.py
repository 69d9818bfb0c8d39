"""How classes are written on the command line: `a,b,c`, `@FILE`, `OLD=NEW`, or those of a dataset."""

from collections.abc import Sequence

from fitfeed.converters.sources.line_list import read_lines
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.manifest import read_manifest
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.text import short_repr


def read_class_list(text: str, flag: str) -> list[str]:
    """Reads `a,b,c`, or the lines of a file from `@FILE`.

    Raises:
        NotFoundError, UsageError: If the file is not there or is not a list, or a name is written twice in it.
    """
    if text.startswith("@"):
        return [line.strip() for line in read_lines(open_place(text[1:], flag), flag)]
    return [name.strip() for name in text.split(",")]


def read_renames(texts: Sequence[str]) -> dict[str, str]:
    """Reads each `OLD=NEW`.

    Raises:
        UsageError: If one is not written so, or a class gets two names.
    """
    renames: dict[str, str] = {}
    for text in texts:
        old, equals, new = (part.strip() for part in text.partition("="))
        if not old or not equals or not new:
            msg = f"--rename-class must be OLD=NEW, two names of classes. Received: {short_repr(text)}"
            raise UsageError(msg)
        if renames.setdefault(old, new) != new:
            msg = f"--rename-class gives the class {short_repr(old)} two names, {short_repr(renames[old])} and {short_repr(new)}. Give one of them."
            raise UsageError(msg)
    return renames


def classes_of_dataset(folder: str) -> list[str] | dict[str, list[str]]:
    """The classes of a dataset for the option `classes`: a list, or one for each label if several have classes.

    Raises:
        NotFoundError, UsageError: If there is no complete dataset, or none of its labels has classes.
    """
    manifest = read_manifest(open_place(folder, "--classes-from"))
    lists = {
        name: label.class_names
        for name, label in manifest.features.labels.items()
        if label.kind in ("class", "multiclass")
    }
    if not lists:
        msg = f"--classes-from {folder}: none of its labels has classes. Give another dataset, or name the classes with --classes."
        raise UsageError(msg)
    return next(iter(lists.values())) if len(lists) == 1 else lists
