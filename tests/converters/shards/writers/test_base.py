"""One conformance suite that both shard writers pass, and what only one of them promises."""

import dataclasses
import hashlib
from pathlib import Path

import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.shards.writers import Record, ShardWriter, StoredShard, open_writer
from fitfeed.converters.shards.writers.base import Label
from fitfeed.schemas.features import LabelKind
from tests.effort import tries

GOLDEN = Path(__file__).parents[3] / "golden"


def record(number: int, payload: bytes, *, raw: bool = False) -> Record:
    return Record(
        key=f"a/图{number}.jpg",
        labels={"label": number % 3},
        payload=payload,
        format="raw" if raw else "jpeg",
        height=2,
        width=4,
        channels=3,
    )


RECORDS = [record(i, bytes([i]) * (10 + i)) for i in range(7)]
RAW_RECORDS = [record(i, bytes(range(i, i + 24)), raw=True) for i in range(7)]


class ShardWriterContract:
    """What every shard writer promises."""

    options: ConvertOptions

    def open(self, path: Path) -> ShardWriter:
        return open_writer(path, self.options)

    def write(self, path: Path, records: list[Record]) -> StoredShard:
        with self.open(path) as writer:
            for each in records:
                writer.write(each)
            return writer.finish()

    @pytest.fixture
    def records(self) -> list[Record]:
        return RAW_RECORDS if self.options.encoding == "raw" else RECORDS

    def test_offsets_point_at_the_payloads(self, tmp_path: Path, records: list[Record]) -> None:
        stored = self.write(tmp_path / "shard", records)
        content = (tmp_path / "shard").read_bytes()
        for offset, each in zip(stored.offsets, records, strict=True):
            assert content[offset : offset + len(each.payload)] == each.payload

    def test_size_and_digest_are_of_the_file(self, tmp_path: Path, records: list[Record]) -> None:
        stored = self.write(tmp_path / "shard", records)
        content = (tmp_path / "shard").read_bytes()
        assert stored.bytes == len(content)
        assert stored.sha256 == hashlib.sha256(content).hexdigest()

    def test_same_records_same_bytes(self, tmp_path: Path, records: list[Record]) -> None:
        assert self.write(tmp_path / "a", records).sha256 == self.write(tmp_path / "b", records).sha256
        assert self.write(tmp_path / "c", records[::-1]).sha256 != self.write(tmp_path / "a", records).sha256

    def test_nothing_shows_before_finish(self, tmp_path: Path, records: list[Record]) -> None:
        with self.open(tmp_path / "shard") as writer:
            for each in records:
                writer.write(each)
            assert not (tmp_path / "shard").exists()
            assert all(".tmp-" in path.name for path in tmp_path.iterdir())
            writer.finish()
        assert [path.name for path in tmp_path.iterdir()] == ["shard"]

    def test_an_exception_leaves_nothing(self, tmp_path: Path, records: list[Record]) -> None:
        def fail() -> None:
            with self.open(tmp_path / "shard") as writer:
                writer.write(records[0])
                raise KeyError("test")

        with pytest.raises(KeyError):
            fail()
        assert list(tmp_path.iterdir()) == []

    def test_an_old_file_is_replaced(self, tmp_path: Path, records: list[Record]) -> None:
        (tmp_path / "shard").write_bytes(b"old")
        self.write(tmp_path / "shard", records)
        assert (tmp_path / "shard").stat().st_size > 100

    def test_a_shard_may_be_empty(self, tmp_path: Path) -> None:
        assert self.write(tmp_path / "shard", []).offsets == []
        assert (tmp_path / "shard").exists()


