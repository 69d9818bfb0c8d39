"""Converts the pictures in `examples/clothing` to TFRecord and to HDF5 and trains on each.

Run it with `make demo`; it takes about two minutes on two cores. It ends with exit status 1 where
training does not end above chance. With 391 pictures and a network this small, an accuracy between
0.3 and 0.4 is what to expect; the point is that the whole way works.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # else a machine without a GPU prints an error

import keras
from small_network import small_network

from fitfeed import RandomFlip, RandomResizedCrop, make_pipeline, open_dataset

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "examples" / "clothing"
SIDE = 64
BATCH_SIZE = 16
EPOCHS = 16
SEED = 1
WARM_EPOCHS = 3


def main() -> int:
    """Runs the demonstration; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "demo", help="where the datasets go")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    options = parser.parse_args()
    shutil.rmtree(options.output, ignore_errors=True)
    options.output.mkdir(parents=True)
    results = [
        demonstrate(kind, options.output / kind, epochs=options.epochs) for kind in ("tfrecord", "hdf5")
    ]
    if not all(results):
        print("FAILED: a network did not end above chance", file=sys.stderr)
        return 1
    print("done: both networks ended above chance")
    return 0


def demonstrate(kind: str, dataset: Path, *, epochs: int) -> bool:
    """Converts, trains and measures one container format; returns whether training beat chance."""
    print(f"== {kind}")
    report = convert(kind, dataset)
    examples = sum(split["examples"] for split in report["splits"].values())
    print(
        f"converted  {examples} images in {report['seconds']:.1f} s, {report['images_per_second']:.0f} images/s"
    )
    print(f"feeding    {feeding_rate(dataset):.0f} images/s (warm, decoded, cropped, flipped, normalised)")

    start = time.perf_counter()
    accuracy = train(dataset, epochs=epochs)
    seconds = time.perf_counter() - start
    counts = report["splits"]["validation"]["class_counts"].values()
    chance, majority = 1 / len(counts), max(counts) / sum(counts)
    print(f"trained    {epochs} epochs in {seconds:.1f} s")
    print(
        f"accuracy   {accuracy:.3f} on validation; chance {chance:.3f}, always the largest class {majority:.3f}\n"
    )
    return bool(accuracy > max(chance, majority))


def convert(kind: str, dataset: Path) -> dict[str, Any]:
    """Runs the command line as a user would; returns its JSON document."""
    command = [sys.executable, "-m", "fitfeed", "convert", str(SOURCE), str(dataset), "--format", kind]
    command += ["--encoding", "jpeg", "--size", "128", "--quiet", "--json"]
    result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def pipeline(dataset: Path, split: str) -> Any:
    """Batches of a split: augmented where they are for training."""
    augment = [RandomResizedCrop(scale=(0.5, 1.0)), RandomFlip("horizontal")] if split == "train" else []
    return make_pipeline(
        dataset, split, batch_size=BATCH_SIZE, image_size=(SIDE, SIDE), augment=augment, seed=SEED
    )


def feeding_rate(dataset: Path) -> float:
    """Images per second of the training pipeline alone, after an epoch to warm up."""
    batches = pipeline(dataset, "train")
    images = 0
    for epoch in range(WARM_EPOCHS + 1):
        if epoch == 1:
            start, images = time.perf_counter(), 0
        for image, _ in batches:
            images += image.shape[0]
    return images / (time.perf_counter() - start)


def train(dataset: Path, *, epochs: int) -> float:
    """Trains from scratch; returns the mean validation accuracy of the last quarter of epochs."""
    keras.utils.set_random_seed(SEED)
    model = small_network(SIDE, len(open_dataset(dataset).class_names))
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    history = model.fit(
        pipeline(dataset, "train"),
        validation_data=pipeline(dataset, "validation"),
        epochs=epochs,
        shuffle=False,  # the pipeline shuffles; Keras warns where this is left out
        verbose=0,
    )
    last = history.history["val_accuracy"][-max(1, epochs // 4) :]
    return float(sum(last) / len(last))


if __name__ == "__main__":
    sys.exit(main())
