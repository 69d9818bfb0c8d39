"""Writes what other tools read of a dataset: `croissant.json`, and the table of its examples."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fitfeed.export.croissant_document import TABLE_NAME, croissant_document
from fitfeed.export.example_table import write_example_table
from fitfeed.export.own_files import require_ours
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.files import atomic_write, file_sha256, replacing
from fitfeed.schemas.local_path import address_in, local_path
from fitfeed.schemas.manifest_line import manifest_line
from fitfeed.schemas.manifest_parts import File
from fitfeed.schemas.text import printable

if TYPE_CHECKING:
    from fitfeed.pipelines import Dataset

DOCUMENT_NAME = "croissant.json"


def export_croissant(dataset: "Dataset", folder: str | os.PathLike[str] | None, **about: str | None) -> Path:
    """Writes both files: see `Dataset.export_croissant`.

    Args:
        dataset: The dataset.
        folder: Where to. None: the dataset's own folder.
        about: What is said of the whole, by the names that Croissant gives it; None: what the manifest says, or nothing.
    """
    target = _own_folder(dataset) if folder is None else local_path(folder, "the folder of the export")
    name = about.get("name") or printable(dataset.address.rstrip("/").rpartition("/")[2])
    described = about.get("description") or f"Images: {manifest_line(name, dataset.manifest)}."
    given = {key: text for key, text in about.items() if text is not None}
    indexes = {split: dataset.index(split) for split in dataset.splits}  # what fails here is not the writing
    table, document_path = target / TABLE_NAME, target / DOCUMENT_NAME
    try:
        target.mkdir(parents=True, exist_ok=True)
        for path in (table, document_path):  # both, before one is written
            require_ours(path)
        with replacing(table) as temporary:
            write_example_table(dataset, indexes, temporary)
            entry = File(file=TABLE_NAME, bytes=temporary.stat().st_size, sha256=file_sha256(temporary))
        document = croissant_document(
            dataset.manifest,
            {**given, "name": name, "description": described},
            entry,
            _addresses(dataset, target),
        )
        atomic_write(document_path, json.dumps(document, indent=1) + "\n")
    except OSError as error:
        msg = (
            f"{target} cannot be written: {error.strerror or error}. Make room there, or name another folder."
        )
        raise UsageError(msg) from error
    return document_path


def _own_folder(dataset: "Dataset") -> Path:
    if address_in(dataset.address) is not None:
        msg = f"{dataset.address} is in an object store. Name a folder of this machine: export_croissant('FOLDER')."
        raise UsageError(msg)
    return dataset.path


def _addresses(dataset: "Dataset", target: Path) -> Callable[[str], str]:
    """Files of a store by their addresses, those of a folder as seen from where the export is."""
    if address_in(dataset.address) is not None:
        return lambda file: f"{dataset.address.rstrip('/')}/{file}"
    # A path with a link in it leads elsewhere on the way back up.
    here = os.path.relpath(os.path.realpath(dataset.path), os.path.realpath(target))
    return lambda file: os.path.normpath(os.path.join(here, file))  # noqa: PTH118  a path relative to another
