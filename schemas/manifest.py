"""The manifest: one JSON file that says what a dataset is, published last.

Where `manifest.json` stands, the dataset is complete. It holds no clock, host name or absolute
path, so the same input and options give the same bytes anywhere. The JSON Schema that
`manifest.schema.json` publishes is generated from the models below (a test compares them).
"""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    model_validator,
)

from schemas.errors import DamagedDatasetError, IncompleteDatasetError, NotFoundError, UsageError
from schemas.statistics import BINS, ChannelStatistics

MANIFEST_NAME = "manifest.json"
REJECTS_NAME = "rejects.jsonl"
WORK_FOLDER = ".work"
"""Holds a conversion until it is published; removed then."""

FORMAT_VERSION: Literal[1] = 1

FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", max_length=255)]
"""A plain name inside the dataset's folder: no separator, no leading dot, so no way out of it."""

SplitName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class File(_Model):
    """A file of the dataset."""

    file: FileName
    bytes: NonNegativeInt
    sha256: Sha256


class Shard(File):
    """One shard file."""

    examples: NonNegativeInt


class Extent(_Model):
    """Distribution of one image dimension, in pixels as stored; percentiles are values that occur."""

    min: PositiveInt
    p5: PositiveInt
    median: PositiveInt
    p95: PositiveInt
    max: PositiveInt


class Split(_Model):
    """One split, its shards in order and its index."""

    examples: NonNegativeInt
    bytes: NonNegativeInt
    class_counts: list[NonNegativeInt]
    height: Extent | None
    width: Extent | None
    index: File
    shards: list[Shard]

    @model_validator(mode="after")
    def _sums_agree(self) -> Self:
        if self.examples != sum(shard.examples for shard in self.shards):
            msg = f"examples is {self.examples}, but the shards hold {sum(shard.examples for shard in self.shards)}"
            raise ValueError(msg)
        if self.bytes != sum(shard.bytes for shard in self.shards):
            msg = f"bytes is {self.bytes}, but the shards have {sum(shard.bytes for shard in self.shards)}"
            raise ValueError(msg)
        if self.examples != sum(self.class_counts):
            msg = f"examples is {self.examples}, but class_counts sum to {sum(self.class_counts)}"
            raise ValueError(msg)
        return self


class ImageFeature(_Model):
    """How images are stored.

    `encoding` is what the conversion was asked for. `keep` stores JPEG and PNG side by side, told
    apart by their first bytes. `shape` is (height, width, channels); null where images differ.
    """

    kind: Literal["image"] = "image"
    dtype: Literal["uint8"] = "uint8"
    shape: tuple[PositiveInt | None, PositiveInt | None, Literal[1, 3]]
    encoding: Literal["keep", "jpeg", "png", "raw"]

    @property
    def channels(self) -> int:
        """1 for grey, 3 for RGB."""
        return self.shape[2]


class ClassFeature(_Model):
    """A label: the number i stands for `class_names[i]`."""

    kind: Literal["class"] = "class"
    dtype: Literal["int64"] = "int64"
    class_names: list[str] = Field(min_length=1)


class KeyFeature(_Model):
    """The example's unique name: its path below the source folder."""

    kind: Literal["text"] = "text"
    dtype: Literal["string"] = "string"


class Features(_Model):
    """What every example has."""

    image: ImageFeature
    label: ClassFeature
    key: KeyFeature = KeyFeature()


class Statistics(_Model):
    """Pixel statistics of one split, of the pixels as stored (after orientation, colour and size).

    mean, std, min and max are per channel in the range 0..255 and follow from the histogram.
    """

    split: SplitName
    images: PositiveInt
    pixels: PositiveInt
    mean: list[float]
    std: list[float]
    min: list[NonNegativeInt]
    max: list[NonNegativeInt]
    histogram: list[list[NonNegativeInt]]

    @classmethod
    def of(cls, statistics: ChannelStatistics, *, split: str, images: int) -> Self:
        """Records exact statistics."""
        return cls(
            split=split,
            images=images,
            pixels=statistics.pixels,
            mean=statistics.mean,
            std=statistics.std,
            min=statistics.min,
            max=statistics.max,
            histogram=statistics.histogram.tolist(),
        )

    @model_validator(mode="after")
    def _follows_from_histogram(self) -> Self:
        if any(len(channel) != BINS for channel in self.histogram):
            msg = f"every channel's histogram must have {BINS} bins"
            raise ValueError(msg)
        exact = ChannelStatistics(self.histogram)
        recorded = (self.pixels, self.mean, self.std, self.min, self.max)
        derived = (exact.pixels, exact.mean, exact.std, exact.min, exact.max)
        if recorded != derived:
            msg = f"pixels, mean, std, min, max are {recorded}, but the histogram gives {derived}"
            raise ValueError(msg)
        return self


