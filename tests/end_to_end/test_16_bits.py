"""Datasets of 16 bits, from files to statistics and stock readers: every value exact."""

import dataclasses
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tensorflow as tf

from fitfeed.cli import main
from fitfeed.converters.option_parts.storage import Format
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.verify import verify_dataset
from fitfeed.pipelines import RandomFlip, make_pipeline, open_dataset
from fitfeed.schemas.bit_depth import Depth
from fitfeed.schemas.errors import SplitLeakError, TooManyRejectsError, UsageError
from fitfeed.schemas.index import Index
from fitfeed.schemas.manifest import read_manifest
from fitfeed.schemas.side_tables import SIDE_TABLES
from fitfeed.schemas.tfds_info import TFDS_NAMES
from tests import labelled
from tests.deep import Samples, noise, png, tiff
from tests.folders import contents
from tests.without_beam import convert

FORMATS: tuple[Format, ...] = ("tfrecord", "hdf5")
LAYOUTS: dict[str, dict[str, Any]] = {
    "keep": {},
    "png": {"encoding": "png"},
    "small": {"size": (8, 10), "fit": "cover"},
    "raw": {"encoding": "raw", "size": (12, 10), "fit": "stretch"},
}
EACH = 12


def make_source(folder: Path, *, numbers: range = range(EACH)) -> dict[str, Samples]:
    """PNG and TIFF of 16 bits, grey and RGB, and 8-bit PNG, 12 x 10: what each must become, by key."""
    expected: dict[str, Samples] = {}
    for number in numbers:
        split, name = ("validation" if number % 4 == 3 else "train"), "ab"[number % 2]
        color, gray = noise(12, 10, 3, seed=number), noise(12, 10, 1, seed=number)
        shallow = (color >> 8).astype(np.uint8)
        content, pixels, extension = [
            (png(color), color, "png"),
            (tiff(color, order=">"), color, "tif"),
            (png(gray), np.repeat(gray, 3, axis=2), "png"),
            (tiff(gray), np.repeat(gray, 3, axis=2), "tiff"),
            (png(shallow), shallow.astype(np.uint16) * 257, "png"),
        ][number % 5]
        path = folder / split / name / f"{number}.{extension}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        expected[path.relative_to(folder).as_posix()] = pixels
    return expected


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Samples]]:
    folder = tmp_path_factory.mktemp("deep") / "source"
    return folder, make_source(folder)


@pytest.fixture(scope="module")
def datasets(
    source: tuple[Path, dict[str, Samples]], tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], Path]:
    root = tmp_path_factory.mktemp("datasets")
    made: dict[tuple[str, str], Path] = {}
    for format_ in FORMATS:
        for layout, options in LAYOUTS.items():
            made[format_, layout] = root / f"{format_}-{layout}"
            chosen = ConvertOptions(format=format_, depth=16, shards=2, **options)
            convert(source[0], made[format_, layout], chosen)
    return made