class TestTFRecord(ShardWriterContract):
    options = ConvertOptions(format="tfrecord")

    def test_stock_tensorflow_reads_every_feature(self, tmp_path: Path, records: list[Record]) -> None:
        self.write(tmp_path / "shard", records)
        features = {
            **{name: tf.io.FixedLenFeature([], tf.string) for name in ("image", "key", "format")},
            **{
                name: tf.io.FixedLenFeature([], tf.int64) for name in ("label", "height", "width", "channels")
            },
        }
        read = [
            tf.io.parse_single_example(each, features)
            for each in tf.data.TFRecordDataset(str(tmp_path / "shard"))
        ]
        assert len(read) == len(records)
        for got, each in zip(read, records, strict=True):
            assert got["image"].numpy() == each.payload
            assert got["key"].numpy().decode() == each.key
            assert got["format"].numpy().decode() == each.format
            assert got["label"].numpy() == each.labels["label"]
            for name in ("height", "width", "channels"):
                assert got[name].numpy() == getattr(each, name)

    def test_golden_bytes(self, tmp_path: Path, records: list[Record]) -> None:
        self.write(tmp_path / "shard", records)
        # Written by version 0.1.0; may only change together with the format version.
        assert (tmp_path / "shard").read_bytes() == (GOLDEN / "version-2.tfrecord").read_bytes()


class TestRawTFRecord(ShardWriterContract):
    options = ConvertOptions(format="tfrecord", encoding="raw", size=(2, 4))


class TestHDF5(ShardWriterContract):
    options = ConvertOptions(format="hdf5")

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=tries(25))
    @given(st.lists(st.binary(max_size=50), max_size=8))
    def test_any_payloads(self, tmp_path: Path, payloads: list[bytes]) -> None:
        stored = self.write(tmp_path / "shard", [record(i, payload) for i, payload in enumerate(payloads)])
        content = (tmp_path / "shard").read_bytes()
        read = [content[o : o + len(p)] for o, p in zip(stored.offsets, payloads, strict=True)]
        assert read == payloads


class TestRawHDF5(ShardWriterContract):
    options = ConvertOptions(format="hdf5", encoding="raw", size=(2, 4))


LABELS: dict[str, LabelKind] = {
    "mood": "class", "n": "int", "size": "float", "note": "text", "tags": "multiclass", "région": "mask",
}  # fmt: skip


def labelled(number: int) -> Record:
    labels: dict[str, Label] = {
        "mood": number % 3,
        "n": -number,
        "size": number / 4,
        "note": "ü" * number,
        "tags": list(range(number % 3)),
        "région": bytes([number]) * 8,
    }
    return dataclasses.replace(RAW_RECORDS[number], labels=labels)


@pytest.mark.parametrize("format_", ["tfrecord", "hdf5"])
@pytest.mark.parametrize("raw", [False, True])
def test_mask_offsets_point_at_the_masks(tmp_path: Path, format_: str, raw: bool) -> None:
    options = ConvertOptions(
        format=format_,  # type: ignore[arg-type]
        **({"encoding": "raw", "size": (2, 4)} if raw else {}),  # type: ignore[arg-type]
    )
    records = [labelled(number) for number in range(7)]
    with open_writer(tmp_path / "shard", options, LABELS) as writer:
        for each in records:
            writer.write(each)
        stored = writer.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["shard"]  # no spool is left
    content = (tmp_path / "shard").read_bytes()
    for number, each in enumerate(records):
        for name, offsets in {"région": stored.mask_offsets["région"], "image": stored.offsets}.items():
            payload = each.payload if name == "image" else each.masks[name]
            assert content[offsets[number] : offsets[number] + len(payload)] == payload
    with open_writer(tmp_path / "empty", options, LABELS) as writer:
        stored = writer.finish()
    assert (stored.offsets, stored.mask_offsets) == ([], {"région": []})


def test_golden_bytes_of_labels(tmp_path: Path) -> None:
    with open_writer(tmp_path / "shard", ConvertOptions(encoding="raw", size=(2, 4)), LABELS) as writer:
        for number in range(7):
            writer.write(labelled(number))
        writer.finish()
    # Written by version 0.1.0; may only change together with the format version.
    assert (tmp_path / "shard").read_bytes() == (GOLDEN / "version-2-labels.tfrecord").read_bytes()


# The bare contract is not a test of its own.
del ShardWriterContract
