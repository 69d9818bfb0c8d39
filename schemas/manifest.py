"""The manifest: one JSON file that says what a dataset is, published last.

A dataset with a `manifest.json` is complete. It has no time, host name or absolute path, so the same input and options
give the same bytes everywhere. The JSON Schema that
`manifest.schema.json` publishes is generated from the models below (a test compares them).
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator

from fitfeed.schemas.base_model import Count, Model, PositiveCount
from fitfeed.schemas.errors import (
    DamagedDatasetError,
    FitfeedError,
    FormatVersionError,
    IncompleteDatasetError,
    NotFoundError,
    UsageError,
)
from fitfeed.schemas.features import Features, MaskFeature
from fitfeed.schemas.files import RefusedFileError, damaged_file
from fitfeed.schemas.histogram_json import depth_of
from fitfeed.schemas.manifest_parts import (
    Bits,
    DeepSources,
    Duplicates,
    File,
    NamedSource,
    Sha256,
    Source,
    Split,
    SplitName,
    Statistics,
)
from fitfeed.schemas.refused_conversion import why_refused
from fitfeed.schemas.statistics import ChannelStatistics, add_histograms
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.strict_json import parse_json
from fitfeed.schemas.text import shortened

T = TypeVar("T")

MANIFEST_NAME = "manifest.json"
REJECTS_NAME = "rejects.jsonl"
WORK_FOLDER = ".work"
"""The folder of a conversion until it is published. It is removed then."""

FORMAT_VERSION: Literal[2] = 2

MAX_MANIFEST_BYTES = 16 << 20
"""16 MiB, about 90,000 shards: more is refused without reading it, because a reader has all of it in memory."""


class Manifest(Model):
    """A complete dataset.

    `profiles` counts the images by the name of their color profile, where they have one, and `depths` all of
    them by the bits per value of their files. `largest_value` is the largest value of any pixel as stored, where
    the dataset has 16 bits: 4095 says that a camera gave 12. `deep_sources` says it of the files, where pixels are
    stored in 8 bits or scaled.
    """

    format: Literal["tfrecord", "hdf5"]
    format_version: Literal[2] = FORMAT_VERSION
    fingerprint: Sha256
    features: Features
    splits: dict[SplitName, Split] = Field(min_length=1)
    statistics: Statistics
    rejects: dict[str, PositiveCount]
    ignored: Count
    profiles: dict[str, PositiveCount]
    depths: dict[Bits, PositiveCount]
    largest_value: Count | None
    deep_sources: DeepSources | None = None
    duplicates: Duplicates
    rejects_file: File
    options: dict[str, Any]
    sources: list[NamedSource] = Field(min_length=1)
    source: Source

    @model_validator(mode="after")
    def _counts_fit_classes(self) -> Self:
        classes = len(self.class_names)
        for name, split in self.splits.items():
            counts = split.class_counts
            if len(counts) != classes:
                msg = f"split {name!r} counts {len(counts)} classes, but there are {classes} class names"
                raise ValueError(msg)
            if self.has_one_class_each and sum(counts) != split.examples:
                msg = (
                    f"split {name!r} has {split.examples} examples, but its class_counts sum to {sum(counts)}"
                )
                raise ValueError(msg)
            if max(counts, default=0) > split.examples:
                msg = f"split {name!r} has {split.examples} examples, but {max(counts)} of one class"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _statistics_fit_splits(self) -> Self:
        image, recorded = self.features.image, self.statistics
        for name, split in self.splits.items():
            if len(split.histogram) != image.channels:
                msg = f"the histogram of split {name!r} has {len(split.histogram)} channels, the image feature {image.channels}"
                raise ValueError(msg)
            if depth_of(split.histogram) != image.depth:
                msg = f"the histogram of split {name!r} is of {depth_of(split.histogram)} bits, the image feature of {image.dtype}"
                raise ValueError(msg)
        counted = self.splits.get(recorded.split)
        if counted is None or counted.examples != recorded.images:
            msg = f"the statistics count {recorded.images} images of split {recorded.split!r}, which is not that split"
            raise ValueError(msg)
        derived = Statistics.of(
            ChannelStatistics(counted.counts), split=recorded.split, images=counted.examples
        )
        for name, value in derived:
            if getattr(recorded, name) != value:
                msg = f"the statistics have {name} {getattr(recorded, name)}, but the histogram gives {value}"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _facts_fit_splits(self) -> Self:
        examples = sum(split.examples for split in self.splits.values())
        if sum(self.depths.values()) != examples or sum(self.profiles.values()) > examples:
            msg = f"depths count {sum(self.depths.values())} images and profiles {sum(self.profiles.values())}, of {examples}"
            raise ValueError(msg)
        exact = self.exact_statistics(self.splits)
        largest = max(exact.max) if self.features.image.depth == 16 else None
        if self.largest_value != largest:
            msg = f"largest_value is {self.largest_value}, but the histograms give {largest}"
            raise ValueError(msg)
        for name, feature in self.features.labels.items():
            if isinstance(feature, MaskFeature) and sum(feature.values.values()) != exact.pixels:
                msg = f"the values of mask {name!r} count {sum(feature.values.values())} pixels, its images have {exact.pixels}"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _every_file_has_one_purpose(self) -> Self:
        names = [MANIFEST_NAME, *(entry.file for entry in self.files())]
        if len(set(names)) != len(names):
            twice = next(name for name, times in Counter(names).items() if times > 1)
            msg = f"the file {twice!r} is named twice"
            raise ValueError(msg)
        return self

    def exact_statistics(self, splits: Iterable[str]) -> ChannelStatistics:
        """All that follows from the counts of some splits together, also percentiles.

        Raises:
            ValueError: If they have no pixels.
        """
        image = self.features.image
        counts = (self.splits[name].counts for name in splits)
        return ChannelStatistics(add_histograms(counts, channels=image.channels, depth=image.depth))

    def files(self) -> list[File]:
        """Every file of the dataset but the manifest: index and shards of each split, then the list of rejects."""
        listed: list[File] = []
        for split in self.splits.values():
            listed += [split.index, *split.shards]
        return [*listed, self.rejects_file]

    @property
    def class_names(self) -> list[str]:
        """Names of the classes of the first label that has classes. Label i is `class_names[i]`."""
        found = self.features.classes
        return [] if found is None else found[1].class_names

    @property
    def has_one_class_each(self) -> bool:
        """Whether every example has exactly one of the classes of `class_names`."""
        found = self.features.classes
        return found is not None and found[1].kind == "class"

    @property
    def shard_extension(self) -> str:
        """File name extension of the shards."""
        return SHARD_EXTENSIONS[self.format]

    def to_dict(self) -> dict[str, Any]:
        """The content of `manifest.json`, in its order."""
        content = _dump(self)
        features = content["features"]
        features["key"] = features.pop("key")  # last, where the format has always had it
        return content

    def to_json(self) -> str:
        """The text of `manifest.json`."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1) + "\n"


