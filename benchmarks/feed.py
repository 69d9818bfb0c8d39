"""Measures `make_pipeline` and `make_loader` against decoding and resizing alone, and against what people use without it.

All train at 224 x 224 in batches of 128: a random part of each image, resized, flipped at random.

F1: JPEG of 256 pixels, float32 normalised. F2: the same, uint8. F3: the photographs as they were
(about 533 x 400), float32; and enlarged, as a telephone takes them (about 2132 x 1600). F4: raw
224 x 224 pixels as they are, from TFRecord and HDF5. F5: HDF5 against a generator over h5py.

The floor of F1 to F3 decodes the same bytes with simplejpeg and resizes each image once with OpenCV,
in as many threads, from memory, and does nothing else. `fitfeed` uses as many worker processes, which a
long run comes to by itself. The floor of F4 copies the same pixels once from the page cache (mapped files) into a batch,
in one thread. As machines differ most in that, F4 also says how fast this one copies (`memcpy`, and `pread`
from the page cache; in one thread, and in as many as CPUs), in bytes, and which part of it fitfeed reaches.
Every contestant's first epoch is not counted, and those that follow come from one
iterator, several epochs long; what its start costs is a case of its own. Where other programs use the
machine too, images per second of CPU time is the steadiest figure.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks import floors, measure, peers
from benchmarks.loaders.material import cpu_seconds
from benchmarks.material import enlarge_sample, link_sample
from benchmarks.measure import Epoch, Result
from fitfeed.beam_jobs import convert
from fitfeed.converters.options import ConvertOptions
from fitfeed.pipelines import Dataset, RandomFlip, RandomResizedCrop, make_loader, make_pipeline, open_dataset
from fitfeed.schemas.cpus import available_cpus

SIDE = 224

MIN_SECONDS = 1.0
"""A measurement takes at least so long."""

EPOCHS = 4
"""So few images are an epoch of half a second: several in a row show what a long one does."""

RAW_EPOCHS = 16
"""The same for raw images, of which 1,500 take 50 ms."""

PHOTOS = 96
"""Large photographs in an epoch: each takes tens of milliseconds."""

CONVERSIONS = {
    "jpeg": ConvertOptions(size=(256, 256)),
    "keep": ConvertOptions(),
    "raw": ConvertOptions(encoding="raw", size=(SIDE, SIDE)),
    "raw_hdf5": ConvertOptions(encoding="raw", size=(SIDE, SIDE), format="hdf5"),
}


class Rate(NamedTuple):
    """Images per second: of time, and of CPU time of all threads, and of processes below this one."""

    wall: float
    cpu: float


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # else a machine without a GPU prints an error
    parser = measure.parser(__doc__, rounds=3)
    parser.add_argument("--images", type=int, default=782, help="in an epoch (default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=128, help="default: %(default)s")
    options = parser.parse_args()
    if options.smoke:
        options.images, options.rounds, options.batch_size = 48, 1, 16
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
        results = run(Path(folder), options)
    settings = {"images": options.images, "batch_size": options.batch_size, "threads": available_cpus()}
    measure.report("feed", results, options, **settings)
    return 0


def run(folder: Path, options: argparse.Namespace) -> list[Result]:
    """Runs all cases.

    Args:
        folder: For sources and datasets.
        options: The command line.
    """
    link_sample(folder / "source", options.images)
    datasets: dict[str, Dataset] = {}
    for name, conversion in CONVERSIONS.items():
        convert(folder / "source", folder / name, conversion)
        datasets[name] = open_dataset(folder / name)
    photos = min(PHOTOS, options.images // 4)
    enlarge_sample(folder / "photos", photos)
    convert(folder / "photos", folder / "large", ConvertOptions())
    datasets["large"] = open_dataset(folder / "large")
    batch_size = options.batch_size
    cases = {
        "F1 jpeg 256, float32": partial(jpeg_256, datasets["jpeg"], folder, batch_size),
        "F2 jpeg 256, uint8": partial(jpeg_256_uint8, datasets["jpeg"], batch_size),
        "F3 keep, float32": partial(originals, datasets["keep"], batch_size),
        "F3 keep, large photographs": partial(originals, datasets["large"], min(batch_size, photos // 2)),
    }
    results = [result for case, make in cases.items() for result in race(case, make(), rounds=options.rounds)]
    return [
        *results,
        *raw(datasets, batch_size, rounds=options.rounds),
        start(datasets["jpeg"], batch_size, rounds=options.rounds),
    ]


def start(dataset: Dataset, batch_size: int, *, rounds: int) -> Result:
    """What an epoch costs apart from its images: until its first batch, and that batch itself."""
    run = peers.start_of(pipeline(dataset, batch_size))
    run()
    return Result(
        case="start of an epoch, jpeg 256, float32",
        contestant="fitfeed",
        unit="ms",
        values=[run() for _ in range(rounds)],
    )


def race(case: str, contestants: Mapping[str, Epoch], *, rounds: int, floor: str = "floor") -> list[Result]:
    """Measures the contestants of a case, of which `floor` is the one that others are divided by."""
    return compared(case, measured(contestants, rounds=rounds), floor=floor)


def measured(contestants: Mapping[str, Epoch], *, rounds: int) -> dict[str, list[Rate]]:
    """Measures contestants in turns; returns their rates by round."""
    for epoch in contestants.values():
        epoch()  # traces functions, starts threads, maps memory and reads files into the page cache
    timed = {name: partial(rate_of, epoch) for name, epoch in contestants.items()}
    return measure.alternate(timed, rounds=rounds)


def compared(case: str, rates: Mapping[str, list[Rate]], *, floor: str) -> list[Result]:
    """Makes the results of a case, by the clock and by CPU time."""
    wall = {name: [rate.wall for rate in values] for name, values in rates.items()}
    cpu = {name: [rate.cpu for rate in values] for name, values in rates.items()}
    return [
        *measure.compared(case, wall, unit="images/s", floor=floor),
        *measure.compared(case, cpu, unit="images/CPU-s", floor=floor),
    ]


def rate_of(epoch: Epoch) -> Rate:
    """Times as many epochs as fill the least time."""
    started, cpu_started, images = time.perf_counter(), cpu_seconds(), 0
    while time.perf_counter() - started < MIN_SECONDS:
        images += epoch()
    return Rate(images / (time.perf_counter() - started), images / (cpu_seconds() - cpu_started))


AUGMENT = [RandomResizedCrop(), RandomFlip("horizontal")]


def pipeline(dataset: Dataset, batch_size: int, **arguments: Any) -> Any:
    """Our pipeline as a training would use it."""
    return make_pipeline(
        dataset, "train", batch_size=batch_size, image_size=(SIDE, SIDE), augment=AUGMENT, **arguments
    )


def training(dataset: Dataset, batch_size: int, **arguments: Any) -> Epoch:
    """Some of its epochs."""
    return peers.epochs_of(pipeline(dataset, batch_size, **arguments), EPOCHS)


def loading(dataset: Dataset, batch_size: int, **arguments: Any) -> Epoch:
    """Some epochs of the same batches as NumPy arrays."""
    batches = make_loader(
        dataset, "train", batch_size=batch_size, image_size=(SIDE, SIDE), augment=AUGMENT, **arguments
    )
    return lambda: sum(len(images) for _ in range(EPOCHS) for images, _ in batches)


def ours(dataset: Dataset, batch_size: int, **arguments: Any) -> dict[str, Epoch]:
    """Both with worker processes where there are several CPUs, and with threads."""
    return {
        "fitfeed": training(dataset, batch_size, processes=measure.WORKERS, **arguments),
        "fitfeed, make_loader": loading(dataset, batch_size, processes=measure.WORKERS, **arguments),
        "fitfeed, threads": training(dataset, batch_size, processes=0, **arguments),
        "fitfeed, make_loader, threads": loading(dataset, batch_size, processes=0, **arguments),
    }


def jpeg_256(dataset: Dataset, folder: Path, batch_size: int) -> dict[str, Epoch]:
    """F1: normalised float32 from small JPEGs; with what people use without fitfeed."""
    records = dataset.records("train")
    files = peers.class_folders(folder / "files", payloads(dataset), records.index.labels["label"].tolist())
    statistics = {"mean": dataset.statistics.mean, "std": dataset.statistics.std}
    keras_batches = peers.keras_folder(
        files, side=SIDE, stored=(256, 256), batch_size=batch_size, **statistics
    )
    return {
        **ours(dataset, batch_size),
        "floor": decoding(dataset),
        "tf.data by hand": hand_tuned(dataset, batch_size),
        "Keras folder and layers": peers.epochs_of(keras_batches, EPOCHS),
    }


def jpeg_256_uint8(dataset: Dataset, batch_size: int) -> dict[str, Epoch]:
    """F2: uint8 from small JPEGs, to be normalised on the device."""
    return {**ours(dataset, batch_size, normalize=None, dtype="uint8"), "floor": decoding(dataset)}


def originals(dataset: Dataset, batch_size: int) -> dict[str, Epoch]:
    """F3: normalised float32 from the files as they were."""
    return {
        **ours(dataset, batch_size),
        "floor": decoding(dataset),
        "tf.data by hand": hand_tuned(dataset, batch_size),
    }


def raw(datasets: Mapping[str, Dataset], batch_size: int, *, rounds: int) -> list[Result]:
    """F4: batches of stored pixels, against the floor, and against what this machine reads in as many threads."""
    case, length, best = "F4 raw 224, uint8", SIDE * SIDE * 3, in_threads("pread", available_cpus())
    contestants = {**stored_pixels(datasets, batch_size), **copies(datasets["raw"], length, batch_size)}
    rates = measured(contestants, rounds=rounds)
    gigabytes = {name: [rate.wall * length / 1e9 for rate in values] for name, values in rates.items()}
    return [
        *compared(case, rates, floor="floor"),
        *measure.compared(f"{case}, of {best}", gigabytes, unit="GB/s", floor=best),
    ]


def stored_pixels(datasets: Mapping[str, Dataset], batch_size: int) -> dict[str, Epoch]:
    """What makes batches of stored pixels."""

    def stored(name: str, processes: int = measure.WORKERS) -> Epoch:
        batches = make_pipeline(
            datasets[name], "train", batch_size=batch_size, normalize=None, dtype="uint8", processes=processes
        )
        return peers.epochs_of(batches, RAW_EPOCHS)

    def loaded(name: str, processes: int = measure.WORKERS) -> Epoch:
        batches = make_loader(
            datasets[name], "train", batch_size=batch_size, normalize=None, dtype="uint8", processes=processes
        )
        return lambda: sum(len(images) for _ in range(RAW_EPOCHS) for images, _ in batches)

    generator = peers.h5py_generator(shards(datasets["raw_hdf5"]), batch_size=batch_size)
    return {
        "fitfeed, TFRecord": stored("raw"),
        "fitfeed, TFRecord, make_loader": loaded("raw"),
        "fitfeed, TFRecord, threads": stored("raw", 0),
        "fitfeed, TFRecord, make_loader, threads": loaded("raw", 0),
        "fitfeed, HDF5": stored("raw_hdf5"),
        "fitfeed, HDF5, threads": stored("raw_hdf5", 0),
        "h5py and from_generator": peers.epochs_of(generator),
    }


def copies(dataset: Dataset, length: int, batch_size: int) -> dict[str, Epoch]:
    """What copies stored pixels and does nothing else.

    Args:
        dataset: Raw images.
        length: Bytes of each.
        batch_size: Images per batch.
    """
    index = dataset.records("train").index
    in_memory = floors.from_memory([np.frombuffer(payload, np.uint8) for payload in payloads(dataset)])
    by_pread = floors.from_page_cache(shards(dataset), index)
    in_mapped_files = floors.from_memory(floors.mapped(shards(dataset), index))
    copying = partial(floors.Copying, images=len(index), length=length, batch_size=batch_size)
    made = {"floor": copying(in_mapped_files).epoch}
    for threads in sorted({1, available_cpus()}):
        made[in_threads("memcpy", threads)] = copying(in_memory, threads=threads).epoch
        made[in_threads("pread", threads)] = copying(by_pread, threads=threads).epoch
    return made


def in_threads(way: str, threads: int) -> str:
    """Names a way of copying."""
    return f"{way}, 1 thread" if threads == 1 else f"{way}, {threads} threads"


def decoding(dataset: Dataset) -> Epoch:
    """The floor of everything that decodes."""
    return floors.Decoding(payloads(dataset), SIDE, threads=available_cpus()).epoch


def hand_tuned(dataset: Dataset, batch_size: int) -> Epoch:
    """The best that plain tf.data does with the same shards."""
    statistics = {"mean": dataset.statistics.mean, "std": dataset.statistics.std}
    batches = peers.hand_tuned(shards(dataset), side=SIDE, batch_size=batch_size, **statistics)
    return peers.epochs_of(batches, EPOCHS)


def shards(dataset: Dataset) -> list[Path]:
    """The files with the training images."""
    return [dataset.path / shard.file for shard in dataset.splits["train"].shards]


def payloads(dataset: Dataset) -> list[bytes]:
    """The stored bytes of all training images."""
    records = dataset.records("train")
    return [records.encoded(number) for number in range(len(records))]


if __name__ == "__main__":
    sys.exit(main())