def by_stock_readers(dataset: Path) -> dict[str, Samples]:
    """All images by key, read by TensorFlow or by h5py, with no more than the documentation says."""
    manifest, found = read_manifest(dataset), {}
    raw = manifest.features.image.encoding == "raw"
    for path in sorted(dataset.glob("*.tfrecord")):
        for record in tf.data.TFRecordDataset(str(path)):
            features = tf.train.Example.FromString(record.numpy()).features.feature
            data = features["image"].bytes_list.value[0]
            shape = [features[name].int64_list.value[0] for name in ("height", "width", "channels")]
            pixels = (
                tf.reshape(tf.io.decode_raw(data, tf.uint16), shape)
                if raw
                else tf.io.decode_png(data, channels=3, dtype=tf.uint16)
            )
            assert pixels.shape == shape
            found[features["key"].bytes_list.value[0].decode()] = pixels.numpy()
    for path in sorted(dataset.glob("*.h5")):
        with h5py.File(path) as file:
            for i, key in enumerate(file["key"].asstr()[:]):
                if raw:
                    assert file["image"].dtype == np.dtype("<u2")
                    found[key] = file["image"][i]
                else:
                    start, stop = file["image_offset"][i : i + 2]
                    data = file["image"][start:stop].tobytes()
                    found[key] = tf.io.decode_png(data, channels=3, dtype=tf.uint16).numpy()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_stock_readers_find_every_value(
    source: tuple[Path, dict[str, Samples]], datasets: dict[Any, Path], format_: str, layout: str
) -> None:
    dataset = datasets[format_, layout]
    found = by_stock_readers(dataset)
    assert found.keys() == source[1].keys()
    if layout != "small":
        for key, pixels in source[1].items():
            assert np.array_equal(found[key], pixels), key
    image = read_manifest(dataset).features.image
    assert (image.dtype, image.depth, image.encoding) == (
        "uint16",
        16,
        "png" if layout == "small" else layout,
    )
    assert verify_dataset(dataset).ok
    ours = open_dataset(dataset)
    for split in ours.splits:
        records = ours.records(split)
        for i in range(len(records)):
            example = records[i]
            assert example["image"].dtype == np.uint16
            assert example["image"].flags.writeable
            assert np.array_equal(example["image"], found[example["key"]])


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_statistics_are_of_what_is_stored(datasets: dict[Any, Path], format_: str, layout: str) -> None:
    dataset = datasets[format_, layout]
    found = [pixels for key, pixels in by_stock_readers(dataset).items() if key.startswith("train/")]
    values = np.concatenate([pixels.reshape(-1, 3) for pixels in found])
    ours = open_dataset(dataset).statistics
    assert ours.mean == pytest.approx(values.astype(np.float64).mean(axis=0), rel=1e-12)
    assert ours.std == pytest.approx(values.astype(np.float64).std(axis=0), rel=1e-9)
    assert (ours.min, ours.max) == (values.min(axis=0).tolist(), values.max(axis=0).tolist())
    for p in (0, 1, 50, 99.9, 100):
        assert ours.percentile(p) == np.percentile(values, p, axis=0, method="inverted_cdf").tolist()
    for channel in range(3):
        assert np.array_equal(ours.histogram[channel], np.bincount(values[:, channel], minlength=65_536))


def test_keep_leaves_what_it_may(source: tuple[Path, dict[str, Samples]], datasets: dict[Any, Path]) -> None:
    records = [open_dataset(datasets["tfrecord", "keep"]).records(name) for name in ("train", "validation")]
    untouched = Counter[int]()
    for split in records:
        for i in range(len(split)):
            key = split.index.key(i)
            kept = split.encoded(i) == (source[0] / key).read_bytes()
            untouched[int(Path(key).stem) % 5] += kept
    assert set(untouched.elements()) == {0, 2}  # PNG of 16 bits, RGB and grey


@pytest.mark.slow
@pytest.mark.parametrize("format_", ["tfrecord", "hdf5"])
def test_any_workers_give_the_same_bytes(
    source: tuple[Path, dict[str, Samples]], datasets: dict[Any, Path], tmp_path: Path, format_: Format
) -> None:
    convert(source[0], tmp_path / "again", ConvertOptions(format=format_, depth=16, shards=2), workers=2)
    assert contents(tmp_path / "again") == contents(datasets[format_, "keep"])


@pytest.mark.slow
@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("layout", ["keep", "raw"])
def test_appending(tmp_path: Path, format_: Format, layout: str) -> None:
    source, dataset = tmp_path / "source", tmp_path / "dataset"
    options = ConvertOptions(format=format_, depth=16, shards=2, **LAYOUTS[layout])
    make_source(source)
    convert(source, dataset, options)
    expected = make_source(source, numbers=range(EACH + 8))
    with pytest.raises(UsageError, match=r"--depth 8 \(it has 16\)"):
        convert(source, dataset, ConvertOptions(format=format_, **LAYOUTS[layout]), append=True)
    assert convert(source, dataset, append=True).added == {"train": 6, "validation": 2}
    at_once = convert(source, tmp_path / "at_once", options).manifest
    assert read_manifest(dataset).statistics == at_once.statistics
    assert read_manifest(dataset).options == at_once.options
    found = by_stock_readers(dataset)
    assert all(np.array_equal(found[key], pixels) for key, pixels in expected.items())
    assert verify_dataset(dataset).ok


