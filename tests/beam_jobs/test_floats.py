"""Columns of numbers as one vector: in both containers, by stock readers and ours, verified, mixed, appended to, damaged."""

import json
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
import tensorflow as tf
from PIL import Image

from fitfeed.cli import main
from fitfeed.converters.option_parts.storage import Format
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.verify import verify_dataset
from fitfeed.pipelines import MixUp, make_pipeline, open_dataset
from fitfeed.pipelines.reading.labels import label_batch
from fitfeed.schemas.errors import DamagedDatasetError, UsageError
from fitfeed.schemas.features import FloatsFeature
from fitfeed.schemas.index_labels import label_of
from fitfeed.schemas.manifest import read_manifest
from tests.without_beam import convert

FORMATS: tuple[Format, ...] = ("tfrecord", "hdf5")
NAMES = ["left_x", "left_y", "right_x"]
COLUMNS = ("eyes=left_x..right_x:floats", "kind")
POINTS = np.random.default_rng(0).normal(scale=100, size=(9, 3)).round(3)
POINTS[2, 1] = 0  # a field with nothing in it


def write(folder: Path, count: int, names: list[str] = NAMES) -> Path:
    folder.mkdir(exist_ok=True)
    lines = ["path,kind," + ",".join(names)]
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 256, (6, 6, 3), np.uint8)
        if not (folder / f"{number}.png").exists():
            Image.fromarray(pixels).save(folder / f"{number}.png")
        fields = ["" if value == 0 else repr(value) for value in POINTS[number].tolist()]
        lines.append(f"{number}.png,{'ab'[number % 2]},{','.join(fields)}")
    (folder / "t.csv").write_text("\n".join(lines))
    return folder / "t.csv"


@pytest.fixture(params=FORMATS)
def dataset(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    table = write(tmp_path / "source", 6)
    options = ConvertOptions(format=request.param, label_columns=COLUMNS, shards=2)
    result = convert(table, tmp_path / "dataset", options)
    assert result.warnings == ["1 fields of 'eyes' have nothing in them, and are taken for 0"]
    return tmp_path / "dataset"


def points_of(keys: list[str]) -> npt.NDArray[np.float64]:
    return POINTS[[int(Path(key).stem) for key in keys]]


def test_stock_readers_read_it(dataset: Path) -> None:
    feature = read_manifest(dataset).features.labels["eyes"]
    assert feature == FloatsFeature(names=NAMES)
    for path in sorted(dataset.glob("*.tfrecord")):
        for record in tf.data.TFRecordDataset(str(path)):
            features = tf.train.Example.FromString(record.numpy()).features.feature
            key = features["key"].bytes_list.value[0].decode()
            assert list(features["eyes"].float_list.value) == points_of([key])[0].astype(np.float32).tolist()
    for path in sorted(dataset.glob("*.h5")):
        with h5py.File(path) as file:
            assert (file["eyes"].dtype, file["eyes"].shape[1:]) == (np.float64, (3,))
            np.testing.assert_array_equal(file["eyes"][:], points_of(file["key"].asstr()[:]))
    index = pa.ipc.open_file(str(dataset / read_manifest(dataset).splits["train"].index.file)).read_all()
    assert index["eyes"].to_pylist() == points_of(index["key"].to_pylist()).tolist()


def test_records_and_pipelines_read_it(dataset: Path) -> None:
    records = open_dataset(dataset).records("train")
    for record in map(records.__getitem__, range(len(records))):
        assert record["eyes"].tolist() == points_of([record["key"]])[0].tolist()
    arguments = {"batch_size": 3, "shuffle": False, "output": "dict", "normalize": None, "processes": 0}
    pipeline = make_pipeline(dataset, "train", **arguments)  # type: ignore[arg-type]
    assert pipeline.element_spec["eyes"].shape[1:] == (3,)
    found = list(pipeline.as_numpy_iterator())
    keys = [key.decode() for batch in found for key in batch["key"]]
    eyes = np.concatenate([batch["eyes"] for batch in found])
    assert eyes.dtype == np.float32
    np.testing.assert_array_equal(eyes, points_of(keys).astype(np.float32))
    mixed = next(make_pipeline(dataset, "train", augment=[MixUp()], **arguments).as_numpy_iterator())  # type: ignore[arg-type]
    assert mixed["eyes"].shape == (3, 3)


def test_it_is_verified_inspected_and_previewed(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not verify_dataset(dataset).findings
    assert main(["inspect", str(dataset)]) == 0
    assert "\neyes       float64, 3 numbers: left_x, left_y, right_x" in capsys.readouterr().out
    assert main(["preview", str(dataset), "-o", str(tmp_path / "p.png"), "--json"]) == 0
    labels = json.dumps(json.loads(capsys.readouterr().out))
    assert json.dumps(POINTS[0].tolist())[1:-1] in labels


def test_it_is_appended_to(dataset: Path, tmp_path: Path) -> None:
    table = write(tmp_path / "source", 9)
    assert convert(table, dataset, append=True).added == {"train": 3}
    assert not verify_dataset(dataset).findings
    index = pa.ipc.open_file(str(dataset / read_manifest(dataset).splits["train"].index.file)).read_all()
    assert index["eyes"].to_pylist() == points_of(index["key"].to_pylist()).tolist()
    assert convert(table, dataset, append=True).up_to_date
    write(tmp_path / "source", 9, ["left_x", "y", "right_x"])
    with pytest.raises(
        UsageError, match=r"are left_x, left_y, right_x in the dataset, and left_x, y, right_x in SOURCE"
    ):
        convert(table, dataset, append=True)


def test_damage_is_found(dataset: Path) -> None:
    (shard, *_) = sorted([*dataset.glob("*.h5"), *dataset.glob("*.tfrecord")])
    content = bytearray(shard.read_bytes())
    key = next(iter(read_keys(dataset)))
    value = points_of([key])[0, 0]
    stored = np.float64(value).tobytes() if shard.suffix == ".h5" else np.float32(value).tobytes()
    at = content.index(stored)
    content[at] ^= 1
    shard.write_bytes(content)
    findings = verify_dataset(dataset).findings
    assert any("eyes" in finding.detail or finding.kind == "record" for finding in findings), findings


def test_an_index_of_another_length_is_damage(dataset: Path) -> None:
    found = open_dataset(dataset)
    features = found.manifest.features.model_copy(update={"eyes": FloatsFeature(names=NAMES[:2])})
    index = found.records("train").index
    rows = np.array([0, 1])
    with pytest.raises(DamagedDatasetError, match="gives row 0 3 numbers of 'eyes', and there are 2"):
        label_of(index.labels["eyes"], features, "eyes", 0)
    with pytest.raises(DamagedDatasetError, match="gives row 0 3 numbers of 'eyes', and there are 2"):
        label_batch(index, features, "eyes", rows, labels="int")


def read_keys(dataset: Path) -> list[str]:
    index = pa.ipc.open_file(str(dataset / read_manifest(dataset).splits["train"].index.file)).read_all()
    keys: list[str] = index["key"].to_pylist()
    return keys
