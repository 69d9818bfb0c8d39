"""A conversion by hand, without any image: a job, the results of its shards, and the shards themselves."""

import dataclasses
import hashlib
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import google_crc32c
import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.shards.writers import Record, open_writer
from fitfeed.converters.source_file import SourceRoot
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.results import HashColumns, RowColumns, ShardResult
from fitfeed.schemas.features import FOLDER_LABELS, LabelKind, PlannedLabel
from fitfeed.schemas.histogram_json import histogram_to_json
from fitfeed.schemas.manifest_parts import Shard
from fitfeed.schemas.statistics import empty_histogram
from tests.forged import jpeg_claiming, png_claiming

EVERY_KIND: Mapping[str, LabelKind] = {
    "species": "class", "tags": "multiclass", "height_cm": "float", "petals": "int", "région": "mask", "note": "text",
}  # fmt: skip
NAMES = ["daisy", "rose", "tulip"]
NO_COPIES = {"within": 0, "label_conflicts": 0, "across_splits": 0, "dropped": 0}
OTHER_JOB = {"digest": "other", "source_digest": "1" * 64}


class Example(NamedTuple):
    """An example all of whose pixels have one value, and whose labels all follow from one number, 0 to 2."""

    height: int = 2
    width: int = 3
    value: int = 7
    label: int = 0
    format: str = "JPEG"
    profile: str | None = None
    depth: int = 8
    picture: int = 0
    largest: int = 0

    def labels(self, kinds: Mapping[str, LabelKind], options: ConvertOptions) -> dict[str, Any]:
        """A value of each kind; of a mask, its payload: raw pixels of the value `label`, or a PNG without pixels."""
        pixels = bytes([self.label]) * (self.height * self.width)
        values = {
            "class": self.label,
            "multiclass": list(range(self.label)),
            "float": self.label / 4 - 1,
            "int": self.label - 2**40,
            "mask": pixels
            if options.encoding == "raw"
            else png_claiming(self.height, self.width, color=0) + bytes([self.label]),
            "text": "ü\n" * self.label,
        }
        return {name: values[kind] for name, kind in kinds.items()}

    def payload(self, options: ConvertOptions) -> bytes:
        """What is stored: pixels if they are raw, else the header of a JPEG, and other bytes than its pixels."""
        if options.encoding != "raw":
            return jpeg_claiming(self.height, self.width) + bytes([self.value % 256, self.label]) * (
                1 + self.width
            )
        kind = "<u2" if options.depth == 16 else "u1"
        return np.full((self.height, self.width, options.channels), self.value, kind).tobytes()


SIDES = st.sampled_from([1, 2, 3, 40, 500])
PROFILES = st.sampled_from([None, "sRGB", "Display P3"])
EXAMPLES = st.builds(
    Example,
    height=SIDES,
    width=SIDES,
    value=st.integers(0, 255),
    label=st.integers(0, 2),
    format=st.sampled_from(["JPEG", "PNG", "TIFF"]),
    profile=PROFILES,
    depth=st.sampled_from([1, 8, 16]),
    picture=st.integers(0, 99),
    largest=st.sampled_from([0, 4095]),
)
SHARDS = st.lists(st.lists(EXAMPLES, max_size=5), max_size=4)


def roots_of(folder: str) -> list[SourceRoot]:
    """The only source of a job."""
    return [SourceRoot(number=0, name="photos", kind="folder", folder=folder)]


def job_of(
    splits: dict[str, list[int]],
    options: ConvertOptions | None = None,
    kinds: Mapping[str, LabelKind] = FOLDER_LABELS,
    **fields: Any,
) -> Job:
    """A job with labels of these kinds, where classes are `NAMES`."""
    features = {
        name: PlannedLabel(kind=kind, class_names=NAMES if kind in ("class", "multiclass") else [])
        for name, kind in kinds.items()
    }
    given: dict[str, Any] = {
        "sources": roots_of("/photos"),
        "statistics_split": "train",
        "files": 0,
        "bytes": 0,
        "source_digest": "0" * 64,
        "digest": "job",
        "rejects": [],
        "ignored": [],
        "max_bad": 0,
        "allow_leaks": False,
        "stamps": ["stamp"] * sum(map(len, splits.values())),
        **fields,
    }
    return Job(options=options or ConvertOptions(), features=features, splits=splits, **given)