@pytest.mark.parametrize("format_", FORMATS)
def test_finished_shards_are_reused(
    source: tuple[Path, dict[str, Samples]], datasets: dict[Any, Path], tmp_path: Path, format_: Format
) -> None:
    shutil.copytree(source[0], tmp_path / "source")
    broken = tmp_path / "source" / "train" / "a" / "broken.png"
    broken.write_bytes(png(noise(12, 10, 3))[:99])
    options = ConvertOptions(format=format_, depth=16, shards=2)
    with pytest.raises(TooManyRejectsError, match=r"broken\.png"):
        convert(tmp_path / "source", tmp_path / "dataset", options)
    conversion = convert(tmp_path / "source", tmp_path / "dataset", options, max_bad=1)
    assert conversion.reused_shards == 4
    whole = read_manifest(datasets[format_, "keep"])
    assert conversion.manifest.statistics == whole.statistics
    assert conversion.manifest.rejects == {"truncated": 1}


@pytest.mark.slow
@pytest.mark.parametrize("layout", labelled.LAYOUTS)
def test_masks_keep_8_bits(tmp_path: Path, layout: str) -> None:
    (tmp_path / "source").mkdir()
    labelled.make_source(tmp_path / "source")
    options = labelled.options(layout)
    depths: dict[str, Depth] = {"shallow": 8, "deep": 16}
    for name, depth in depths.items():
        chosen = dataclasses.replace(options, depth=depth)
        convert(tmp_path / "source" / "labels.csv", tmp_path / name, chosen)
        assert verify_dataset(tmp_path / name).ok
    shallow, deep = (open_dataset(tmp_path / name).records("train") for name in ("shallow", "deep"))
    for i in range(len(shallow)):
        ours, theirs = deep[i], shallow[i]
        assert np.array_equal(ours["région"], theirs["région"])
        if "raw" not in layout:
            assert np.array_equal(ours["image"], theirs["image"].astype(np.uint16) * 257)
        for label in ("species", "tags", "height_cm", "petals", "note", "key"):
            assert np.array_equal(ours[label], theirs[label])
    batch = make_pipeline(
        tmp_path / "deep", "train", batch_size=4, image_size=(8, 8), augment=[RandomFlip()], output="dict"
    )
    assert next(iter(batch))["région"].dtype == tf.uint8


