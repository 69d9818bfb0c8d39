"""The parts of a manifest: files, splits, statistics, sources, duplicates."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from fitfeed.schemas.base_model import Count, Model, PositiveCount, Side
from fitfeed.schemas.histogram_json import HistogramJson, depth_of, histogram_from_json
from fitfeed.schemas.statistics import ChannelStatistics, Histogram

FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", max_length=255)]
"""A plain name inside the dataset's folder: no separator, no leading dot, so no way out of it."""

SplitName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
SourceKind = Literal["folder", "table", "dataset"]
"""What lists the images of a source: a folder, a table that names them, or the index of a dataset."""

MAX_SOURCE_NAME = 1024

Bits = Annotated[int, Field(ge=1, le=16)]
"""Per value of an image file."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class File(Model):
    """A file of the dataset."""

    file: FileName
    bytes: Count
    sha256: Sha256


class Shard(File):
    """One shard file."""

    examples: Count


class Extent(Model):
    """Distribution of one image dimension, in pixels as stored; percentiles are values that occur."""

    min: Side
    p5: Side
    median: Side
    p95: Side
    max: Side


class Split(Model):
    """One split, its shards in order, its index, and how often each value occurs in its pixels.

    `histogram` is of the pixels as stored: a list of 256 counts for each channel, or a text of the counts
    that are not 0 among 65,536, as `value:count value:count ...`.
    """

    examples: Count
    bytes: Count
    class_counts: list[Count]
    height: Extent | None
    width: Extent | None
    index: File
    shards: list[Shard]
    histogram: HistogramJson

    @model_validator(mode="after")
    def _sums_agree(self) -> Self:
        if self.examples != sum(shard.examples for shard in self.shards):
            msg = f"examples is {self.examples}, but the shards hold {sum(shard.examples for shard in self.shards)}"
            raise ValueError(msg)
        if self.bytes != sum(shard.bytes for shard in self.shards):
            msg = f"bytes is {self.bytes}, but the shards have {sum(shard.bytes for shard in self.shards)}"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _every_channel_has_all_pixels(self) -> Self:
        pixels = {int(channel.sum()) for channel in self.counts}
        if len(pixels) != 1 or bool(self.examples) != bool(pixels - {0}) or min(pixels) < self.examples:
            msg = f"the channels of the histogram count {sorted(pixels)} pixels, and the split has {self.examples} examples"
            raise ValueError(msg)
        return self

    @property
    def counts(self) -> Histogram:
        """The histogram, int64 (channels, 256), or (channels, 65536) for 16 bits."""
        return histogram_from_json(self.histogram, depth_of(self.histogram))


class Statistics(Model):
    """Pixel statistics of one split, of the pixels as stored (after orientation, color and size).

    They are per channel, in the range 0..255 (0..65535 if the dataset has 16 bits), and follow from
    the split's histogram.
    """

    split: SplitName
    images: PositiveCount
    pixels: PositiveCount
    mean: list[float]
    std: list[float]
    min: list[Count]
    max: list[Count]

    @classmethod
    def of(cls, exact: ChannelStatistics, *, split: str, images: int) -> Self:
        """Records what follows from a split's counts."""
        return cls(
            split=split,
            images=images,
            pixels=exact.pixels,
            mean=exact.mean,
            std=exact.std,
            min=exact.min,
            max=exact.max,
        )


class Source(Model):
    """What was converted, all sources together: SHA-256 over the sorted listing (key, size, label and split of each file)."""

    files: Count
    digest: Sha256


class NamedSource(Model):
    """A source of examples, without its place on the machine that converted it.

    `name` is the name of its folder. `uri` is a keyed hash of the address of a source in a store. It is null for a
    source on a disk, because the same images in another folder give the same dataset.
    """

    name: Annotated[str, Field(max_length=MAX_SOURCE_NAME)]
    kind: SourceKind
    uri: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None


class DeepSources(Model):
    """What the files with more than 8 bits were, where the stored pixels do not say it.

    `largest` is the largest value of those that do not say themselves which value is white. `clipped` is the number of
    images with larger values than the one that `--white` called white.
    """

    largest: Annotated[int, Field(ge=1, le=65_535)]
    clipped: Count


class Duplicates(Model):
    """How many examples have the pixels of another one, and how many were left out: docs/format.md."""

    within: Count
    label_conflicts: Count
    across_splits: Count
    dropped: Count
