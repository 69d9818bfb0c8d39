import io
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fitfeed.pipelines import Dataset, open_dataset
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.index import INDEX_SCHEMA, Index, write_index
from tests.pipelines.build_dataset import (
    Example,
    Format,
    build_dataset,
    encoded,
    pickled,
    picture,
)

FORMATS: tuple[Format, ...] = ("tfrecord", "hdf5")
CopyOf = Callable[[Format], Path]


@pytest.mark.parametrize("format_", FORMATS)
def test_records_are_what_was_written(
    encoded_datasets: dict[Format, Dataset], examples: dict[str, list[Example]], format_: Format
) -> None:
    for split in ("train", "validation"):
        records = encoded_datasets[format_].records(split)
        assert len(records) == len(examples[split])
        for number, example in enumerate(examples[split]):
            assert records.encoded(number) == example.payload
            record = records[number]
            assert (record["label"], record["key"]) == (example.label, example.key)
            assert np.array_equal(record["image"], example.pixels)
            assert record["image"].flags.writeable


@pytest.mark.parametrize("format_", FORMATS)
def test_raw_records(
    raw_datasets: dict[Format, Dataset], raw_examples: dict[str, list[Example]], format_: Format
) -> None:
    records = raw_datasets[format_].records("train")
    assert records.common_size == (32, 24)
    assert repr(records).endswith("split='train', examples=53)")
    for number, example in enumerate(raw_examples["train"]):
        assert records.encoded(number) == example.payload
        assert np.array_equal(records[number]["image"], example.pixels)


def test_decodes_as_pillow_does_and_close_to_tensorflow(flowers: Dataset) -> None:
    records = flowers.records("train")
    for number in range(10):
        payload, image = records.encoded(number), records[number]["image"]
        assert np.array_equal(image, np.asarray(Image.open(io.BytesIO(payload)).convert("RGB")))
        if number % 5 == 4:
            assert np.array_equal(image, tf.io.decode_png(payload, channels=3))
        else:
            theirs = tf.io.decode_jpeg(payload, channels=3, dct_method="INTEGER_ACCURATE")
            assert np.abs(image - theirs.numpy().astype(int)).max() <= 1


def test_gray_images(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.fromarray(picture(1, 20, 30, 1)[..., 0]).save(file, "PNG")
    gray = [encoded(f"g{i}", 0, file.getvalue(), channels=1) for i in range(3)]
    record = open_dataset(build_dataset(tmp_path / "d", {"train": gray}, shards=1)).records("train")[1]
    assert record["image"].shape == (20, 30, 1)


def test_numbers_behave_as_in_a_list(flowers: Dataset) -> None:
    records = flowers.records("train")
    assert records[-1]["key"] == records[52]["key"]
    assert records[np.int32(3)]["key"] == records[3]["key"]
    for number in (53, -54):
        with pytest.raises(IndexError, match="Received: "):
            records[number]
        with pytest.raises(IndexError, match="examples 0 to 52"):
            records.encoded(number)
    assert len(list(records)) == 53  # type: ignore[call-overload]  # iteration ends by IndexError


def test_pickles_before_and_after_use(flowers: Dataset) -> None:
    records = flowers.records("train")
    image = records[7]["image"]
    for copy in (pickled(records), pickled(flowers).records("train")):
        assert np.array_equal(copy[7]["image"], image)


def test_threads_open_records_once(flowers: Dataset) -> None:
    records = pickled(flowers.records("train"))
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.extend(records[i]["key"] for i in range(53))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted([f"class{i % 3}/image{i:04}" for i in range(53)] * 8)


@pytest.mark.parametrize("format_", FORMATS)
def test_truncated_shard_names_the_example(own_copy: CopyOf, format_: Format) -> None:
    path = own_copy(format_)
    records = open_dataset(path).records("train")
    shard = path / open_dataset(path).splits["train"].shards[0].file
    row = 20
    offset, length = int(records.index.offset[row]), int(records.index.length[row])
    with shard.open("r+b") as file:
        file.truncate(offset + 10)
    assert records.encoded(row - 1)
    with pytest.raises(DamagedDatasetError, match=rf"ends after 10 of its {length} bytes") as error:
        records[row]
    for part in (str(shard), records.index.key(row), f"byte {offset}", "fitfeed verify"):
        assert part in str(error.value)
    assert records.payloads(row - 3, row + 3) == [*map(records.encoded, range(row - 3, row)), b"", b"", b""]


def test_overwritten_payload_names_the_example(own_copy: CopyOf) -> None:
    path = own_copy("tfrecord")
    records = open_dataset(path).records("train")
    with (path / open_dataset(path).splits["train"].shards[0].file).open("r+b") as file:
        file.seek(int(records.index.offset[3]) + 30)
        file.write(b"\xff" * 500)
    with pytest.raises(DamagedDatasetError, match=records.index.key(3)):
        records[3]
    assert records[2]


def test_swapped_payload_is_noticed(own_copy: CopyOf) -> None:
    path = own_copy("tfrecord")
    columns = columns_of(Index(path / "train.index.arrow"))
    columns["height"][5] += 1
    write_index(path / "train.index.arrow", columns)
    with pytest.raises(DamagedDatasetError, match="the index says"):
        open_dataset(path).records("train")[5]


def test_missing_shard(own_copy: CopyOf) -> None:
    path = own_copy("hdf5")
    (path / open_dataset(path).splits["train"].shards[1].file).unlink()
    records = open_dataset(path).records("train")
    assert records[0]
    with pytest.raises(DamagedDatasetError, match="is missing"):
        records[52]


def columns_of(index: Index) -> dict[str, list[Any]]:
    return {name: index._batch.column(name).to_pylist() for name in INDEX_SCHEMA.names}


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("offset", 10**9, "row 4 .* is impossible"),
        ("offset", -1, "row 4 .* is impossible"),
        ("length", 2**62, "row 4 .* is impossible"),
        ("length", 0, "row 4 .* is impossible"),
        ("width", 0, "row 4 .* is impossible"),
        ("label", 3, "row 4 .* is impossible"),
        ("shard", 1, "to other shards than the manifest"),
    ],
)
def test_impossible_index_is_refused(own_copy: CopyOf, column: str, value: int, message: str) -> None:
    path = own_copy("tfrecord")
    columns = columns_of(Index(path / "train.index.arrow"))
    columns[column][4] = value
    write_index(path / "train.index.arrow", columns)
    with pytest.raises(DamagedDatasetError, match=message):
        open_dataset(path).records("train")[0]