LATER_FIELDS = ("deep_sources",)
"""Fields that came after the first manifests of this version. They are not written where they are null, so that all that
was written before keeps its bytes and its fingerprint."""


def _dump(manifest: Manifest) -> dict[str, Any]:
    content = manifest.model_dump(mode="json")
    for name in LATER_FIELDS:
        if content[name] is None:
            del content[name]
    return content


SHARD_EXTENSIONS = {"tfrecord": "tfrecord", "hdf5": "h5"}


def build_manifest(**fields: Any) -> Manifest:
    """Builds a manifest and seals it with its fingerprint."""
    unsealed = Manifest(fingerprint="0" * 64, **fields)
    return unsealed.model_copy(update={"fingerprint": fingerprint_of(unsealed)})


def fingerprint_of(manifest: Manifest) -> str:
    """SHA-256 over the manifest's canonical JSON without the fingerprint itself.

    The manifest holds the SHA-256 of every other file, so this identifies the whole dataset.
    """
    content = _dump(manifest)
    del content["fingerprint"]
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def read_manifest(folder: str | os.PathLike[str] | Place) -> Manifest:
    """Reads and checks the manifest of a complete dataset.

    Raises:
        NotFoundError: If the folder does not exist.
        IncompleteDatasetError: If it holds an unfinished conversion.
        UsageError: If it is not a dataset.
        FormatVersionError: If it is a dataset of another version.
        DamagedDatasetError: If the manifest is not what was published.
    """
    return find_manifest(open_place(folder, "DATASET"))[0]


def find_manifest(place: Place) -> tuple[Manifest, str]:
    """Reads and checks the manifest of a complete dataset; see `read_manifest`.

    Returns:
        The manifest, and the identity of its file: once the dataset is replaced, that of another one.
    """
    text, identity = read_manifest_text(place)
    return parse_manifest(place, text), identity


def read_as_one(
    place: Place, read: Callable[[Manifest], T], *, found: tuple[Manifest, str] | None = None
) -> T:
    """Reads files of a dataset that another launch may be changing: all of one manifest.

    An append gives files their final names right after its manifest. Who has read that one finds them gone.

    Args:
        place: The dataset.
        read: Reads what it needs of the dataset with this manifest. It is called again if that has changed meanwhile.
        found: What `find_manifest` has just returned, if it was called already.

    Raises:
        DamagedDatasetError: If a file is not what the manifest says, and the manifest is still the same.
    """
    manifest, identity = find_manifest(place) if found is None else found
    while True:
        try:
            return read(manifest)
        except DamagedDatasetError:
            before = identity
            manifest, identity = find_manifest(place)
            if identity == before:
                raise


