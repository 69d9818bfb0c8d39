"""A damaged mask means a damaged example: an error by name, or left out with its image and labels."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fitfeed.pipelines import Dataset, RandomFlip, RandomResizedCrop, make_pipeline, open_dataset
from fitfeed.schemas.errors import DamagedExampleError
from tests.labelled import LAYOUTS

MASK = "région"
BAD_MASKS, BAD_IMAGE, BAD_BOTH = (2, 7, 8), 5, 11
BAD = {*BAD_MASKS, BAD_IMAGE, BAD_BOTH}
Labelled = Callable[[str], Path]


def damage(path: Path, layout: str) -> Dataset:
    """Masks of five examples overwritten in their middle, and images of two."""
    dataset = open_dataset(path)
    index, shards = dataset.records("train").index, dataset.splits["train"].shards
    mask = index.labels[MASK]
    places = [(row, mask.offset[row], mask.length[row]) for row in (*BAD_MASKS, BAD_BOTH)]
    if "raw" not in layout:  # nothing shows the damage of raw images but `verify`
        places += [(row, index.offset[row], index.length[row]) for row in (BAD_IMAGE, BAD_BOTH)]
    for row, offset, length in places:
        with (path / shards[index.shard[row]].file).open("r+b") as file:
            file.seek(int(offset + length // 2))
            old = file.read(4)
            file.seek(-len(old), 1)
            file.write(bytes(byte ^ 0x55 for byte in old))
    return dataset


def batches(dataset: Dataset | Path, **options: Any) -> list[dict[str, Any]]:
    settings: dict[str, Any] = {
        "batch_size": 6, "image_size": (8, 8), "output": "dict", "seed": 3, "drop_remainder": False,
        "augment": [RandomResizedCrop(), RandomFlip("horizontal")],
    }  # fmt: skip
    pipeline = make_pipeline(dataset, "train", **{**settings, **options})
    return [{name: tensor.numpy() for name, tensor in batch.items()} for batch in pipeline]


@pytest.mark.slow
@pytest.mark.parametrize(("layout", "access"), [*zip(LAYOUTS, ["indexed", "stream"] * 2, strict=True)])
def test_all_others_stay_where_they_are(labelled: Labelled, tmp_path: Path, layout: str, access: str) -> None:
    shutil.copytree(labelled(layout), tmp_path / "d")
    whole = open_dataset(labelled(layout))
    bad = BAD - {BAD_IMAGE} if "raw" in layout else BAD
    names = {whole.records("train").index.key(row).encode() for row in bad}
    dataset = damage(tmp_path / "d", layout)
    for epoch in range(2):
        options: dict[str, Any] = {"access": access, "start": (epoch, 0)}
        ours, theirs = batches(dataset, on_error="skip", **options), batches(whole, **options)
        assert len(ours) == len(theirs) == 3
        for a, b in zip(ours, theirs, strict=True):
            kept = np.array([key not in names for key in b["key"]])
            assert a.keys() == b.keys()
            assert all(np.array_equal(a[name], b[name][kept]) for name in a)
    assert dataset.skipped == {"train": len(bad), "validation": 0}  # each once, in two epochs
    with pytest.raises(tf.errors.OpError, match="DamagedExampleError"):
        batches(dataset, access=access)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_is_named_with_its_place(labelled: Labelled, tmp_path: Path, layout: str) -> None:
    shutil.copytree(labelled(layout), tmp_path / "d")
    dataset = damage(tmp_path / "d", layout)
    records = dataset.records("train")
    index, row = records.index, BAD_MASKS[0]
    shard = dataset.splits["train"].shards[index.shard[row]].file
    with pytest.raises(DamagedExampleError) as caught:
        records[row]
    for part in (shard, index.key(row), f"its {MASK}, ", f"at byte {index.labels[MASK].offset[row]}"):
        assert part in str(caught.value)


def test_images_alone_do_not_ask_for_masks(labelled: Labelled, tmp_path: Path) -> None:
    shutil.copytree(labelled("hdf5"), tmp_path / "d")
    dataset = damage(tmp_path / "d", "hdf5")
    batches(dataset, labels=None, on_error="skip")
    assert dataset.skipped["train"] == 2


def test_a_batch_without_a_whole_mask_is_an_error(labelled: Labelled, tmp_path: Path) -> None:
    shutil.copytree(labelled("tfrecord"), tmp_path / "d")
    dataset = damage(tmp_path / "d", "tfrecord")
    options: dict[str, Any] = {"batch_size": 1, "shuffle": False, "on_error": "skip", "start": (0, 2)}
    with pytest.raises(tf.errors.OpError, match=r"none of the 1 examples of a batch.*its région, .*CRC-32C"):
        batches(dataset, **options)
