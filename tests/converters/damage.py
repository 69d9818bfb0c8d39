"""Ways to change a dataset, by accident and on purpose."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fitfeed.schemas.features import FOLDER_LABELS, LabelKind
from fitfeed.schemas.index import Index, write_index
from fitfeed.schemas.manifest import MANIFEST_NAME, Manifest, fingerprint_of

Content = dict[str, Any]


def entries(content: Content) -> list[Content]:
    """Every file entry of a manifest's JSON."""
    splits = content["splits"].values()
    listed = [entry for split in splits for entry in (split["index"], *split["shards"])]
    return [*listed, content["rejects_file"]]


def edit_manifest(folder: Path, change: Callable[[Content], object]) -> None:
    """Changes the manifest and nothing else."""
    path = folder / MANIFEST_NAME
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def reseal(folder: Path, change: Callable[[Content], object] = lambda content: None) -> None:
    """Makes every SHA-256, size and fingerprint right again, as one who means harm would."""

    def seal(content: Content) -> None:
        for entry in entries(content):
            data = (folder / entry["file"]).read_bytes()
            entry.update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        for split in content["splits"].values():
            split["bytes"] = sum(shard["bytes"] for shard in split["shards"])
        change(content)
        manifest = Manifest.model_validate_json(json.dumps(content))
        content["fingerprint"] = fingerprint_of(manifest)

    edit_manifest(folder, seal)


def columns_of(path: Path) -> dict[str, Any]:
    """All columns of an index, as lists."""
    columns: dict[str, Any] = pa.ipc.open_file(str(path)).read_all().to_pydict()
    return columns


def edit_index(
    path: Path, column: str, row: int, value: Any, *, kinds: Mapping[str, LabelKind] = FOLDER_LABELS
) -> None:
    """Changes one cell; the file is a valid index again. `kinds`: label name to kind."""
    columns = columns_of(path)
    columns[column][row] = value
    write_index(path, columns, kinds)


def flip(path: Path, position: int, bit: int = 0) -> None:
    """Flips one bit of a file."""
    content = np.fromfile(path, np.uint8)
    content[position] ^= 1 << bit
    content.tofile(path)


def ends_of(index: Index) -> npt.NDArray[np.int64]:
    """Where each payload ends."""
    ends: npt.NDArray[np.int64] = index.offset + index.length
    return ends