def parse_manifest(place: Place, text: bytes) -> Manifest:
    """Checks the manifest of a complete dataset.

    Args:
        place: The dataset.
        text: What was read there: at most a byte more than a manifest may have.

    Raises:
        FormatVersionError: If it is of another version.
        DamagedDatasetError: If it is not what was published.
    """
    path = place.address(MANIFEST_NAME)
    if len(text) > MAX_MANIFEST_BYTES:
        msg = f"{path} has more than {MAX_MANIFEST_BYTES >> 20} MiB, more than a manifest may have. {_ADVICE}"
        raise DamagedDatasetError(msg)
    try:
        content = parse_json(text)
    except ValueError as error:
        msg = f"{path} is not JSON as fitfeed writes it ({error}). {_ADVICE}"
        raise DamagedDatasetError(msg) from error
    version = content.get("format_version") if isinstance(content, dict) else None
    if type(version) is not int or version < 1:  # True is an int too
        msg = f"{path} is not a valid manifest: format_version is {shortened(version)}, not a number from 1. {_ADVICE}"
        raise DamagedDatasetError(msg)
    if version != FORMAT_VERSION:
        raise _other_version(place, version)
    try:
        # From JSON text, because strict mode allows JSON's lists to be tuples there.
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False, include_url=False)[0]
        where = shortened(".".join(str(part) for part in first["loc"]) or "the whole")
        msg = f"{path} is not a valid manifest: {where}: {shortened(first['msg'], limit=300)}. {_ADVICE}"
        raise DamagedDatasetError(msg) from None  # pydantic's own error has names of the manifest as they are
    if manifest.fingerprint != fingerprint_of(manifest):
        msg = f"{path} was changed after publication: its fingerprint does not match its content. {_ADVICE}"
        raise DamagedDatasetError(msg)
    return manifest


def _other_version(folder: Place, version: int) -> FormatVersionError:
    if version < FORMAT_VERSION:
        msg = f"{folder} was made by an earlier fitfeed; convert again, with --overwrite if into the same folder. Received format version {version}, expected {FORMAT_VERSION}."
        return FormatVersionError(msg)
    msg = f"{folder} was made by a later fitfeed; update fitfeed, or convert again with --overwrite. Received format version {shortened(version)}, expected {FORMAT_VERSION}."
    return FormatVersionError(msg)


_ADVICE = "Restore it, or convert again with --overwrite."


def read_manifest_text(place: Place) -> tuple[bytes, str]:
    """Reads the manifest of a complete dataset for `parse_manifest`; see `read_manifest`.

    Returns:
        What is there, at most a byte more than a manifest may have, and the identity of the file.
    """
    path = place.address(MANIFEST_NAME)
    try:
        text, found = place.read(MANIFEST_NAME, at_most=MAX_MANIFEST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _why_no_manifest(place) from error
    except RefusedFileError as error:
        raise damaged_file(path, error) from error
    except OSError as error:
        # A store says what to do, and a network that failed needs no permissions.
        cure = place.choose(local=lambda _: " Change its permissions.", far=lambda _: "")
        msg = f"{path} cannot be read: {error.strerror}.{cure}"
        raise UsageError(msg) from error
    return text, found.identity


def _why_no_manifest(place: Place) -> FitfeedError:
    area = place.area()
    if area.has_folder(WORK_FOLDER):
        again = "Run the same `fitfeed convert` command again"
        refused = why_refused(place.below(WORK_FOLDER))
        if refused is not None:
            return IncompleteDatasetError(
                f"{place} holds a conversion that was not published, because {refused}. {again}: it says what can be done."
            )
        return IncompleteDatasetError(
            f"{place} holds an unfinished conversion. {again}: it continues where it stopped."
        )
    if area.is_file():
        return UsageError(f"{place} is a file; a dataset is a folder with a {MANIFEST_NAME}.")
    if area.names(["*.index.arrow"]):
        return DamagedDatasetError(
            f"{place} has an index but no {MANIFEST_NAME}: it is lost, or not copied yet. Copy it, or convert again with --overwrite."
        )
    if place.exists():
        what = f"{place} is not a fitfeed dataset: it has no {MANIFEST_NAME}."
        if area.names(["*-of-*"]):
            return UsageError(
                f"{what} If its shards are of fitfeed, copy {MANIFEST_NAME} as well. To see what is in them: fitfeed inspect {place}"
            )
        return UsageError(f"{what} Make one with: fitfeed convert SOURCE {place}")
    return NotFoundError(f"{place} does not exist. Make a dataset with: fitfeed convert SOURCE {place}")


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `manifest.json`."""
    schema = Manifest.model_json_schema(mode="serialization")
    schema["required"] = [name for name in schema["required"] if name not in LATER_FIELDS]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


if __name__ == "__main__":  # regenerates the published schema
    Path(__file__).with_name("manifest.schema.json").write_text(json.dumps(json_schema(), indent=1) + "\n")
