"""What an HDF5 shard holds, read by h5py alone."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitfeed.converters.shards.writers import Record, StoredShard
from fitfeed.converters.shards.writers.base import Label
from fitfeed.converters.shards.writers.hdf5 import HDF5Writer
from fitfeed.schemas.bit_depth import Depth
from fitfeed.schemas.features import FOLDER_LABELS, LabelKind

GOLDEN = Path(__file__).parents[3] / "golden"
IN_ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
EVERY_KIND: dict[str, LabelKind] = {
    "mood": "class", "n": "int", "size": "float", "note": "text", "tags": "multiclass", "région": "mask",
}  # fmt: skip
NUMBERS = st.integers(-(2**63), 2**63 - 1)
LABELS = st.fixed_dictionaries(
    {
        "mood": st.integers(0, 2**40),
        "n": NUMBERS,
        "size": st.floats(allow_nan=False),
        "note": st.text(max_size=9),
        "tags": st.lists(NUMBERS, max_size=4),
        "région": st.binary(max_size=9),
    }
)


def record(number: int, payload: bytes, labels: Mapping[str, Label] | None = None, **fields: Any) -> Record:
    """Of 2 x 4 pixels, with 3 channels."""
    known: dict[str, Any] = {"format": "jpeg", "height": 2, "width": 4, "channels": 3, **fields}
    return Record(key=f"a/图{number}.jpg", labels=labels or {"label": number % 3}, payload=payload, **known)


RECORDS = [record(number, bytes([number]) * (10 + number)) for number in range(7)]
RAW = [record(number, bytes(range(number, number + 24)), format="raw") for number in range(7)]


def write(
    path: Path,
    records: list[Record],
    labels: Mapping[str, LabelKind] = FOLDER_LABELS,
    *,
    raw: bool = False,
    depth: Depth = 8,
) -> StoredShard:
    with HDF5Writer(path, labels, raw=raw, depth=depth) as writer:
        for each in records:
            writer.write(each)
        return writer.finish()


def ragged(file: Any, name: str) -> list[Any]:
    """Values of different lengths, by example."""
    values, ends = file[name][:], file[f"{name}_offset"][:]
    assert (ends[0], ends[-1]) == (0, len(values))
    return [values[start:stop] for start, stop in itertools.pairwise(ends)]


@pytest.mark.parametrize("raw", [False, True])
def test_columns_that_every_shard_has(tmp_path: Path, raw: bool) -> None:
    records = RAW if raw else RECORDS
    write(tmp_path / "shard", records, raw=raw)
    with h5py.File(tmp_path / "shard") as file:
        assert set(file) == {"image", "key", "format", "label", "height", "width", "channels"} | (
            set() if raw else {"image_offset"}
        )
        assert file["key"].asstr()[:].tolist() == [each.key for each in records]
        assert file["format"].asstr()[:].tolist() == [each.format for each in records]
        assert file["label"][:].tolist() == [each.labels["label"] for each in records]
        for name in ("height", "width", "channels"):
            assert file[name][:].tolist() == [getattr(each, name) for each in records]


def test_payloads_lie_one_after_the_other(tmp_path: Path) -> None:
    write(tmp_path / "shard", RECORDS)
    with h5py.File(tmp_path / "shard") as file:
        assert [each.tobytes() for each in ragged(file, "image")] == [each.payload for each in RECORDS]


def test_golden_content() -> None:
    # Written by version 0.1.0. The bytes may change with the HDF5 library, the content may not.
    with h5py.File(GOLDEN / "version-2.h5") as file:
        assert [each.tobytes() for each in ragged(file, "image")] == [each.payload for each in RECORDS]
        assert file["key"].asstr()[:].tolist() == [each.key for each in RECORDS]


def test_raw_images_are_one_array(tmp_path: Path) -> None:
    write(tmp_path / "shard", RAW, raw=True)
    with h5py.File(tmp_path / "shard") as file:
        assert (file["image"].shape, file["image"].dtype) == ((7, 2, 4, 3), np.uint8)
        assert file["image"][:].tobytes() == b"".join(each.payload for each in RAW)


def test_raw_images_of_16_bits(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 65_536, (3, 2, 4, 3)).astype("<u2")
    records = [record(number, image.tobytes(), format="raw") for number, image in enumerate(pixels)]
    write(tmp_path / "shard", records, raw=True, depth=16)
    with h5py.File(tmp_path / "shard") as file:
        assert file["image"].dtype == np.dtype("<u2")
        np.testing.assert_array_equal(file["image"][:], pixels)


@IN_ONE_FOLDER
@given(st.lists(st.tuples(st.binary(max_size=50), LABELS), max_size=6))
def test_labels_of_every_kind(tmp_path: Path, examples: list[tuple[bytes, dict[str, Any]]]) -> None:
    records = [record(number, payload, labels) for number, (payload, labels) in enumerate(examples)]
    stored = write(tmp_path / "shard", records, EVERY_KIND)
    content = (tmp_path / "shard").read_bytes()
    with h5py.File(tmp_path / "shard") as file:
        for name in ("mood", "n", "size"):
            assert file[name][:].tolist() == [labels[name] for _, labels in examples]
        assert [each.tobytes().decode() for each in ragged(file, "note")] == [
            labels["note"] for _, labels in examples
        ]
        assert [each.tolist() for each in ragged(file, "tags")] == [labels["tags"] for _, labels in examples]
        masks = [each.tobytes() for each in ragged(file, "région")]
        assert masks == [labels["région"] for _, labels in examples]
        assert [each.tobytes() for each in ragged(file, "image")] == [payload for payload, _ in examples]
    places = zip(stored.offsets, stored.mask_offsets["région"], examples, strict=True)
    for image, mask, (payload, labels) in places:
        assert content[image : image + len(payload)] == payload
        assert content[mask : mask + len(labels["région"])] == labels["région"]


@pytest.mark.parametrize("depth", [8, 16])
def test_raw_masks_have_one_channel_of_8_bits(tmp_path: Path, depth: Depth) -> None:
    records = [
        record(number, bytes(3 * depth), {"mask": bytes([number]) * 8}, format="raw") for number in range(7)
    ]
    write(tmp_path / "shard", records, {"mask": "mask"}, raw=True, depth=depth)
    with h5py.File(tmp_path / "shard") as file:
        assert (file["mask"].shape, file["mask"].dtype) == ((7, 2, 4, 1), np.uint8)
        assert file["mask"][:, 0, 0, 0].tolist() == list(range(7))
        assert "mask_offset" not in file


def test_types_are_the_same_on_every_machine(tmp_path: Path) -> None:
    labels: dict[str, Label] = {
        "mood": 0, "n": 1, "size": 0.5, "note": "ü", "tags": [1], "région": b"m",
    }  # fmt: skip
    write(tmp_path / "shard", [record(0, b"payload", labels)], EVERY_KIND)
    numbers = ("mood", "n", "tags", "height", "width", "channels", "tags_offset", "note_offset")
    expected = {
        **dict.fromkeys((*numbers, "image_offset", "région_offset"), np.dtype("<i8")),
        **dict.fromkeys(("image", "région", "note"), np.dtype("u1")),
        "size": np.dtype("<f8"),
        "key": np.dtype("S10"),  # bytes of the longest
        "format": np.dtype("S4"),
    }
    with h5py.File(tmp_path / "shard") as file:
        assert {name: dataset.dtype for name, dataset in file.items()} == expected
        assert h5py.check_string_dtype(file["key"].dtype).encoding == "utf-8"
        assert h5py.check_string_dtype(file["format"].dtype).encoding == "ascii"


@pytest.mark.parametrize("raw", [False, True])
def test_all_is_contiguous_uncompressed_and_without_a_clock(tmp_path: Path, raw: bool) -> None:
    write(tmp_path / "shard", RAW if raw else RECORDS, raw=raw)
    with h5py.File(tmp_path / "shard") as file:
        for dataset in file.values():
            assert (dataset.chunks, dataset.compression) == (None, None)
            assert h5py.h5g.get_objinfo(dataset.id).mtime == 0


@pytest.mark.parametrize("raw", [False, True])
def test_a_shard_of_no_examples(tmp_path: Path, raw: bool) -> None:
    stored = write(tmp_path / "shard", [], EVERY_KIND, raw=raw)
    assert (stored.offsets, stored.mask_offsets) == ([], {"région": []})
    with h5py.File(tmp_path / "shard") as file:
        assert file["image"].shape == ((0, 1, 1, 3) if raw else (0,))
        assert (len(file["key"]), len(file["tags"])) == (0, 0)
        assert file["note_offset"][:].tolist() == [0]


@pytest.mark.parametrize("shape", [(2, 2, 3), (4, 4, 3), (2, 4, 1)])
def test_another_shape_is_refused_where_images_are_one_array(
    tmp_path: Path, shape: tuple[int, int, int]
) -> None:
    height, width, channels = shape
    other = record(1, bytes(height * width * channels), height=height, width=width, channels=channels)
    received = f"Received: ({height}, {width}, {channels}) after (2, 4, 3)"
    with HDF5Writer(tmp_path / "raw", FOLDER_LABELS, raw=True) as writer:
        writer.write(RAW[0])
        with pytest.raises(ValueError, match="hold images of one shape") as caught:
            writer.write(other)
        assert received in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    write(tmp_path / "shard", [RECORDS[0], other])  # encoded images may differ


def test_spools_are_removed(tmp_path: Path) -> None:
    labels: dict[str, LabelKind] = {"one": "mask", "two": "mask"}
    with HDF5Writer(tmp_path / "shard", labels, raw=False) as writer:
        assert len(list(tmp_path.iterdir())) == 3  # of the images and of each mask
        assert all(".tmp-" in path.name for path in tmp_path.iterdir())
        writer.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["shard"]
