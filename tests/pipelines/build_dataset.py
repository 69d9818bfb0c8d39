"""Writes small datasets from the description of the format alone: a second, independent writer.

It shares no code with `converters`, so a mistake there cannot cancel out here.
"""

import hashlib
import io
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import google_crc32c
import h5py
import numpy as np
import simplejpeg
from PIL import Image
from xxhash import xxh3_128_digest

from fitfeed.schemas.histogram_json import HistogramJson
from fitfeed.schemas.index import write_index
from fitfeed.schemas.manifest import MANIFEST_NAME, REJECTS_NAME, build_manifest
from fitfeed.schemas.manifest_parts import File, Shard, Split, Statistics
from fitfeed.schemas.payload import Pixels, claimed_size, decode_payload
from fitfeed.schemas.sharding import index_file_name, shard_bounds, shard_file_name
from fitfeed.schemas.statistics import ChannelStatistics
from fitfeed.schemas.tfrecord import HEADER_BYTES, encode_example, frame

Format = Literal["tfrecord", "hdf5"]
T = TypeVar("T")
CLASS_NAMES = ["daisy", "rose", "tulip"]


@dataclass(frozen=True)
class Example:
    """One example: its stored bytes and what they decode to."""

    key: str
    label: int
    payload: bytes
    pixels: Pixels


def encoded(key: str, label: int, payload: bytes, *, channels: int = 3) -> Example:
    """An example stored as a JPEG or PNG file."""
    return Example(
        key, label, payload, decode_payload(payload, size=claimed_size(payload), channels=channels)
    )


def raw(key: str, label: int, pixels: Pixels) -> Example:
    """An example stored as plain pixels."""
    return Example(key, label, pixels.tobytes(), pixels)


def build_dataset(
    folder: Path,
    splits: Mapping[str, Sequence[Example]],
    *,
    format: Format = "tfrecord",  # noqa: A002  the manifest's own word
    shards: int = 2,
    is_raw: bool = False,
) -> Path:
    """Writes a dataset of some splits; each needs at least as many examples as shards."""
    folder.mkdir(parents=True)
    entries = {
        name: _write_split(folder, name, examples, format, shards, is_raw)
        for name, examples in splits.items()
    }
    every = [example for examples in splits.values() for example in examples]
    first = next(iter(splits))
    channels = every[0].pixels.shape[2]
    shapes = {example.pixels.shape for example in every}
    levels = 1 << 8 * every[0].pixels.itemsize
    (folder / REJECTS_NAME).write_bytes(b"")
    manifest = build_manifest(
        format=format,
        features={
            "image": {
                "dtype": every[0].pixels.dtype.name,
                "shape": shapes.pop() if len(shapes) == 1 else (None, None, channels),
                "encoding": "raw" if is_raw else "keep",
            },
            "label": {"kind": "class", "class_names": CLASS_NAMES, "class_order": "text"},
            "key": {},
        },
        splits=entries,
        statistics=Statistics.of(
            ChannelStatistics(entries[first].counts), split=first, images=len(splits[first])
        ),
        rejects={},
        ignored=0,
        profiles={},
        depths={8 * every[0].pixels.itemsize: len(every)},
        largest_value=int(max(example.pixels.max() for example in every)) if levels > 256 else None,
        duplicates={"within": 0, "label_conflicts": 0, "across_splits": 0, "dropped": 0},
        rejects_file=_file(folder / REJECTS_NAME),
        options={},
        sources=[{"name": "built", "kind": "folder", "uri": None}],
        source={"files": len(every), "digest": "0" * 64},
    )
    (folder / MANIFEST_NAME).write_text(manifest.to_json())
    return folder


def pickled(value: T) -> T:
    """What another process would receive."""
    copy: T = pickle.loads(pickle.dumps(value))  # noqa: S301  our own bytes
    return copy


def picture(number: int, height: int, width: int, channels: int = 3) -> Pixels:
    """A smooth picture with some noise, different for each number."""
    random = np.random.default_rng(number)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    frequency, phase = random.uniform(2, 12, (2, channels)), random.uniform(0, 6, channels)
    waves = np.sin(y[..., None] * frequency[0] + x[..., None] * frequency[1] + phase)
    noise = random.normal(0, 4, (height, width, channels))
    pixels: Pixels = np.clip(128 + 100 * waves + noise, 0, 255).astype(np.uint8)
    return pixels


