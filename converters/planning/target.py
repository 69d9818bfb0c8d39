"""The folder that a conversion is to make or to add to: what is there before, and whether the conversion may have it."""

import dataclasses
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import NoReturn

from fitfeed.converters.file_columns import SourceListing
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.base_dataset import (
    ARRANGEMENT,
    BaseDataset,
    append_options,
    open_base_dataset,
    open_to_compare,
)
from fitfeed.converters.planning.comparison import ComparisonProgress, compare_files
from fitfeed.converters.planning.file_difference import find_difference
from fitfeed.converters.planning.source_listing import read_known_sources, sources_digest
from fitfeed.converters.source_file import Comparison, SomeFiles
from fitfeed.converters.staging.job import ConversionPlan, Job
from fitfeed.converters.staging.seen_manifest import SeenManifest, see_manifest
from fitfeed.converters.staging.staging import Staging
from fitfeed.schemas.errors import DamagedDatasetError, FormatVersionError, UsageError
from fitfeed.schemas.files import RefusedFileError
from fitfeed.schemas.manifest import MANIFEST_NAME, WORK_FOLDER, Manifest, parse_manifest, read_manifest
from fitfeed.schemas.sharding import DATASET_PATTERNS
from fitfeed.schemas.storage.failures import failures_named
from fitfeed.schemas.storage.many import at_once
from fitfeed.schemas.storage.place import Place

