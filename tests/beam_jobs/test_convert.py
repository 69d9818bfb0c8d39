"""Whole conversions of real photographs."""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fitfeed.converters.option_parts.storage import Format
from fitfeed.converters.options import ConvertOptions
from fitfeed.schemas.errors import ConversionError, TooManyRejectsError, UsageError
from fitfeed.schemas.index import Index
from fitfeed.schemas.manifest import Manifest, read_manifest
from tests.folders import contents, job_folder, path_of
from tests.without_beam import convert


@pytest.fixture
def some(clothing: Path, tmp_path: Path) -> Path:
    """Two classes of the photographs, to be changed by a test."""
    for name in ("dress", "hat"):
        shutil.copytree(clothing / "test" / name, tmp_path / "source" / name)
    return tmp_path / "source"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format_", "options"),
    [
        ("tfrecord", {}),
        ("hdf5", {"size": (64, 64)}),
        ("hdf5", {"encoding": "raw", "size": (32, 32)}),
        ("tfrecord", {"encoding": "png", "size": (48, 48)}),
    ],
)
def test_same_bytes_with_any_number_of_workers(
    clothing: Path, tmp_path: Path, format_: Format, options: dict[str, Any]
) -> None:
    chosen = ConvertOptions(format=format_, shards=5, **options)
    convert(clothing / "validation", tmp_path / "here", chosen)  # one after the other
    convert(clothing / "validation", tmp_path / "4", chosen, workers=4)
    assert contents(tmp_path / "here") == contents(tmp_path / "4")


@pytest.mark.slow
def test_same_bytes_from_a_copy_listed_in_another_order(
    clothing: Path, dataset_tfrecord: Path, tmp_path: Path
) -> None:
    files = sorted((path for path in clothing.rglob("*") if path.is_file()), reverse=True)
    for path in files:  # created backwards, so the file system lists them in another order
        copy = tmp_path / "elsewhere" / clothing.name / path.relative_to(clothing)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    convert(tmp_path / "elsewhere" / clothing.name, tmp_path / "dataset", ConvertOptions())
    assert contents(tmp_path / "dataset") == contents(dataset_tfrecord)


@pytest.mark.slow
def test_nothing_but_the_dataset_is_left(dataset_tfrecord: Path) -> None:
    manifest = read_manifest(dataset_tfrecord)
    expected = {"manifest.json", "rejects.jsonl", "features.json", "dataset_info.json"}
    for split in manifest.splits.values():
        expected |= {split.index.file, *(write_shard.file for write_shard in split.shards)}
    assert set(contents(dataset_tfrecord)) == expected


def test_counts_are_the_folders(clothing: Path, dataset_tfrecord: Path) -> None:
    manifest = read_manifest(dataset_tfrecord)
    assert list(manifest.splits) == ["train", "validation", "test"]
    for name, split in manifest.splits.items():
        counts = [
            len(list((clothing / name / class_name).glob("*.jpg"))) for class_name in manifest.class_names
        ]
        assert split.class_counts == counts
    assert manifest.class_names == sorted(path.name for path in (clothing / "train").iterdir())


