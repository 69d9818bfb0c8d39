"""What TensorFlow's users do: tf.data by hand, TFDS, Keras' folder loaders, a generator over h5py; and fitfeed."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import floors, peers
from benchmarks.loaders.material import Task, class_folders
from benchmarks.measure import WORKERS
from fitfeed.pipelines import RandomFlip, RandomResizedCrop, make_pipeline

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

RAW_EPOCHS = 8
"""So few raw images are an epoch of a tenth of a second."""


def floor(task: Task) -> Callable[[], int]:
    """Decode and resize, from memory, in as many threads: what the libraries allow."""
    payloads = [payload for payload, _ in task.examples()]
    return floors.Decoding(payloads, task.side, threads=task.workers).epoch


def fitfeed_threads(task: Task) -> Callable[[], int]:
    """Our pipeline without worker processes."""
    return fitfeed(task, processes=0)


def fitfeed(task: Task, *, processes: int = WORKERS) -> Callable[[], int]:
    """Our pipeline."""
    return peers.epochs_of(
        make_pipeline(
            task.dataset(),
            "train",
            batch_size=task.batch_size,
            image_size=(task.side, task.side),
            augment=[RandomResizedCrop(), RandomFlip("horizontal")],
            processes=processes,
        )
    )


def by_hand(task: Task) -> Callable[[], int]:
    """A hand-tuned tf.data pipeline over the same shards."""
    dataset = task.dataset()
    shards = [dataset.path / shard.file for shard in dataset.splits["train"].shards]
    return peers.epochs_of(
        peers.hand_tuned(shards, side=task.side, batch_size=task.batch_size, mean=task.mean, std=task.std)
    )


def tfds(task: Task) -> Callable[[], int]:
    """TensorFlow Datasets: a builder of one's own, decoding skipped and done in one parallel map."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    files = class_folders(task)
    names = sorted(folder.name for folder in files.iterdir())

    class Pictures(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self) -> Any:
            features = {"image": tfds.features.Image(), "label": tfds.features.ClassLabel(names=names)}
            return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

        def _split_generators(self, dl_manager: Any) -> Any:
            return {"train": self._generate_examples(files)}

        def _generate_examples(self, path: Path) -> Any:
            for file in sorted(path.glob("*/*.jpg")):
                yield file.stem, {"image": str(file), "label": file.parent.name}

    builder = Pictures(data_dir=str(task.path / "tfds"))
    if not (task.path / "tfds").exists():
        builder.download_and_prepare()
    mean, std = tf.constant(task.mean, tf.float32), tf.constant(task.std, tf.float32)

    def load(example: Any) -> Any:
        crop = peers.random_part(tf.io.extract_jpeg_shape(example["image"]))
        image = tf.io.decode_and_crop_jpeg(example["image"], crop, channels=3)
        image = tf.image.random_flip_left_right(tf.image.resize(image, [task.side, task.side]))
        return (image - mean) / std, example["label"]

    batches = (
        builder.as_dataset("train", shuffle_files=True, decoders={"image": tfds.decode.SkipDecoding()})
        .shuffle(peers.SHUFFLE_EXAMPLES)
        .map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=False)
        .batch(task.batch_size, drop_remainder=True)
        .prefetch(tf.data.AUTOTUNE)
    )
    return peers.epochs_of(batches)


def keras_folder(task: Task) -> Callable[[], int]:
    """`image_dataset_from_directory` and Keras' layers."""
    files = class_folders(task)
    return peers.epochs_of(
        peers.keras_folder(
            files,
            side=task.side,
            stored=(256, 256),
            batch_size=task.batch_size,
            mean=task.mean,
            std=task.std,
        )
    )


def image_data_generator(task: Task) -> Callable[[], int]:
    """`ImageDataGenerator` with shear, zoom and flip: one thread, as `fit` runs it by default."""
    import tensorflow as tf

    generator = tf.keras.preprocessing.image.ImageDataGenerator(
        rescale=1 / 255, shear_range=0.2, zoom_range=0.2, horizontal_flip=True
    )
    batches = generator.flow_from_directory(
        str(class_folders(task)),
        target_size=(task.side, task.side),
        batch_size=task.batch_size,
        class_mode="sparse",
    )
    # A few batches: an epoch would take most of a minute.
    return lambda: sum(len(next(batches)[1]) for _ in range(min(2, len(batches))))


def raw_hdf5(task: Task) -> Callable[[], int]:
    """Our pipeline over raw pixels in HDF5."""
    dataset = task.dataset("raw_hdf5")
    batches = make_pipeline(
        dataset,
        "train",
        batch_size=task.batch_size,
        normalize=None,
        dtype="uint8",
        labels="int",
        processes=WORKERS,
    )
    return peers.epochs_of(batches, RAW_EPOCHS)


def h5py_generator(task: Task) -> Callable[[], int]:
    """`tf.data.Dataset.from_generator` over h5py, image by image, in a shuffled order."""
    import h5py
    import tensorflow as tf

    dataset = task.dataset("raw_hdf5")
    files = [h5py.File(dataset.path / shard.file, "r") for shard in dataset.splits["train"].shards]
    places = [(file, row) for file in files for row in range(len(file["image"]))]
    random = np.random.default_rng(0)

    def examples() -> Any:
        for place in random.permutation(len(places)).tolist():
            file, row = places[place]
            yield file["image"][row], file["label"][row]

    signature = (tf.TensorSpec((task.side, task.side, 3), tf.uint8), tf.TensorSpec((), tf.int64))
    batches = (
        tf.data.Dataset.from_generator(examples, output_signature=signature)
        .batch(task.batch_size, drop_remainder=True)
        .prefetch(tf.data.AUTOTUNE)
    )
    return peers.epochs_of(batches)