class Source(_Model):
    """What was converted: SHA-256 over the sorted listing (key, size, label and split of each file)."""

    files: NonNegativeInt
    digest: Sha256


class Manifest(_Model):
    """A complete dataset."""

    format: Literal["tfrecord", "hdf5"]
    format_version: Literal[1] = FORMAT_VERSION
    fingerprint: Sha256
    features: Features
    splits: dict[SplitName, Split] = Field(min_length=1)
    statistics: Statistics
    rejects: dict[str, PositiveInt]
    ignored: NonNegativeInt
    rejects_file: File
    options: dict[str, Any]
    source: Source

    @model_validator(mode="after")
    def _counts_fit_classes(self) -> Self:
        classes = len(self.features.label.class_names)
        for name, split in self.splits.items():
            if len(split.class_counts) != classes:
                msg = f"split {name!r} counts {len(split.class_counts)} classes, but there are {classes} class names"
                raise ValueError(msg)
        if len(self.statistics.histogram) != self.features.image.channels:
            msg = f"the histogram has {len(self.statistics.histogram)} channels, the image feature {self.features.image.channels}"
            raise ValueError(msg)
        return self

    @property
    def class_names(self) -> list[str]:
        """Names of the classes; label i is `class_names[i]`."""
        return self.features.label.class_names

    @property
    def shard_extension(self) -> str:
        """File name extension of the shards."""
        return SHARD_EXTENSIONS[self.format]

    def to_json(self) -> str:
        """The text of `manifest.json`."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n"


SHARD_EXTENSIONS = {"tfrecord": "tfrecord", "hdf5": "h5"}


def build_manifest(**fields: Any) -> Manifest:
    """Builds a manifest and seals it with its fingerprint."""
    unsealed = Manifest(fingerprint="0" * 64, **fields)
    return unsealed.model_copy(update={"fingerprint": fingerprint_of(unsealed)})


def fingerprint_of(manifest: Manifest) -> str:
    """SHA-256 over the manifest's canonical JSON without the fingerprint itself.

    The manifest holds the SHA-256 of every other file, so this identifies the whole dataset.
    """
    content = manifest.model_dump(mode="json", exclude={"fingerprint"})
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """Reads and checks the manifest of a complete dataset.

    Raises:
        NotFoundError: If the folder does not exist.
        IncompleteDatasetError: If it holds an unfinished conversion.
        UsageError: If it is no dataset at all, or of a version this fitfeed cannot read.
        DamagedDatasetError: If the manifest is not what was published.
    """
    path = folder / MANIFEST_NAME
    try:
        text = path.read_bytes()
    except FileNotFoundError as error:
        raise _why_no_manifest(folder) from error
    except NotADirectoryError as error:
        msg = f"{folder} is a file; a dataset is a folder with a {MANIFEST_NAME}."
        raise UsageError(msg) from error
    try:
        content = json.loads(text)
    except ValueError as error:
        msg = f"{path} is not JSON ({error}). Restore it, or convert again with --overwrite."
        raise DamagedDatasetError(msg) from error
    version = content.get("format_version") if isinstance(content, dict) else None
    if version != FORMAT_VERSION:
        msg = f"{path} has format_version {version!r}; this fitfeed reads version {FORMAT_VERSION}. Convert again, or use the fitfeed that wrote it."
        raise UsageError(msg)
    try:
        # From JSON text, because strict mode allows JSON's lists to be tuples there.
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        msg = f"{path} is not a valid manifest: {where}: {first['msg']}. Restore it, or convert again with --overwrite."
        raise DamagedDatasetError(msg) from error
    if manifest.fingerprint != fingerprint_of(manifest):
        msg = f"{path} was changed after publication: its fingerprint does not match its content. Restore it, or convert again with --overwrite."
        raise DamagedDatasetError(msg)
    return manifest


def _why_no_manifest(folder: Path) -> Exception:
    if (folder / WORK_FOLDER).is_dir():
        return IncompleteDatasetError(
            f"{folder} holds an unfinished conversion. Run the same `fitfeed convert` command again: it continues where it stopped."
        )
    if folder.exists():
        return UsageError(
            f"{folder} is not a fitfeed dataset: it has no {MANIFEST_NAME}. Make one with: fitfeed convert SOURCE {folder}"
        )
    return NotFoundError(f"{folder} does not exist. Make a dataset with: fitfeed convert SOURCE {folder}")


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `manifest.json`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Manifest.model_json_schema(mode="serialization"),
    }


if __name__ == "__main__":  # regenerates the published schema
    Path(__file__).with_name("manifest.schema.json").write_text(json.dumps(json_schema(), indent=1) + "\n")