@pytest.mark.parametrize("format_", ["tfrecord", "hdf5"])
@pytest.mark.parametrize("size", [(2**31 - 1, 2**31 - 1), (2**16, 2**15 + 1)])
def test_an_image_larger_than_any_is_refused(
    own_copy: CopyOf, format_: Format, size: tuple[int, int]
) -> None:
    path = own_copy(format_)
    columns = columns_of(Index(path / "train.index.arrow"))
    columns["height"][4], columns["width"][4] = size
    write_index(path / "train.index.arrow", columns)
    with pytest.raises(DamagedDatasetError, match=f"row 4 .* is impossible.* {size[0]} x {size[1]} pixels"):
        open_dataset(path).records("train")[0]


def test_index_of_other_length_is_refused(own_copy: CopyOf) -> None:
    path = own_copy("tfrecord")
    columns = {name: values[:-1] for name, values in columns_of(Index(path / "train.index.arrow")).items()}
    write_index(path / "train.index.arrow", columns)
    with pytest.raises(DamagedDatasetError, match="52 rows, but the manifest says 53"):
        open_dataset(path).records("train")[0]


def test_images_of_different_sizes_have_no_common_one(flowers: Dataset) -> None:
    assert flowers.records("train").common_size is None


CUT_OFF = """
import os, sys
from pathlib import Path
from fitfeed.pipelines import open_dataset
from fitfeed.schemas import arrow_file
folder, copied_bytes, access = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
arrow_file.MAX_COPIED_BYTES = copied_bytes
records = open_dataset(folder).records("train")
index = records.index
os.truncate(folder / "train.index.arrow", 0)
print(records.encoded(1) if access == "checked" else index.offset.sum())
"""


@pytest.mark.parametrize(
    ("copied_bytes", "access", "status", "message"),
    [
        (1 << 20, "checked", 0, ""),  # it was copied
        (0, "checked", 1, "DamagedDatasetError: .*became shorter while it was in use"),
        (0, "unchecked", -signal.SIGBUS, ""),  # otherwise this test would show nothing
    ],
)
def test_an_index_that_is_cut_off_while_it_is_open(
    own_copy: CopyOf, copied_bytes: int, access: str, status: int, message: str
) -> None:
    command = [sys.executable, "-c", CUT_OFF, str(own_copy("tfrecord")), str(copied_bytes), access]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == status
    assert re.search(message, ended.stderr)
