"""Datasets to which images were appended a moment ago: their files do not have their final names yet."""

from pathlib import Path

from fitfeed.converters.staging.commit import STAGED_REJECTS, staged_index
from fitfeed.converters.staging.staging import Staging
from fitfeed.schemas.manifest import MANIFEST_NAME, fingerprint_of, read_manifest
from fitfeed.schemas.manifest_parts import File
from fitfeed.schemas.storage.local import LocalPlace


def unsettle(dataset: Path) -> None:
    """Gives the files of a dataset the names that those of an append have from its commit until it is settled."""
    manifest = read_manifest(dataset)

    def renamed(entry: File, name: str) -> File:
        (dataset / entry.file).rename(dataset / name)
        return entry.model_copy(update={"file": name})

    splits = {
        name: split.model_copy(update={"index": renamed(split.index, staged_index(name))})
        for name, split in manifest.splits.items()
    }
    rejects = renamed(manifest.rejects_file, STAGED_REJECTS)
    changed = manifest.model_copy(update={"splits": splits, "rejects_file": rejects})
    sealed = changed.model_copy(update={"fingerprint": fingerprint_of(changed)})
    (dataset / MANIFEST_NAME).unlink()
    (dataset / MANIFEST_NAME).write_text(sealed.to_json())


def settle(dataset: Path) -> None:
    """Gives them their final names."""
    Staging(LocalPlace(dataset)).settle()