def test_a_dataset_of_8_bits_stays_one(source: tuple[Path, dict[str, Samples]], tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    assert "depth" not in convert(source[0], dataset, ConvertOptions()).manifest.options
    with pytest.raises(UsageError, match=r"--depth 16 \(it has 8\)"):
        convert(source[0], dataset, ConvertOptions(depth=16), append=True)
    with pytest.raises(UsageError, match="depth"):
        convert(source[0], dataset, ConvertOptions(depth=16))


@pytest.mark.slow
@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("layout", ["png", "raw"])
def test_the_same_picture_twice(tmp_path: Path, format_: Format, layout: str) -> None:
    source = tmp_path / "source"
    make_source(source)
    options: dict[str, Any] = {"format": format_, "depth": 16, "shards": 1, **LAYOUTS[layout]}
    once = convert(source, tmp_path / "once", ConvertOptions(**options)).manifest
    pixels = noise(12, 10, 3, seed=0)
    (source / "train" / "a" / "copy.tif").write_bytes(tiff(pixels))
    pixels[5, 5, 1] ^= 1  # in the lowest bit: another picture
    (source / "train" / "a" / "other.png").write_bytes(png(pixels))
    dropped = convert(source, tmp_path / "dropped", ConvertOptions(**options, duplicates="drop")).manifest
    assert dropped.duplicates.dropped == 1
    assert dropped.splits["train"].examples == once.splits["train"].examples + 1
    (source / "train" / "a" / "copy.tif").unlink()
    without = convert(source, tmp_path / "without", ConvertOptions(**options)).manifest
    assert dropped.statistics == without.statistics
    (source / "train" / "a" / "other.png").rename(source / "validation" / "b" / "leak.png")
    convert(source, tmp_path / "no_leak", ConvertOptions(**options))
    (source / "validation" / "b" / "leak.png").write_bytes(tiff(noise(12, 10, 3, seed=0)))
    with pytest.raises(SplitLeakError, match=r"leak\.png"):
        convert(source, tmp_path / "leak", ConvertOptions(**options))


@pytest.mark.slow
@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("layout", ["keep", "raw"])
def test_verify_finds_single_bits(
    datasets: dict[Any, Path], tmp_path: Path, format_: str, layout: str
) -> None:
    rng = np.random.default_rng(2)
    for turn in range(25):
        copy = tmp_path / f"copy{turn}"
        shutil.copytree(datasets[format_, layout], copy)
        parts = (path for path in copy.iterdir() if path.name not in {*SIDE_TABLES, *TFDS_NAMES})
        files = sorted(path for path in parts if path.stat().st_size)
        path = files[rng.integers(len(files))] if turn else copy / "manifest.json"
        data = bytearray(path.read_bytes())
        data[rng.integers(len(data))] ^= 1 << rng.integers(8)
        path.write_bytes(bytes(data))
        report = verify_dataset(copy)
        assert not report.ok
        assert path.name in {finding.file for finding in report.findings}


def test_verify_finds_a_raw_shard_of_another_type(datasets: dict[Any, Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(datasets["hdf5", "raw"], copy)
    manifest = json.loads((copy / "manifest.json").read_text())
    name = manifest["splits"]["train"]["shards"][0]["file"]
    with h5py.File(copy / name, "r+") as file:
        values = file["image"][:]
        del file["image"]
        file.create_dataset(
            "image", data=values.view(np.uint8).reshape(*values.shape[:3], -1), track_times=False
        )
    details = [finding.detail for finding in verify_dataset(copy).findings if finding.file == name]
    assert any("'image' has another type than fitfeed gives it" in detail for detail in details)


@pytest.mark.usefixtures("no_beam")
def test_the_command(
    source: tuple[Path, dict[str, Samples]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = str(tmp_path / "dataset")
    assert main(["convert", str(source[0]), dataset, "--depth", "16", "--encoding", "jpeg"]) == 2
    assert "--encoding keep, png or raw with --depth 16" in capsys.readouterr().err
    assert main(["convert", str(source[0]), dataset, "--depth", "16", "--dry-run"]) == 0
    assert "encoding   keep, 16 bits" in capsys.readouterr().out
    assert main(["convert", str(source[0]), dataset, "--depth", "16", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    statistics = open_dataset(dataset).statistics
    assert document["splits"]["train"]["histogram"] == statistics.histogram.tolist()
    assert document["features"]["image"]["dtype"] == "uint16"
    assert main(["inspect", dataset]) == 0
    printed = capsys.readouterr().out
    assert "image      uint16, of any size, 3 channels, encoding keep" in printed
    assert "(0..65535, of the 9 train images as stored)" in printed
    assert main(["verify", dataset]) == 0
    assert main(["inspect", str(next(Path(dataset).glob("*.tfrecord")))]) == 0


@pytest.mark.slow
def test_hostile_files_get_the_same_verdicts(nasty: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(nasty, source, ignore=shutil.ignore_patterns("containers", "duplicates", "bombs"))
    verdicts = {}
    for name, options in {"8": ConvertOptions(), "16": ConvertOptions(depth=16)}.items():
        convert(source, tmp_path / name, options, max_bad=1.0)
        lines = (tmp_path / name / "rejects.jsonl").read_text(encoding="utf-8").splitlines()
        index = Index(tmp_path / name / "train.index.arrow")
        accepted = [index.path(row) for row in range(len(index))]
        verdicts[name] = (sorted(accepted), [(r["path"], r["reason"]) for r in map(json.loads, lines)])
    assert verdicts["16"] == verdicts["8"]
    assert verify_dataset(tmp_path / "16").ok
    shallow, deep = by_records(tmp_path / "8"), by_stock_readers(tmp_path / "16")
    for key, pixels in deep.items():
        assert pixels.shape == shallow[key].shape
        # The upper bits are those of 8 bits, or one more where 16 bits were rounded.
        difference = pixels / 257 - shallow[key]
        assert np.abs(difference).max() <= 1.01, key


def by_records(dataset: Path) -> dict[str, Any]:
    records = open_dataset(dataset).records("train")
    return {example["key"]: example["image"] for example in (records[i] for i in range(len(records)))}
