"""What docs/tensorflow-io.md shows runs as written, where tensorflow-io loads, and reads what our own reader reads.

None of these tests is marked as slow: lanes run no slow ones, and everywhere else all of this is skipped.
"""

import io
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fitfeed.converters.inspect.tfrecord import inspect_tfrecord
from fitfeed.converters.options import ConvertOptions
from fitfeed.pipelines import open_dataset
from tests.converters.inspect.foreign import example, write
from tests.documented import ROOT, blocks
from tests.servers import azure_account
from tests.servers.stores import Store
from tests.without_beam import convert

PATIENCE_S = 300
"""A process that hangs at its end, as tensorflow-io may, is a failure."""

needs_tensorflow_io = pytest.mark.skipif(
    find_spec("tensorflow_io") is None,
    reason="tensorflow-io is not installed; it is in the oldest lane: make lanes LANES=oldest",
)

PAGE = ROOT / "docs" / "tensorflow-io.md"
EXCUSE = "needs tensorflow-io, which tests/end_to_end/test_tensorflow_io.py has in the oldest lane"
S3, LEAVE, AZURE, IMAGES, HDF5 = range(5)
BLOCKS = [block.text for block in blocks(PAGE, excuse=EXCUSE)]

SAVE = """
import numpy

images, labels = zip(*dataset.as_numpy_iterator())
numpy.savez("read.npz", images=images, labels=labels)
print("saved", flush=True)
"""


def test_all_blocks_that_are_excused_on_the_page_run_here() -> None:
    assert [text.count("tfio.") > 0 for text in BLOCKS] == [False, False, False, True, True]


def in_store(store: Store) -> tuple[Mapping[str, str], dict[str, str]]:
    """What replaces the addresses of the page, and the variables that it says to set."""
    url = f"http://127.0.0.1:{store.proxy.port}"
    bucket = store.address.partition("://")[2]
    if store.kind == "azurite":
        names = {"my-account": azure_account.NAME, "my-container": bucket}
        endpoint = f"{url.removeprefix('http://')}/{azure_account.NAME}"
        return names, {
            "TF_AZURE_STORAGE_KEY": azure_account.KEY,
            "TF_AZURE_STORAGE_BLOB_ENDPOINT": endpoint,
            "TF_AZURE_STORAGE_USE_HTTP": "1",
        }
    return {"my-bucket": bucket}, {"S3_ENDPOINT": url}


