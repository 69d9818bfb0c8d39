"""What is measured at scale: tiny pictures by the hundred thousand, and datasets of a million examples."""

import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import simplejpeg

from fitfeed.schemas.files import file_sha256
from fitfeed.schemas.manifest import MANIFEST_NAME, Manifest, fingerprint_of, read_manifest

SIDE = 16
CLASSES = 10
AT_ONCE = 1000


def write_tiny_images(folder: Path, images: int) -> None:
    """Fills a source folder with JPEG files of 16 x 16 random pixels, no two alike.

    Args:
        folder: To be made: one folder per class.
        images: How many.
    """
    for number in range(CLASSES):
        (folder / f"class{number}").mkdir(parents=True)
    for start in range(0, images, AT_ONCE):
        pictures = np.random.default_rng(start).integers(0, 256, (AT_ONCE, SIDE, SIDE, 3), np.uint8)
        for number, pixels in enumerate(pictures[: images - start], start=start):
            path = folder / f"class{number % CLASSES}" / f"{number:08d}.jpg"
            path.write_bytes(simplejpeg.encode_jpeg(pixels, quality=90))


def repeat_dataset(dataset: Path, grown: Path, *, times: int) -> None:
    """Makes a large dataset of a small one whose splits have one shard each.

    A shard stands there again and again, as a link to the same file, and so do its index's rows.
    To whoever opens it and reads from it, it is a dataset like any other.

    Args:
        dataset: The small one.
        grown: Folder to make, on the same file system.
        times: How many shards each split gets.
    """
    grown.mkdir()
    manifest = read_manifest(dataset)
    os.link(dataset / manifest.rejects_file.file, grown / manifest.rejects_file.file)
    content = json.loads((dataset / MANIFEST_NAME).read_text())
    for name, split in manifest.splits.items():
        (shard,) = split.shards
        _, extension = shard.file.split(".", 1)
        files = [f"{name}-{number:05d}-of-{times:05d}.{extension}" for number in range(times)]
        for file in files:
            os.link(dataset / shard.file, grown / file)
        index = grown / split.index.file
        _repeat_index(dataset / split.index.file, index, times=times)
        entry = content["splits"][name]
        entry["examples"] *= times
        entry["bytes"] *= times
        entry["class_counts"] = [count * times for count in entry["class_counts"]]
        entry["shards"] = [{**entry["shards"][0], "file": file} for file in files]
        entry["index"] = {"file": index.name, "bytes": index.stat().st_size, "sha256": file_sha256(index)}
        entry["histogram"] = [[count * times for count in channel] for channel in entry["histogram"]]
    counted = content["statistics"]
    counted["images"] *= times
    counted["pixels"] *= times
    for counts in ("profiles", "depths"):
        content[counts] = {each: count * times for each, count in content[counts].items()}
    sealed = Manifest.model_validate_json(json.dumps(content))
    sealed = sealed.model_copy(update={"fingerprint": fingerprint_of(sealed)})
    (grown / MANIFEST_NAME).write_text(sealed.to_json())


def _repeat_index(path: Path, repeated: Path, *, times: int) -> None:
    """Writes all rows again for each shard, in one batch."""
    with pa.memory_map(str(path)) as file:
        rows = pa.ipc.open_file(file).read_all()
    shard = np.repeat(np.arange(times, dtype=np.int32), len(rows))
    many = pa.concat_tables([rows] * times)
    place = many.schema.get_field_index("shard")
    many = many.set_column(place, many.schema.field(place), pa.array(shard)).combine_chunks()
    with pa.OSFile(str(repeated), "wb") as sink, pa.ipc.new_file(sink, many.schema) as writer:
        writer.write_table(many)
