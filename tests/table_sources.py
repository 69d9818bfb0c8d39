"""Sources with a table: files that begin like pictures, the table, and what is found of them."""

from pathlib import Path
from typing import Any

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.sources.discover import Discovery, find_examples
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.converters.sources.source_options import SourceOptions

JPEG = b"\xff\xd8\xff\xe0rest"


def make(folder: Path, table: str, *pictures: str, name: str = "labels.csv") -> Path:
    for picture in pictures:
        (folder / "photos" / picture).parent.mkdir(parents=True, exist_ok=True)
        (folder / "photos" / picture).write_bytes(JPEG)
    (folder / name).write_text(table)
    return folder


def find(folder: Path, *, name: str = "labels.csv", **options: Any) -> Discovery:
    return find_examples(folder / "photos", ConvertOptions(**options), SourceOptions(labels=folder / name))


def labels_of(example_table: ExampleTable, name: str = "label") -> dict[str, Any]:
    return {file.path: example_table.value(name, i) for i, file in enumerate(example_table.files)}


def faults(found: Discovery) -> dict[str, tuple[str, str]]:
    return {reject.path: (reject.reason, reject.detail) for reject in found.rejects}
