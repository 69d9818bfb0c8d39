"""The folder that a conversion is to make or to add to: what is there before, and whether the conversion may have it."""

import dataclasses
import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.base_dataset import (
    ARRANGEMENT,
    BaseDataset,
    append_options,
    open_base_dataset,
    read_rejects,
)
from fitfeed.converters.planning.comparison import ComparisonProgress, compare_files
from fitfeed.converters.planning.file_difference import find_difference
from fitfeed.converters.planning.source_listing import read_known_sources
from fitfeed.converters.source_file import Comparison, SomeFiles, SourceListing
from fitfeed.converters.staging.job import ConversionPlan, Job
from fitfeed.converters.staging.own_folder import require_own
from fitfeed.converters.staging.staging import Staging
from fitfeed.converters.user_path import UserPath
from fitfeed.schemas.errors import DamagedDatasetError, FormatVersionError, UsageError
from fitfeed.schemas.index import Index, open_index
from fitfeed.schemas.manifest import MANIFEST_NAME, Manifest, read_manifest
from fitfeed.schemas.sharding import DATASET_PATTERNS


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """What is at DATASET when a conversion is planned.

    Attributes:
        folder: Absolute path of the folder.
        seen: SHA-256 of the manifest there; None if there is none.
        existing: The complete dataset there; None if there is none, or if it cannot be read and is to be replaced.
        base: The same, opened, if images are to be appended to it; else None.
        overwrite: The complete dataset is to be replaced.
    """

    folder: Path
    seen: str | None
    existing: Manifest | None
    base: BaseDataset | None
    overwrite: bool

    def complete(self, options: ConvertOptions | Mapping[str, object] | None) -> ConvertOptions:
        """The options of the conversion.

        Of an append, they are those of the dataset, which given ones must not contradict.

        Args:
            options: All options, or only those that were given, by name; None for no choice.
        """
        given = _given(options) if isinstance(options, ConvertOptions) else dict(options or {})
        if self.base is not None:
            return append_options(self.base.manifest, given)
        return options if isinstance(options, ConvertOptions) else ConvertOptions.from_json(given)

    def compare(
        self,
        plan: ConversionPlan,
        *,
        check_content: bool = False,
        progress: ComparisonProgress | None = None,
    ) -> Comparison | None:
        """Compares a source with the dataset that is there.

        Args:
            plan: The plan of its conversion.
            check_content: Whether files are read although their size and times are the known ones.
            progress: Receives the progress of reading.

        Returns:
            How the files were compared; None if there is nothing to compare with.

        Raises:
            UsageError: If there is a dataset of other files or options, which is neither appended to nor replaced.
        """
        if self.base is not None:
            return plan.comparison
        if self.existing is None or self.overwrite or plan.listing is None:
            return None
        self._require_same_options(self.existing, plan.job.options)
        kinds = self.existing.features.label_kinds
        indexes = {
            name: open_index(self.folder, split.index.file, kinds)
            for name, split in self.existing.splits.items()
        }
        if self.existing.source.digest != plan.job.source_digest:
            self._refuse_other_files(self.existing, plan.listing, indexes)
        known = read_known_sources(self.folder, plan.listing.root)
        comparison = compare_files(
            plan.listing, known, indexes, check_content=check_content, progress=progress
        )
        if comparison.changed:
            changed = SomeFiles.of(comparison.changed)
            self._refuse(
                f"was made from files that have another content now ({changed.count}, for example {changed})",
                files={"changed": dataclasses.asdict(changed)},
            )
        return comparison

    def has_all_of(self, plan: ConversionPlan) -> bool:
        """Whether the dataset has everything already that a plan would make, if `compare` finds nothing else."""
        if self.base is not None:
            return not _has_news(plan.job, self.base)
        return self.existing is not None and not self.overwrite

    def _require_same_options(self, existing: Manifest, options: ConvertOptions) -> None:
        had, asked = existing.options, options.to_json()
        changed = [
            f"{name} {had.get(name)} -> {asked.get(name)}"
            for name in dict.fromkeys([*asked, *had])
            if had.get(name) != asked.get(name)
        ]
        if changed:
            self._refuse(f"was made with other options ({', '.join(changed)})")

    def _refuse_other_files(
        self, existing: Manifest, listing: SourceListing, indexes: Mapping[str, Index]
    ) -> NoReturn:
        listed = {reject.path for reject in read_rejects(self.folder, existing.rejects_file)}
        difference = find_difference(listing, indexes, listed)
        images = sum(mask is None for mask in listing.masks)
        if not difference.lines() and images == existing.source.files:
            self._refuse("was made with other labels, masks or splits of the same images")
        self._refuse(
            f"was made from other files (it knows {existing.source.files} images, SOURCE has {images})",
            *difference.lines(),
            append=difference.new.count > 0 and not difference.resized.count,
            files=dataclasses.asdict(difference),
        )

    def _refuse(
        self, why: str, *details: str, append: bool = False, files: Mapping[str, object] | None = None
    ) -> NoReturn:
        mend = "Give --overwrite to replace it"
        mend += ", --append to add the new images," if append else ","
        mend += " or choose another folder."
        first = f"DATASET {self.folder} is complete, but {why}"
        raise UsageError(*([f"{first}:", *details, mend] if details else [f"{first}. {mend}"]), details=files)