def run(script: Sequence[str], folder: Path, store: Store) -> subprocess.CompletedProcess[str]:
    """Runs Python in a process of its own, as `s3://` takes it with it."""
    names, environment = in_store(store)
    text = "\n".join(script)
    for name, value in names.items():
        text = text.replace(name, value)
    for variable in environment:
        assert variable in PAGE.read_text()
    return subprocess.run(
        [sys.executable, "-c", text],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


@pytest.fixture
def flowers(store: Store, clothing: Path) -> Any:
    """The records of a dataset in the store: PNG, which all decoders read alike."""
    options = ConvertOptions(encoding="png", size=(32, 32), fit="cover", shards=2, split={"train": 1.0})
    convert(clothing / "validation", f"{store.address}/flowers", options)
    return open_dataset(f"{store.address}/flowers").records("train")


def check_saved(folder: Path, records: Any) -> None:
    saved = np.load(folder / "read.npz")
    assert len(records) > 50
    np.testing.assert_array_equal(saved["labels"], [records[i]["label"] for i in range(len(records))])
    np.testing.assert_array_equal(saved["images"], [records[i]["image"] for i in range(len(records))])


@needs_tensorflow_io
@pytest.mark.parametrize("store", ["versitygw"], indirect=True)
def test_shards_in_s3_are_read_and_the_process_may_leave(store: Store, flowers: Any, tmp_path: Path) -> None:
    done = run([BLOCKS[S3], SAVE, BLOCKS[LEAVE]], tmp_path, store)
    assert (done.returncode, done.stdout) == (0, "saved\n"), done.stderr
    check_saved(tmp_path, flowers)


@needs_tensorflow_io
@pytest.mark.parametrize("store", ["versitygw"], indirect=True)
@pytest.mark.usefixtures("flowers")
def test_a_process_that_used_s3_aborts_at_its_end(store: Store, tmp_path: Path) -> None:
    """If this fails, tensorflow-io is mended, and the page need not say it any more."""
    done = run([BLOCKS[S3], SAVE, "sys = __import__('sys'); sys.exit(3)"], tmp_path, store)
    assert done.stdout == "saved\n"
    assert "pure virtual method called" in done.stderr
    assert done.returncode == -signal.SIGABRT  # a shell calls it 134


@needs_tensorflow_io
@pytest.mark.parametrize("store", ["azurite"], indirect=True)
def test_shards_in_azure_are_read(store: Store, flowers: Any, tmp_path: Path) -> None:
    done = run([BLOCKS[S3].partition("shards = ")[0], BLOCKS[AZURE], SAVE], tmp_path, store)
    assert (done.returncode, done.stdout) == (0, "saved\n"), done.stderr
    check_saved(tmp_path, flowers)


@needs_tensorflow_io
@pytest.mark.parametrize("store", ["azurite"], indirect=True)
@pytest.mark.usefixtures("flowers")
def test_an_address_of_azure_without_its_account_is_refused(store: Store, tmp_path: Path) -> None:
    read = f"tf.io.read_file('{store.address}/flowers/manifest.json')"
    done = run(["import tensorflow as tf, tensorflow_io", read], tmp_path, store)
    assert done.returncode == 1
    assert "403" in done.stderr


@needs_tensorflow_io
@pytest.mark.parametrize("store", ["versitygw"], indirect=True)
@pytest.mark.usefixtures("flowers")
def test_tensorflow_datasets_reads_from_s3(store: Store, tmp_path: Path) -> None:
    script = """
import os, tensorflow_io, tensorflow_datasets as tfds

builder = tfds.builder_from_directory("s3://my-bucket/flowers")
print(builder.info.splits["train"].num_examples == sum(1 for _ in builder.as_dataset(split="train")), flush=True)
os._exit(0)
"""
    done = run([script], tmp_path, store)
    assert done.stdout == "True\n", done.stderr


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


PICTURES: dict[str, tuple[str, dict[str, Any], str]] = {
    "lossless.webp": ("WEBP", {"lossless": True}, "RGB"),
    "lossy.webp": ("WEBP", {"quality": 80}, "RGB"),
    "gray.webp": ("WEBP", {"lossless": True}, "L"),
    "plain.tiff": ("TIFF", {}, "RGB"),
    "lzw.tiff": ("TIFF", {"compression": "tiff_lzw"}, "RGB"),
    "deflate.tiff": ("TIFF", {"compression": "tiff_adobe_deflate"}, "RGB"),
    "jpeg.tiff": ("TIFF", {"compression": "jpeg"}, "RGB"),
    "gray.tiff": ("TIFF", {}, "L"),
    "palette.tiff": ("TIFF", {}, "P"),
    "cmyk.tiff": ("TIFF", {}, "CMYK"),
    "420.avif": ("AVIF", {"quality": 90, "subsampling": "4:2:0"}, "RGB"),
    "444.avif": ("AVIF", {"quality": 90, "subsampling": "4:4:4"}, "RGB"),
}


AVIF_APART = {"420.avif": 26, "444.avif": 7}
"""As the page says: libraries interpolate colors in different ways."""


@pytest.fixture
def downloads(clothing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A photograph in each format, below the current folder."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    with Image.open(min(clothing.glob("train/dress/*.jpg"))) as photo:
        for name, (kind, options, mode) in PICTURES.items():
            (folder / name).write_bytes(encoded(photo.convert("RGB").convert(mode), kind, **options))
    monkeypatch.chdir(tmp_path)
    return folder


@needs_tensorflow_io
def test_images_are_decoded_in_a_graph_to_what_we_store(downloads: Path) -> None:
    convert(downloads, downloads.parent / "dataset", ConvertOptions(split={"train": 1.0}), labels="none")
    records = open_dataset(downloads.parent / "dataset").records("train")
    stored = {records[i]["key"]: records[i]["image"] for i in range(len(records))}
    script = downloads.parent / "script.py"
    script.write_text(BLOCKS[IMAGES])
    names = runpy.run_path(str(script))  # from a file, which AutoGraph reads
    assert names["images"].element_spec.shape[2] == 3
    read = {
        Path(path.decode()).name: image
        for path, image in zip(
            names["files"].as_numpy_iterator(), names["images"].as_numpy_iterator(), strict=True
        )
    }
    assert read.keys() == stored.keys() == PICTURES.keys()
    for name, image in read.items():
        apart = np.abs(image.astype(int) - stored[name])
        assert apart.max() <= AVIF_APART.get(name, 0), name
        assert apart.mean() < 2, name


@needs_tensorflow_io
def test_the_printed_parser_reads_webp_to_what_we_store(downloads: Path) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="Unknown image file format"):
        tf.io.decode_image((downloads / "lossy.webp").read_bytes())  # so it was not TensorFlow alone
    files = sorted(downloads.glob("*.webp"))
    path = write(downloads.parent / "a.tfrecord", [example(image=[file.read_bytes()]) for file in files])
    names: dict[str, Any] = {}
    exec(inspect_tfrecord(path, "none").parser, names)
    for file, record in zip(files, names["dataset"].as_numpy_iterator(), strict=True):
        with Image.open(file) as picture:
            np.testing.assert_array_equal(record["image"], np.asarray(picture.convert("RGB")))


@needs_tensorflow_io
def test_hdf5_shards_are_read(clothing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    options = ConvertOptions(
        format="hdf5", encoding="raw", size=(32, 48), fit="cover", shards=2, split={"train": 1.0}
    )
    convert(clothing / "validation", tmp_path / "flowers-raw", options)
    names: dict[str, Any] = {}
    exec(BLOCKS[HDF5], names)
    records = open_dataset(tmp_path / "flowers-raw").records("train")
    read = list(names["dataset"].as_numpy_iterator())
    assert len(read) == len(records) > 50
    for i, (image, label, key) in enumerate(read):
        np.testing.assert_array_equal(image, records[i]["image"])
        assert (label, key.decode()) == (records[i]["label"], records[i]["key"])


@needs_tensorflow_io
def test_the_benchmark_runs(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "by_tensorflow_io.py"), "--smoke"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("tensorflow-io") == 3