def result_of(job: Job, file: str, examples: Sequence[Example]) -> ShardResult:
    """What comes out of a shard with these examples. The shard itself is not written."""
    options, kinds = job.options, job.kinds
    rows = RowColumns.for_labels(kinds)
    histogram = empty_histogram(channels=options.channels, depth=options.depth)
    masks = {name: np.zeros(256, np.int64) for name, kind in kinds.items() if kind == "mask"}
    for number, each in enumerate(examples):
        name, payload = f"{file}/{number}", each.payload(options)
        rows.key.append(name)
        rows.source.append(0)
        rows.path.append(f"{name}.jpg")
        rows.length.append(len(payload))
        rows.crc32c.append(google_crc32c.value(payload))
        rows.height.append(each.height)
        rows.width.append(each.width)
        rows.source_height.append(each.height)
        rows.source_width.append(each.width)
        rows.source_bytes.append(100 + number)
        rows.mean.append(each.value)
        rows.deviation.append(0)
        rows.orientation.append(1)
        rows.source_depth.append(each.depth)
        rows.source_largest.append(each.largest)
        rows.source_format.append(each.format)
        rows.profile.append(each.profile)
        for digests in rows.digests.values():
            digests += hashlib.md5(name.encode(), usedforsecurity=False).digest()
        for label, value in each.labels(kinds, options).items():
            if isinstance(value, bytes):
                rows.labels[f"{label}_length"].append(len(value))
                rows.labels[f"{label}_crc32c"].append(google_crc32c.value(value))
                masks[label][each.label] += each.height * each.width
            else:
                rows.labels[label].append(value)
        histogram[:, each.value] += each.height * each.width
    size = sum(rows.length)
    return ShardResult(
        stamp="stamp",
        shard=Shard(file=file, bytes=size, sha256="0" * 64, examples=len(examples)),
        rows=rows.placed(_ends(rows.length), {name: _ends(rows.labels[f"{name}_length"]) for name in masks}),
        image_hashes=HashColumns(*(_words(salt, examples) for salt in ("digest", "hash"))),
        rejects=[],
        histogram=histogram_to_json(histogram),
        mask_values={name: counts.tolist() for name, counts in masks.items()},
    )


def _ends(lengths: Sequence[int]) -> list[int]:
    """Where values of these lengths begin, one after the other."""
    return [0, *itertools.accumulate(lengths)][: len(lengths)]


def _words(salt: str, examples: Sequence[Example]) -> npt.NDArray[np.uint64]:
    """Equal words for equal pictures, and very different ones for others."""
    digests = (hashlib.md5(f"{salt} {each.picture}".encode(), usedforsecurity=False) for each in examples)
    words = np.frombuffer(b"".join(each.digest() for each in digests), "<u8")
    return words.reshape(-1, 2)


def write_result(job: Job, path: Path, examples: Sequence[Example]) -> ShardResult:
    """The same, and writes the shard."""
    result = result_of(job, path.name, examples)
    with open_writer(path, job.options, job.kinds) as writer:
        for key, each in zip(result.rows.key, examples, strict=True):
            record = Record(
                key=key,
                labels=each.labels(job.kinds, job.options),
                payload=each.payload(job.options),
                format="raw" if job.options.encoding == "raw" else "jpeg",
                height=each.height,
                width=each.width,
                channels=job.options.channels,
            )
            writer.write(record)
        stored = writer.finish()
    rows = result.rows.placed(stored.offsets, stored.mask_offsets)
    return dataclasses.replace(result, shard=stored.entry(path.name), rows=rows)
