"""The library `datasets` of Hugging Face shows what our own reader reads."""

import pickle
import sys
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pytest

from fitfeed.pipelines import Dataset, open_dataset
from fitfeed.schemas.errors import MissingPackageError, UsageError
from tests.labelled import SPECIES, TAGS
from tests.servers.stores import Store
from tests.without_beam import convert


def assert_same(found: Any, dataset: Dataset, split: str) -> None:
    """Compares every image, mask, label and key, one example after the other."""
    records, kinds = dataset.records(split), dataset.manifest.features.label_kinds
    assert len(found) == len(records)
    for number in range(len(records)):
        row, expected = found[number], records[number]
        image = np.asarray(row["image"])
        assert np.array_equal(image.reshape(expected["image"].shape), expected["image"])
        assert row["key"] == expected["key"]
        for name, kind in kinds.items():
            value = expected[name]
            if kind == "mask":
                assert np.array_equal(np.asarray(row[name]), value[:, :, 0])
            else:
                assert row[name] == (value.tolist() if isinstance(value, np.ndarray) else value)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_rows_are_those_of_our_reader(labeled: Dataset, split: str) -> None:
    found = labeled.to_huggingface(split)
    assert found.split == split
    assert_same(found, labeled, split)


def test_columns_have_their_types_and_class_names(labeled: Dataset) -> None:
    features = labeled.to_huggingface("train").features
    assert features["species"] == datasets.ClassLabel(names=SPECIES)
    assert features["tags"].feature == datasets.ClassLabel(names=TAGS)
    assert (features["image"], features["région"]) == (datasets.Image(mode="RGB"), datasets.Image(mode="L"))
    assert [*features] == ["image", "species", "tags", "height_cm", "petals", "région", "note", "key"]


def test_photographs_have_the_pixels_of_our_decoder(photos: Dataset) -> None:
    assert_same(photos.to_huggingface("train"), photos, "train")


def test_gray_images_of_16_bits_are_whole(deep_gray: Dataset) -> None:
    assert_same(deep_gray.to_huggingface("train"), deep_gray, "train")


def test_gray_images(gray: Path) -> None:
    dataset = open_dataset(gray)
    found = dataset.to_huggingface("train")
    assert found[0]["image"].mode == "L"
    assert_same(found, dataset, "train")


def test_colors_of_16_bits_are_refused(deep_colors: Dataset) -> None:
    with pytest.raises(UsageError, match="would reduce them to 8"):
        deep_colors.to_huggingface("train")


def test_no_image_is_in_the_table(photos: Dataset) -> None:
    found = photos.to_huggingface("train")
    assert found.data.nbytes < 10_000 < sum(shard.bytes for shard in photos.splits["train"].shards)
    assert found.data.table.flatten()["image.bytes"].null_count == len(found)


def test_it_does_what_datasets_do(labeled: Dataset) -> None:
    found = labeled.to_huggingface("train")
    records = labeled.records("train")
    order = [5, 1, 3]
    assert [row["key"] for row in found.select(order)] == [records[number]["key"] for number in order]
    roses = found.filter(lambda species: species == 1, input_columns="species")
    assert {row["species"] for row in roses} == {1}
    assert len(found.train_test_split(0.25, seed=1)["test"]) == -(-len(found) // 4)
    shapes = found.map(lambda row: {"rows": row["image"].height}, remove_columns=["image", "région"])
    assert shapes["rows"][:] == [records[number]["image"].shape[0] for number in range(len(records))]
    numbers = found.with_format("numpy")[0]["image"]
    assert np.array_equal(numbers, records[0]["image"])


def test_several_splits_are_one(labeled: Dataset) -> None:
    found = labeled.to_huggingface(["validation", "train"])
    keys = [labeled.records(["validation", "train"])[number]["key"] for number in range(len(found))]
    assert found["key"][:] == keys
    last = labeled.records("train")
    assert np.array_equal(np.asarray(found[-1]["image"]), last[len(last) - 1]["image"])
    with pytest.raises(UsageError, match="no such split"):
        labeled.to_huggingface("elsewhere")


def test_the_table_is_made_in_pieces(labeled: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = labeled.to_huggingface("train")
    monkeypatch.setattr("fitfeed.export.huggingface.ROWS_AT_ONCE", 7)
    pieces = labeled.to_huggingface("train")
    assert pieces.data.table.column("image").num_chunks > 1
    assert pieces.data.table.equals(whole.data.table)


def test_a_copy_for_another_process_reads_the_same(photos: Dataset) -> None:
    copy = pickle.loads(pickle.dumps(photos.to_huggingface("train")))  # noqa: S301  what we have just written
    assert_same(copy, photos, "train")


def test_the_same_dataset_has_the_same_fingerprint(labeled: Dataset, photos: Dataset) -> None:
    one, other = labeled.to_huggingface("train"), open_dataset(labeled.path).to_huggingface("train")
    assert one._fingerprint == other._fingerprint
    assert one._fingerprint != labeled.to_huggingface("validation")._fingerprint
    assert one._fingerprint != photos.to_huggingface("train")._fingerprint


def test_images_can_be_embedded(photos: Dataset) -> None:
    """As `push_to_hub` does, so nobody needs fitfeed there."""
    from datasets.table import embed_table_storage

    found = photos.to_huggingface("train")
    embedded = embed_table_storage(found.with_format("arrow")[:])
    records = photos.records("train")
    images = [row["bytes"] for row in embedded["image"].to_pylist()]
    assert images == [records.encoded(number) for number in range(len(records))]
    assert isinstance(embedded, pa.Table)


def test_a_dataset_in_a_store(few_photos: Path, store: Store) -> None:
    convert(few_photos, f"{store.address}/photos")
    far = open_dataset(f"{store.address}/photos")
    assert_same(far.to_huggingface("train"), far, "train")


def test_a_missing_library_is_named(photos: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingPackageError, match=r"Run: pip install 'fitfeed\[huggingface\]'"):
        photos.to_huggingface("train")
