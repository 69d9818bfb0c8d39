"""What `benchmarks.scale` measures in processes of their own; each task prints its figures as JSON."""

import argparse
import json
import os
import sys
import time
from pathlib import Path

from benchmarks.processes import children_of, resident_mib
from fitfeed.schemas.sharding import number_of_shards, salted_order, shard_bounds, splits_of


def main() -> int:
    """Runs a task; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    tasks = parser.add_subparsers(required=True)
    planning = tasks.add_parser("plan", help="split, order and shards of so many paths")
    planning.add_argument("paths", type=int)
    planning.set_defaults(run=lambda given: plan(given.paths))
    opening = tasks.add_parser("open", help="a dataset, to its first batch")
    opening.add_argument("dataset", type=Path)
    opening.set_defaults(run=lambda given: open_and_read(given.dataset))
    feeding = tasks.add_parser("feed", help="from a dataset for so many epochs")
    feeding.add_argument("dataset", type=Path)
    feeding.add_argument("epochs", type=int)
    feeding.set_defaults(run=lambda given: feed(given.dataset, given.epochs))
    given = parser.parse_args()
    json.dump(given.run(given), sys.stdout)
    return 0


def plan(paths: int) -> dict[str, float]:
    """Decides split, order and shard of every path of a listing.

    Returns:
        `seconds` without the listing, and `peak_mib` of the process with it.
    """
    keys = [f"class_{number % 1000:03d}/photograph_{number:08d}.jpg" for number in range(paths)]
    fractions = {"train": 0.8, "validation": 0.1, "test": 0.1}
    started = time.perf_counter()
    assigned = splits_of(keys, fractions, seed=0)
    of_split: dict[str, list[str]] = {name: [] for name in fractions}
    for key, name in zip(keys, assigned, strict=True):
        of_split[name].append(key)
    planned = 0
    for chosen in of_split.values():
        order = salted_order(chosen, seed=0)
        shards = number_of_shards(examples=len(chosen), total_bytes=len(chosen) * 30_000)
        for first, stop in shard_bounds(len(chosen), shards):
            planned += len([chosen[place] for place in order[first:stop].tolist()])
    seconds = time.perf_counter() - started
    if planned != paths:
        msg = f"{planned} of {paths} paths were planned"
        raise RuntimeError(msg)
    return {"seconds": seconds, "peak_mib": resident_mib("VmHWM", os.getpid())}


def open_and_read(dataset: Path) -> dict[str, float]:
    """Opens a dataset and takes its first batch, in a process that has imported all it needs.

    Returns:
        `open_s` of `open_dataset`, `batch_s` from then until the first batch is there.
    """
    import tensorflow as tf

    from fitfeed.pipelines import make_pipeline, open_dataset

    tf.constant(0)  # TensorFlow itself starts up with its first operation
    started = time.perf_counter()
    opened = open_dataset(dataset)
    after_opening = time.perf_counter()
    next(iter(make_pipeline(opened, "train", batch_size=128)))
    return {"open_s": after_opening - started, "batch_s": time.perf_counter() - after_opening}


def feed(dataset: Path, epochs: int) -> dict[str, list[float]]:
    """Feeds a training loop that does nothing.

    Returns:
        `resident_mib` of this process and its workers after each epoch; memory that they share counts for each.
    """
    from fitfeed.pipelines import RandomFlip, RandomResizedCrop, make_pipeline

    train = make_pipeline(
        dataset, "train", batch_size=32, image_size=(96, 96), augment=[RandomResizedCrop(), RandomFlip()]
    )
    resident = []
    for _ in range(epochs):
        for _batch in train:
            pass
        resident.append(sum(resident_mib("VmRSS", pid) for pid in (os.getpid(), *children_of(os.getpid()))))
    return {"resident_mib": resident}


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # else a machine without a GPU prints an error
    sys.exit(main())
