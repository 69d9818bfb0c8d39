"""A small source with a label of every kind for each picture, masks included, and all values known."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from fitfeed.converters.options import ConvertOptions

COLUMNS = ("species:class", "tags:multiclass", "height_cm:float", "petals:int", "région:mask", "note:text")
SPECIES = ["daisy", "rose", "tulip"]
TAGS = ["garden", "red", "wild"]
LAYOUTS: dict[str, dict[str, Any]] = {
    "tfrecord": {"format": "tfrecord"},
    "hdf5": {"format": "hdf5"},
    "raw_tfrecord": {"format": "tfrecord", "encoding": "raw", "size": (8, 8), "fit": "stretch"},
    "raw_hdf5": {"format": "hdf5", "encoding": "raw", "size": (8, 8), "fit": "stretch"},
}
EVERY_KIND = {
    "species": "class",
    "tags": "multiclass",
    "height_cm": "float",
    "petals": "int",
    "région": "mask",
    "note": "text",
}
IMAGES = 24


@dataclass(frozen=True)
class Flower:
    """What is true of one picture: its labels by column, the mask as upright pixels (H, W)."""

    path: str
    split: str
    gardener: str
    labels: dict[str, Any]
    mask: npt.NDArray[np.uint8]


def options(layout: str) -> ConvertOptions:
    """All columns, in one of `LAYOUTS`."""
    return ConvertOptions(shards=2, label_columns=COLUMNS, split_column="set", **LAYOUTS[layout])


def make_source(folder: Path) -> list[Flower]:
    """Writes pictures, masks, `labels.csv` and, saying the same, `labels.jsonl`."""
    random = np.random.default_rng(0)
    flowers = []
    for number in range(IMAGES):
        height, width = 8 + number % 10, 17 - number % 7
        path, mask_path = f"pictures/ä{number}.png", f"regions/{number}.png"
        for name in (path, mask_path):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (height, width, 3), np.uint8)).save(folder / path)
        mask = random.integers(0, 4, (height, width), np.uint8)
        picture = Image.fromarray(mask)
        if number % 2:  # the indices must come out, not the colours
            picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
        picture.save(folder / mask_path)
        labels = {
            "species": SPECIES[number % 3],
            "tags": [tag for bit, tag in enumerate(TAGS) if number >> bit & 1],
            "height_cm": number / 7 - 1,
            "petals": number - 2**40,
            "région": mask_path,
            "note": f'No. {number}, "ü"\nsecond line' * (number % 3 + 1),
        }
        split = "val" if number % 4 == 3 else "train"
        flowers.append(Flower(path, split, f"gardener {number % 5}", labels, mask))
    _write_tables(folder, flowers)
    return flowers


def _write_tables(folder: Path, flowers: list[Flower]) -> None:
    rows = [{"path": f.path, "set": f.split, "gardener": f.gardener, **f.labels} for f in flowers]
    with (folder / "labels.jsonl").open("w") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)
    with (folder / "labels.csv").open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\r\n")
        writer.writeheader()
        for row in rows:
            tags = row["tags"]
            writer.writerow(
                {**row, "tags": ";".join(tags) if tags else "[]", "height_cm": repr(row["height_cm"])}
            )
