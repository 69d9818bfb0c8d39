"""Measures what docs/tensorflow-io.md recommends against tensorflow-io, where that loads (`make lanes LANES=oldest` has it).

HDF5: an epoch of raw 224 x 224 images in batches of 32, by `make_pipeline` shuffled, by `IODataset.from_hdf5` and by slices of
`IOTensor.from_hdf5` in the order of the file, and by `IOTensor.from_hdf5` one by one, shuffled (a tenth of an epoch). Formats: one photograph, decoded again and again in a graph with as many calls at
once as there are CPUs, by tensorflow-io and by Pillow in `tf.numpy_function`.
"""

import io
import os
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from PIL import Image

from benchmarks import measure
from benchmarks.material import SAMPLE, link_sample
from benchmarks.measure import Epoch, Result
from fitfeed.beam_jobs import convert
from fitfeed.converters.options import ConvertOptions
from fitfeed.pipelines import make_pipeline
from fitfeed.schemas.cpus import available_cpus

SIDE, BATCH_SIZE = 224, 32

FORMATS: dict[str, dict[str, Any]] = {"WEBP": {"quality": 90}, "TIFF": {}, "AVIF": {"quality": 80}}


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    parser = measure.parser(__doc__, rounds=3)
    parser.add_argument("--images", type=int, default=1500, help="in an epoch of HDF5 (default: %(default)s)")
    parser.add_argument("--decodes", type=int, default=200, help="of each format (default: %(default)s)")
    options = parser.parse_args()
    if options.smoke:
        options.images, options.decodes, options.rounds = 40, 4, 1
    tfio = loaded(parser)
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
        results = race("raw HDF5", hdf5(tfio, Path(folder), options.images), "fitfeed", options.rounds)
        for name in FORMATS:
            results += race(name, decoding(tfio, name, options.decodes), "Pillow", options.rounds)
    settings = {"images": options.images, "decodes": options.decodes, "threads": available_cpus()}
    measure.report("by_tensorflow_io", results, options, **settings)
    return 0


def loaded(parser: ArgumentParser) -> Any:
    """The module tensorflow_io, one of whose functions was called: with a later TensorFlow, importing it only warns.

    Args:
        parser: Says in one line what is wrong, and exits.
    """
    if find_spec("tensorflow_io") is None:
        parser.error("tensorflow-io is not installed. Run: pip install 'fitfeed[tensorflow,io]'")
    stream = io.BytesIO()
    Image.new("RGB", (1, 1)).save(stream, "WEBP")
    try:
        import tensorflow_io as tfio

        tfio.image.decode_webp(stream.getvalue())
    except (ImportError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        parser.error(
            f"tensorflow-io does not load with TensorFlow {tf.__version__} ({reason}). It needs 2.16 or 2.17: docs/tensorflow-io.md"
        )
    return tfio


def race(case: str, contestants: dict[str, Epoch], floor: str, rounds: int) -> list[Result]:
    """Measures contestants in turns, in images per second.

    Args:
        case: Its name.
        contestants: Name to what does the work once.
        floor: Which of them the others are divided by.
        rounds: How often.
    """
    for epoch in contestants.values():
        epoch()  # traces functions, starts workers and reads files into the page cache
    rates = measure.alternate(
        {name: partial(rate, epoch) for name, epoch in contestants.items()}, rounds=rounds
    )
    return measure.compared(case, rates, unit="images/s", floor=floor)


def rate(epoch: Epoch) -> float:
    """Images per second."""
    started = time.perf_counter()
    return epoch() / (time.perf_counter() - started)


def hdf5(tfio: Any, folder: Path, images: int) -> dict[str, Epoch]:
    """Ways to read a shard of raw images, each an epoch.

    Args:
        tfio: The module tensorflow_io.
        folder: For source and dataset.
        images: How many.
    """
    link_sample(folder / "source", images)
    options = ConvertOptions(format="hdf5", encoding="raw", size=(SIDE, SIDE), split={"train": 1.0}, shards=1)
    convert(folder / "source", folder / "dataset", options)
    file = str(next((folder / "dataset").glob("train-*.h5")))
    stored = tfio.IOTensor.from_hdf5(file)("/image")

    def by_dataset() -> int:
        columns = [tfio.IODataset.from_hdf5(file, name) for name in ("/image", "/label")]
        return count(tf.data.Dataset.zip(tuple(columns)).batch(BATCH_SIZE))

    def by_slices() -> int:
        starts = range(0, images - BATCH_SIZE + 1, BATCH_SIZE)
        return sum(len(stored[start : start + BATCH_SIZE]) for start in starts)

    def by_images() -> int:
        order = np.random.default_rng(0).permutation(images)[: images // 10]
        return sum(stored[number].shape[0] == SIDE for number in order.tolist())

    pipeline = make_pipeline(
        folder / "dataset", "train", batch_size=BATCH_SIZE, normalize=None, dtype="uint8"
    )
    return {
        "fitfeed": lambda: count(pipeline),
        "IODataset.from_hdf5": by_dataset,
        "IOTensor.from_hdf5, slices": by_slices,
        "IOTensor.from_hdf5, shuffled": by_images,
    }


def count(batches: Any) -> int:
    """How many images some batches have."""
    return sum(len(images) for images, _ in batches)


def decoding(tfio: Any, name: str, decodes: int) -> dict[str, Epoch]:
    """Ways to decode a format in a graph, each several times.

    Args:
        tfio: The module tensorflow_io.
        name: Of the format.
        decodes: How often.
    """
    stream = io.BytesIO()
    with Image.open(min(SAMPLE.glob("train/*/*.jpg"))) as photo:
        photo.convert("RGB").save(stream, name, **FORMATS[name])
    images = tf.data.Dataset.from_tensors(stream.getvalue()).repeat(decodes)
    by_name = {
        "WEBP": tfio.image.decode_webp,
        "TIFF": tfio.experimental.image.decode_tiff,
        "AVIF": tfio.experimental.image.decode_avif,
    }

    def epoch(decode: Callable[[Any], Any]) -> int:
        return sum(1 for _ in images.map(decode, num_parallel_calls=available_cpus()))

    def by_pillow(data: Any) -> Any:
        return tf.numpy_function(pixels, [data], tf.uint8)

    def by_tensorflow_io(data: Any) -> Any:
        return by_name[name](data)[..., :3]

    return {"Pillow": partial(epoch, by_pillow), "tensorflow-io": partial(epoch, by_tensorflow_io)}


def pixels(data: bytes) -> Any:
    """uint8 (height, width, 3) of an image file."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


if __name__ == "__main__":
    sys.exit(main())