@pytest.mark.parametrize(
    "dataset", ["dataset_tfrecord", "dataset_hdf5", "dataset_raw_tfrecord", "dataset_raw_hdf5"]
)
def test_index_points_at_every_payload(dataset: str, clothing: Path, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(dataset)
    manifest = read_manifest(folder)
    for name, split in manifest.splits.items():
        index = Index(folder / split.index.file)
        assert len(index) == split.examples
        shards = [(folder / write_shard.file).read_bytes() for write_shard in split.shards]
        for row in range(0, len(index), 5):
            payload = shards[index.shard[row]][index.offset[row] : index.offset[row] + index.length[row]]
            original = (clothing / index.path(row)).read_bytes()
            if manifest.features.image.encoding == "keep":
                assert payload == original
                assert Image.open(io.BytesIO(original)).size == (index.width[row], index.height[row])
            else:
                assert len(payload) == 64 * 64 * 3
            assert index.key(row).startswith(f"{name}/{manifest.class_names[index.labels['label'][row]]}/")


def decoded(folder: Path, manifest: Manifest) -> np.ndarray:
    """All training pixels as stock TensorFlow reads them, float64 (pixels, channels)."""
    channels = manifest.features.image.channels
    images = []
    for write_shard in manifest.splits["train"].shards:
        for record in tf.data.TFRecordDataset(str(folder / write_shard.file)):
            example = tf.io.parse_single_example(
                record,
                {
                    "image": tf.io.FixedLenFeature([], tf.string),
                    "format": tf.io.FixedLenFeature([], tf.string),
                },
            )
            if example["format"] == b"raw":
                pixels = tf.io.decode_raw(example["image"], tf.uint8)
            else:
                # The accurate DCT, as in our decoder; TensorFlow's default is the fast one.
                decode = tf.io.decode_png if example["format"] == b"png" else accurate_jpeg
                pixels = decode(example["image"], channels=channels)
            images.append(pixels.numpy().reshape(-1, channels))
    return np.concatenate(images).astype(np.float64)


def accurate_jpeg(data: tf.Tensor, channels: int) -> tf.Tensor:
    return tf.io.decode_jpeg(data, channels=channels, dct_method="INTEGER_ACCURATE")


@pytest.mark.parametrize(
    ("options", "tolerance"),
    [
        ({"encoding": "raw", "size": (32, 32)}, 1e-9),
        ({"encoding": "png", "size": (40, 40)}, 1e-9),
        ({"encoding": "png", "size": (40, 40), "channels": 1}, 1e-9),
        ({"size": (64, 64)}, 0.05),  # another JPEG decoder: docs/format.md names the tolerance
        ({}, 0.05),
    ],
)
def test_statistics_equal_numpy_in_float64(
    clothing: Path, tmp_path: Path, options: dict[str, Any], tolerance: float
) -> None:
    statistics = convert(
        clothing / "test", tmp_path / "dataset", ConvertOptions(**options)
    ).manifest.statistics
    pixels = decoded(tmp_path / "dataset", read_manifest(tmp_path / "dataset"))
    assert statistics.split == "train"
    assert statistics.pixels == len(pixels)
    np.testing.assert_allclose(statistics.mean, pixels.mean(axis=0), atol=tolerance, rtol=0)
    np.testing.assert_allclose(statistics.std, pixels.std(axis=0), atol=tolerance, rtol=0)
    if tolerance < 1e-6:
        assert statistics.min == pixels.min(axis=0).tolist()
        assert statistics.max == pixels.max(axis=0).tolist()


def test_jpeg_statistics_are_exact_for_our_decoder(clothing: Path, tmp_path: Path) -> None:
    manifest = convert(clothing / "test", tmp_path / "dataset", ConvertOptions(size=(64, 64))).manifest
    pixels = []
    for write_shard in manifest.splits["train"].shards:
        for record in tf.data.TFRecordDataset(str(tmp_path / "dataset" / write_shard.file)):
            payload = (
                tf.train.Example.FromString(record.numpy()).features.feature["image"].bytes_list.value[0]
            )

            pixels.append(np.asarray(Image.open(io.BytesIO(payload))).reshape(-1, 3))
    wide = np.concatenate(pixels).astype(np.float64)
    np.testing.assert_allclose(manifest.statistics.mean, wide.mean(axis=0), atol=1e-9, rtol=0)
    np.testing.assert_allclose(manifest.statistics.std, wide.std(axis=0), atol=1e-9, rtol=0)


def test_rejects_are_named_and_counted(some: Path, tmp_path: Path) -> None:
    (some / "dress" / "cut.jpg").write_bytes(next(some.glob("hat/*.jpg")).read_bytes()[:5000])
    (some / "hat" / "empty.png").touch()
    (some / "hat" / "notes.txt").write_text("hello")
    (some / "hat" / "gone.jpg").symlink_to("nowhere")
    (some / "loose.jpg").write_bytes(b"\xff\xd8\xff")
    os.mkfifo(some / "hat" / "pipe.jpg")
    good = len(list(some.glob("*/*.jpg"))) - 3
    with pytest.raises(TooManyRejectsError, match="--max-bad 4") as caught:
        convert(some, tmp_path / "dataset", max_bad=3)
    assert "dress/cut.jpg: truncated" in str(caught.value)
    assert not (tmp_path / "dataset" / "manifest.json").exists()

    conversion = convert(some, tmp_path / "dataset", max_bad=4)
    assert conversion.reused_shards == 1
    assert conversion.manifest.splits["train"].examples == good
    assert conversion.manifest.rejects == {"empty_file": 1, "label_invalid": 1, "truncated": 1, "vanished": 1}
    lines = [json.loads(line) for line in (tmp_path / "dataset" / "rejects.jsonl").read_text().splitlines()]
    assert [(line["path"], line["reason"], line["handling"]) for line in lines] == [
        ("dress/cut.jpg", "truncated", "rejected"),
        ("hat/empty.png", "empty_file", "rejected"),
        ("hat/gone.jpg", "vanished", "rejected"),
        ("hat/notes.txt", "not_an_image", "ignored"),
        ("hat/pipe.jpg", "not_an_image", "ignored"),
        ("loose.jpg", "label_invalid", "rejected"),
    ]


def test_a_share_of_bad_files(some: Path, tmp_path: Path) -> None:
    (some / "hat" / "empty.png").touch()
    count = len(list(some.glob("*/*")))
    with pytest.raises(TooManyRejectsError):
        convert(some, tmp_path / "dataset", max_bad=0.99 / count)
    assert convert(some, tmp_path / "dataset", max_bad=1.01 / count).manifest.rejects == {"empty_file": 1}


def test_only_bad_files(tmp_path: Path) -> None:
    (tmp_path / "source" / "a").mkdir(parents=True)
    (tmp_path / "source" / "a" / "1.jpg").write_bytes(b"no picture")
    with pytest.raises(TooManyRejectsError, match="no image of split 'train' could be converted"):
        convert(tmp_path / "source", tmp_path / "dataset", max_bad=1.0)


def test_up_to_date_changed_and_overwrite(some: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    first = convert(some, dataset)
    before = contents(dataset)
    again = convert(some, dataset)
    assert again.up_to_date
    assert not first.up_to_date
    assert contents(dataset) == before
    with pytest.raises(UsageError, match=r"quality 90 -> 50.*--overwrite"):
        convert(some, dataset, ConvertOptions(quality=50))
    removed = next(some.glob("hat/*.jpg"))
    removed.unlink()
    with pytest.raises(UsageError, match=r"(?s)other files.*--overwrite"):
        convert(some, dataset)
    changed = convert(some, dataset, ConvertOptions(format="hdf5", size=(16, 16)), overwrite=True)
    assert changed.manifest.splits["train"].examples == first.manifest.splits["train"].examples - 1
    assert {path.suffix for path in dataset.iterdir()} == {".h5", ".json", ".jsonl", ".arrow"}


def test_old_dataset_stays_readable_until_the_new_one_is_whole(some: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    convert(some, dataset)
    before = contents(dataset)
    (some / "hat" / "empty.png").touch()
    with pytest.raises(TooManyRejectsError):
        convert(some, dataset, overwrite=True)
    assert {name: data for name, data in contents(dataset).items() if not name.startswith(".work")} == before
    read_manifest(dataset)


@pytest.mark.slow
def test_finished_shards_are_reused_only_by_the_same_job(
    clothing: Path, dataset_tfrecord: Path, tmp_path: Path
) -> None:
    source, dataset = tmp_path / clothing.name, tmp_path / "dataset"
    shutil.copytree(clothing, source, copy_function=shutil.copyfile)
    bad = source / "validation" / "hat" / "0.jpg"
    bad.touch()
    with pytest.raises(TooManyRejectsError):
        convert(source, dataset)
    work = job_folder(dataset)
    shards = len(list(path_of(work.shards).iterdir()))
    removed = sorted(path_of(work.shards).iterdir())[0]
    removed.unlink()
    conversion = convert(source, dataset, max_bad=1)
    assert conversion.reused_shards == shards - 1
    bad.unlink()
    conversion = convert(source, dataset, overwrite=True)
    assert conversion.reused_shards == 0
    assert contents(dataset) == contents(dataset_tfrecord)


def test_a_folder_that_cannot_be_made(some: Path) -> None:
    with pytest.raises(UsageError, match="cannot write to DATASET"):
        convert(some, Path("/proc/dataset"))


@pytest.mark.slow
def test_a_script_needs_no_guard(some: Path, tmp_path: Path) -> None:
    """Workers do not run the script that starts them, which would convert again in each."""
    script = tmp_path / "script.py"
    script.write_text(
        f"print('once', flush=True)\n"
        f"from fitfeed.beam_jobs import convert\n"
        f"print(convert({str(some)!r}, {str(tmp_path / 'dataset')!r}, workers=2).up_to_date)\n"
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=600, cwd=tmp_path, check=False
    )
    assert done.stdout.split() == ["once", "False"], done.stderr


def test_two_conversions_into_one_folder(some: Path, tmp_path: Path) -> None:
    import fcntl

    (tmp_path / "dataset" / ".work").mkdir(parents=True)
    with (tmp_path / "dataset" / ".work" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="another conversion into"):
            convert(some, tmp_path / "dataset")
    assert not convert(some, tmp_path / "dataset").up_to_date


@pytest.mark.parametrize("given", [{"workers": 0}, {"max_bad": -1}, {"max_bad": 1.5}])
def test_arguments_are_checked(some: Path, tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"Received: {next(iter(given))}="):
        convert(some, tmp_path / "dataset", **given)


def test_one_class_and_odd_names(some: Path, tmp_path: Path) -> None:
    shutil.rmtree(some / "dress")
    (some / "hat").rename(some / "größe 图片 & co")
    manifest = convert(some, tmp_path / "dataset").manifest
    assert manifest.class_names == ["größe 图片 & co"]


def test_invalid_utf8_names(some: Path, tmp_path: Path) -> None:
    picture = next(some.glob("hat/*.jpg"))
    picture.rename(Path(os.fsdecode(os.fsencode(some / "hat") + b"/\xff\xfe new\nline.jpg")))
    convert(some, tmp_path / "dataset")
    index = Index(tmp_path / "dataset" / "train.index.arrow")
    assert "hat/\\xff\\xfe new\nline.jpg" in {index.path(row) for row in range(len(index))}


def test_dataset_without_train_says_what_its_statistics_describe(clothing: Path, tmp_path: Path) -> None:
    shutil.copytree(clothing / "test", tmp_path / "source" / "test")
    manifest = convert(tmp_path / "source", tmp_path / "dataset").manifest
    assert list(manifest.splits) == ["test"]
    assert manifest.statistics.split == "test"


def test_disk_full_is_an_error_that_continues(
    some: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fitfeed.converters.shards import write_shard

    dataset = tmp_path / "dataset"
    convert(some, tmp_path / "reference")
    (some / "hat" / "zz.png").touch()
    with pytest.raises(TooManyRejectsError):  # prepares the working folder
        convert(some, dataset)
    (some / "hat" / "zz.png").unlink()

    def full(self: object) -> None:
        raise OSError(28, "No space left on device")

    work = job_folder(dataset)
    job = work.read_job()
    shutil.rmtree(path_of(work.root) / "results")
    (path_of(work.root) / "results").mkdir()
    monkeypatch.setattr("fitfeed.converters.shards.writers.tfrecord.TFRecordWriter._complete", full)
    with pytest.raises(ConversionError, match=r"No space left on device.*Nothing was published"):
        write_shard.write_shard(work, job, 0, lambda source_bytes, rejected: None)
    monkeypatch.undo()
    convert(some, dataset)
    assert contents(dataset) == contents(tmp_path / "reference")
