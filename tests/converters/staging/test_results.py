"""What came out of a shard is the same after a stay in the staging area, and its rows can be chosen from."""

import json
from array import array

import numpy as np

from fitfeed.converters.rejects import Reject
from fitfeed.converters.staging.results import HashColumns, PayloadPlace, RowColumns, ShardResult
from fitfeed.schemas.features import LabelKind
from fitfeed.schemas.manifest_parts import Shard

LABELS: dict[str, LabelKind] = {"species": "class", "tags": "multiclass", "région": "mask"}
PATHS = ["a.jpg", "b.jpg", "c\udcff.jpg"]


def rows() -> RowColumns:
    """Of three examples, the last of which has a path that is not valid UTF-8."""
    filled = RowColumns.for_labels(LABELS)
    for number, path in enumerate(PATHS):
        filled.key.append(f"key of {path}" if number == 2 else path)
        filled.path.append(path)
        filled.source.append(number)
        filled.labels["species"].append(number % 2)
        filled.labels["tags"].append(list(range(number)))
        filled.labels["région_length"].append(10 + number)
        filled.labels["région_crc32c"].append(20 + number)
        filled.digests["source_digest"] += bytes([number] * 16)
        filled.digests["région_source_digest"] += bytes([10 + number] * 16)
        filled.source_format.append("JPEG")
        filled.profile.append(None if number else "sRGB")
        for column in (
            filled.mean,
            filled.deviation,
            filled.orientation,
            filled.source_depth,
            filled.source_largest,
        ):
            column.append(number)
        filled.source_height.append(2**31 - 1 - number)
        filled.source_width.append(number)
        for column in (filled.length, filled.crc32c, filled.height, filled.width, filled.source_bytes):
            column.append(2**32 - 1 - number)
    return filled.placed([100, 200, 300], {"région": [150, 250, 350]})


def result() -> ShardResult:
    digests = np.arange(6, dtype="<u8").reshape(3, 2)
    return ShardResult(
        stamp="d" * 64,
        shard=Shard(file="train-00000-of-00001.tfrecord", bytes=7, sha256="0" * 64, examples=3),
        rows=rows(),
        image_hashes=HashColumns(digests, digests + np.uint64(2**63)),
        rejects=[Reject("d.jpg", "corrupt", "is broken"), Reject("e.jpg", "duplicate", "is one", "ignored")],
        histogram=["0:12 514:3"],
        mask_values={"région": [5, *[0] * 254, 7]},
    )


def test_round_trip() -> None:
    read = ShardResult.from_json(json.loads(json.dumps(result().to_json())))
    assert read.to_json() == result().to_json()
    assert (read.stamp, read.shard, read.rows) == (result().stamp, result().shard, result().rows)
    assert (read.rejects, read.histogram) == (result().rejects, result().histogram)
    assert read.mask_values == result().mask_values
    assert (read.image_hashes.digests == result().image_hashes.digests).all()
    assert (read.image_hashes.hashes == result().image_hashes.hashes).all()


def test_numbers_and_paths_that_are_read_take_little_memory() -> None:
    read = RowColumns.from_json(json.loads(json.dumps(rows().to_json())))
    assert all(isinstance(column, array) for column in (read.length, read.crc32c, read.offset))
    assert read.source_format[0] is read.source_format[2]
    assert [path is key for path, key in zip(read.path, read.key, strict=True)] == [True, True, False]


def test_columns_are_called_as_in_the_index() -> None:
    assert set(rows().by_name()) == {
        *("key", "path", "source", "length", "crc32c", "height", "width", "source_bytes", "offset"),
        *("species", "tags", "région_offset", "région_length", "région_crc32c"),
        *("source_digest", "région_source_digest", "source_format", "profile", "orientation"),
        *("mean", "deviation", "source_height", "source_width"),
    }


def test_places_of_payloads() -> None:
    assert rows().place(1) == PayloadPlace(offset=200, length=2**32 - 2, crc32c=2**32 - 2)
    assert rows().place(1, mask="région") == PayloadPlace(offset=250, length=11, crc32c=21)


def test_rows_chosen() -> None:
    chosen = rows().select([0, 2])
    for name, column in rows().by_name().items():
        assert list(chosen.by_name()[name]) == [column[0], column[2]]
    assert rows().select([0, 1, 2]) == rows()
    assert rows().select([]) == RowColumns(
        labels={name: [] for name in rows().labels}, digests={name: bytearray() for name in rows().digests}
    )
    assert chosen.by_name()["source_digest"] == [bytes([0] * 16), bytes([2] * 16)]
    hashes = result().image_hashes.select([2])
    assert hashes.digests.tolist() == [[4, 5]]
    assert result().image_hashes.select([]).digests.shape == (0, 2)