IF_A_PATTERN = "If the shell made it of a pattern such as photos/*, give the folder itself, and then DATASET."


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """What is at DATASET when a conversion is planned.

    Attributes:
        place: Where it is; an absolute path, if it is a folder.
        seen: SHA-256 of the manifest there; None if there is none.
        existing: The complete dataset there; None if there is none, or if it cannot be read and is to be replaced.
        base: The same, opened, if images are to be appended to it; else None.
        compared: The same, opened, if it is to stay as it is; else None.
        overwrite: The complete dataset is to be replaced.
    """

    place: Place
    seen: str | None
    existing: Manifest | None
    base: BaseDataset | None
    compared: BaseDataset | None
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
        if self.compared is None or plan.listing is None:
            return None
        self._require_same_options(self.compared.manifest, plan.job.options)
        if self.compared.manifest.source.digest != plan.job.source_digest:
            self._refuse_other_files(self.compared, plan.listing)
        known = read_known_sources(self.place, sources_digest(plan.listing.roots.values()))
        comparison = compare_files(
            plan.listing, known, self.compared.indexes, check_content=check_content, progress=progress
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

    def _refuse_other_files(self, compared: BaseDataset, listing: SourceListing) -> NoReturn:
        listed = {reject.path for reject in compared.rejects}
        difference = find_difference(listing, compared.indexes, listed)
        images, known = listing.images, compared.manifest.source.files
        if not difference.lines() and images == known:
            self._refuse("was made with other labels, masks or splits of the same images")
        self._refuse(
            f"was made from other files (it knows {known} images, SOURCE has {images})",
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
        first = f"DATASET {self.place} is complete, but {why}"
        raise UsageError(*([f"{first}:", *details, mend] if details else [f"{first}. {mend}"]), details=files)


def open_target(place: Place, *, append: bool = False, overwrite: bool = False, pattern: str = "") -> Target:
    """Finds out what is at DATASET. Writes nothing.

    Args:
        place: Where it is.
        append: Images are to be added to the complete dataset there.
        overwrite: Whatever dataset is there is to be replaced, so one that cannot be read counts as none.
        pattern: What to say if the folder is none, because a shell may have made it of a pattern: a sentence.

    Raises:
        UsageError: If something else is there, or both are asked for.
        NotFoundError, IncompleteDatasetError: If there is no complete dataset to append to.
        FormatVersionError: If it is a dataset of another version, unless `overwrite`.
        DamagedDatasetError: If a dataset is not what was published, unless `overwrite`.
    """
    if append and overwrite:
        msg = "overwrite replaces a dataset and append adds to it. Give one of them."
        raise UsageError(msg)
    with failures_named("cannot look at DATASET", place, UsageError):
        area = place.area()
        seen, is_file = at_once(place, partial(see_manifest, place), lambda: not append and area.is_file())
        base = open_base_dataset(place) if append else None
        # What else is there may be forbidden to look at.
        is_empty = base is None and seen.is_missing and not is_file and area.is_empty()
        if base is None and seen.is_missing and not is_empty:
            seen = see_manifest(place)  # another launch may have published between both looks
        there = base is None and _has_dataset(
            place, seen, is_file=is_file, is_empty=is_empty, overwrite=overwrite, pattern=pattern
        )
        # Now, and not after the source is listed: its files may have other names then.
        compared = open_to_compare(place, _parsed(place, seen)) if there and not overwrite else None
        replaced = _replaced(place, seen, pattern=pattern) if there and overwrite else None
    opened = base or compared
    existing = replaced if opened is None else opened.manifest
    return Target(
        place=place, seen=seen.sha256, existing=existing, base=base, compared=compared, overwrite=overwrite
    )


def require_apart(dataset: Place, source: Place) -> None:
    """Checks that neither DATASET nor SOURCE is within the other.

    Raises:
        UsageError: If one is.
    """
    if dataset.within(source) or source.within(dataset):
        msg = f"DATASET {dataset} and SOURCE {source} must not contain each other, because the next run would convert the images of the dataset, too. Choose a folder beside the source."
        raise UsageError(msg)


def require_writable(place: Place) -> None:
    """Asks whether one may write there. Taking the lock asks again, by writing.

    Raises:
        UsageError: If nothing can be written there, or its staging area may be somebody else's.
    """
    area = Staging(place).root.area()
    area.require_own()
    try:
        area.require_writable()
    except OSError as error:
        msg = f"cannot write to DATASET {place}: {error.strerror}. {area.access_advice}."
        raise UsageError(msg) from error


def _has_dataset(
    place: Place, seen: SeenManifest, *, is_file: bool, is_empty: bool, overwrite: bool, pattern: str
) -> bool:
    """Whether there is a manifest, which may be anything; if not, a conversion may begin there."""
    area = place.area()
    if is_file:
        msg = f"DATASET {place} is a file. Expected a folder that does not exist yet, is empty, or holds a dataset. {pattern or IF_A_PATTERN}"
        raise UsageError(msg)
    if seen.content is not None or (not seen.is_missing and _has_manifest(place)):
        return True
    if is_empty or area.has_folder(WORK_FOLDER):
        return False
    if not overwrite or not area.names(DATASET_PATTERNS):
        raise _other_files(place, pattern)
    return False


def _parsed(place: Place, seen: SeenManifest) -> tuple[Manifest, str] | None:
    """The manifest that was seen, and the identity of its file; None if its file could not be read."""
    if seen.content is None or seen.identity is None:
        return None
    return parse_manifest(place, seen.content), seen.identity


def _replaced(place: Place, seen: SeenManifest, *, pattern: str) -> Manifest | None:
    """The complete dataset that is to be replaced; None if it cannot be read."""
    with suppress(FormatVersionError, DamagedDatasetError):
        return read_manifest(place) if seen.content is None else parse_manifest(place, seen.content)
    # Other programs write a `manifest.json`, too: without a shard or an index, this may be one of theirs.
    if not place.area().names(DATASET_PATTERNS):
        raise _other_files(place, pattern)
    return None


def _other_files(place: Place, pattern: str) -> UsageError:
    msg = f"DATASET {place} is a folder with other files in it. Expected one that does not exist yet, is empty, or holds a dataset. {pattern or IF_A_PATTERN}"
    return UsageError(msg)


def _has_manifest(place: Place) -> bool:
    try:
        place.find(MANIFEST_NAME)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except RefusedFileError:  # reading it says why
        return True
    return True


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