def open_target(folder: Path, *, append: bool = False, overwrite: bool = False) -> Target:
    """Finds out what is at DATASET. Writes nothing.

    Args:
        folder: Absolute path of the folder.
        append: Images are to be added to the complete dataset there.
        overwrite: Whatever dataset is there is to be replaced, so one that cannot be read counts as none.

    Raises:
        UsageError: If something else is there, or both are asked for.
        NotFoundError, IncompleteDatasetError: If there is no complete dataset to append to.
        FormatVersionError: If it is a dataset of another version, unless `overwrite`.
        DamagedDatasetError: If a dataset is not what was published, unless `overwrite`.
    """
    if append and overwrite:
        msg = "overwrite replaces a dataset and append adds to it. Give one of them."
        raise UsageError(msg)
    seen = Staging(folder).manifest_sha256()  # before it is read: if it changes meanwhile, that is noticed
    base = open_base_dataset(folder) if append else None
    existing = _existing(folder, overwrite=overwrite) if base is None else base.manifest
    return Target(folder=folder, seen=seen, existing=existing, base=base, overwrite=overwrite)


def require_apart(folder: Path, source: UserPath) -> None:
    """Checks that neither DATASET nor SOURCE is within the other.

    Raises:
        UsageError: If one is.
    """
    if not isinstance(source, Path):
        return
    inside, outside = folder.resolve(), source.resolve()
    if inside == outside or outside in inside.parents or inside in outside.parents:
        msg = f"DATASET {folder} and SOURCE {source} must not contain each other, because the next run would convert the images of the dataset, too. Choose a folder beside the source."
        raise UsageError(msg)


def require_writable(folder: Path) -> None:
    """Asks for permission at the nearest folder that exists. Taking the lock asks again, by writing.

    Raises:
        UsageError: If nothing can be written there, or its staging area may be somebody else's.
    """
    root = Staging(folder).root
    require_own(root)
    nearest = next(path for path in (root, *root.parents) if os.path.lexists(path))
    if not nearest.is_dir():
        # It may also be a link to nothing.
        reason = errno.ENOTDIR if nearest.exists() else errno.EEXIST
    elif not os.access(nearest, os.W_OK | os.X_OK):
        reason = errno.EROFS if os.statvfs(nearest).f_flag & os.ST_RDONLY else errno.EACCES
    else:
        return
    msg = f"cannot write to DATASET {folder}: {os.strerror(reason)}. Choose a folder that you may write to."
    raise UsageError(msg)


def _existing(folder: Path, *, overwrite: bool) -> Manifest | None:
    """The complete dataset at the target, if there is one that can be read or must be."""
    if folder.exists() and not folder.is_dir():
        msg = f"DATASET {folder} is a file. Expected a folder that does not exist yet, is empty, or holds a dataset."
        raise UsageError(msg)
    if (folder / MANIFEST_NAME).exists():
        try:
            return read_manifest(folder)
        except (FormatVersionError, DamagedDatasetError):
            if not overwrite:
                raise
    elif not folder.is_dir() or not any(folder.iterdir()) or Staging(folder).root.is_dir():
        return None
    # Other programs write a `manifest.json`, too: without a shard or an index, this may be one of theirs.
    if overwrite and any(any(folder.glob(pattern)) for pattern in DATASET_PATTERNS):
        return None
    msg = f"DATASET {folder} is a folder with other files in it. Expected one that does not exist yet, is empty, or holds a dataset. If the shell made it of a pattern such as photos/*, give the folder itself, and then DATASET."
    raise UsageError(msg)


def _given(options: ConvertOptions) -> dict[str, object]:
    """The options as if all were given; but a number or size of shards that is None was not asked for."""
    return {
        name: value
        for name, value in dataclasses.asdict(options).items()
        if name not in ARRANGEMENT or value is not None
    }


def _has_news(job: Job, base: BaseDataset) -> bool:
    """Whether there is a file to convert, or a reject that the dataset does not list."""
    known = {reject.path for reject in base.rejects}
    return job.files > 0 or any(reject.path not in known for reject in job.rejects)