def jpeg_example(number: int) -> Example:
    """Stored as JPEG, every fifth as PNG, in various sizes."""
    height, width = 40 + number * 7 % 50, 40 + number * 11 % 60
    pixels = picture(number, height, width)
    if number % 5 == 4:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        payload = file.getvalue()
    else:
        payload = simplejpeg.encode_jpeg(pixels, quality=90)
    return encoded(f"class{number % 3}/image{number:04}", number % 3, payload)


def raw_example(number: int) -> Example:
    """Stored as 32 x 24 pixels."""
    return raw(f"class{number % 3}/image{number:04}", number % 3, picture(number, 32, 24))


def _write_split(
    folder: Path,
    name: str,
    examples: Sequence[Example],
    format_: Format,
    shards: int,
    is_raw: bool,
) -> Split:
    extension = "tfrecord" if format_ == "tfrecord" else "h5"
    offsets, numbers, entries = [], [], []
    for number, (first, stop) in enumerate(shard_bounds(len(examples), shards)):
        path = folder / shard_file_name(name, number, shards, extension)
        part = examples[first:stop]
        offsets += _write_tfrecord(path, part) if format_ == "tfrecord" else _write_hdf5(path, part, is_raw)
        numbers += [number] * len(part)
        entries.append(Shard(**_file(path).model_dump(), examples=len(part)))
    index = folder / index_file_name(name)
    write_index(
        index,
        {
            "key": [example.key for example in examples],
            "path": [example.key for example in examples],
            "label": [example.label for example in examples],
            "source": [0] * len(examples),
            "shard": numbers,
            "offset": offsets,
            "length": [len(example.payload) for example in examples],
            "crc32c": [google_crc32c.value(example.payload) for example in examples],
            "height": [example.pixels.shape[0] for example in examples],
            "width": [example.pixels.shape[1] for example in examples],
            "source_bytes": [len(example.payload) for example in examples],
            "source_digest": [xxh3_128_digest(example.payload) for example in examples],
            "pixel_digest": [xxh3_128_digest(example.pixels.tobytes()) for example in examples],
            "mean": [0] * len(examples),
            "deviation": [0] * len(examples),
            "orientation": [1] * len(examples),
            "source_format": ["PNG"] * len(examples),
            "profile": [None] * len(examples),
            "source_height": [example.pixels.shape[0] for example in examples],
            "source_width": [example.pixels.shape[1] for example in examples],
        },
    )
    return Split(
        examples=len(examples),
        bytes=sum(entry.bytes for entry in entries),
        class_counts=np.bincount([e.label for e in examples], minlength=len(CLASS_NAMES)).tolist(),
        height=None,
        width=None,
        index=_file(index),
        shards=entries,
        histogram=_histogram(examples),
    )


def _histogram(examples: Sequence[Example]) -> HistogramJson:
    """Counts every value of every channel."""
    values = np.concatenate([example.pixels.reshape(-1, example.pixels.shape[2]) for example in examples])
    levels = 1 << 8 * values.itemsize
    counts = [np.bincount(channel, minlength=levels).tolist() for channel in values.T]
    if values.itemsize == 1:
        return counts
    return [" ".join(f"{value}:{count}" for value, count in enumerate(each) if count) for each in counts]


def _write_tfrecord(path: Path, examples: Sequence[Example]) -> list[int]:
    offsets = []
    with path.open("wb") as file:
        for example in examples:
            message, inside = encode_example(
                example.payload, {"label": example.label, "key": example.key.encode()}
            )
            before, after = frame(message)
            offsets.append(file.tell() + HEADER_BYTES + inside["image"])
            file.write(before + message + after)
    return offsets


def _write_hdf5(path: Path, examples: Sequence[Example], is_raw: bool) -> list[int]:
    lengths = [len(example.payload) for example in examples]
    with h5py.File(path, "w") as file:
        if is_raw:
            image = file.create_dataset("image", data=np.stack([example.pixels for example in examples]))
        else:
            blob = np.frombuffer(b"".join(example.payload for example in examples), np.uint8)
            image = file.create_dataset("image", data=blob)
            file.create_dataset("image_offset", data=np.cumsum([0, *lengths]))
        file.flush()
        begin = image.id.get_offset()
    return [begin + before for before in np.cumsum([0, *lengths[:-1]]).tolist()]


def _file(path: Path) -> File:
    data = path.read_bytes()
    return File(file=path.name, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
