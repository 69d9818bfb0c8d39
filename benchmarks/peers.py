"""What people do without fitfeed, written as well as we know how."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow as tf

SHUFFLE_EXAMPLES = 2048
"""Size of the shuffle buffer."""


def hand_tuned(
    files: Sequence[Path], *, side: int, batch_size: int, mean: Any, std: Any
) -> "tf.data.Dataset":
    """A tf.data pipeline over TFRecord files, tuned by hand as TensorFlow's performance guide has it.

    Parallel interleaved reads; a random part of the image decoded, not the whole; all per-image
    work in one parallel map; order given up for speed; batches fetched ahead.

    Args:
        files: Shards that fitfeed wrote.
        side: Height and width of the batch.
        batch_size: Images per batch; the remainder is dropped.
        mean: Per channel.
        std: Per channel.
    """
    import tensorflow as tf

    mean, std = tf.constant(mean, tf.float32), tf.constant(std, tf.float32)
    features = {"image": tf.io.FixedLenFeature([], tf.string), "label": tf.io.FixedLenFeature([], tf.int64)}

    def load(record: "tf.Tensor") -> "tuple[tf.Tensor, tf.Tensor]":
        example = tf.io.parse_single_example(record, features)
        crop = random_part(tf.io.extract_jpeg_shape(example["image"]))
        image = tf.io.decode_and_crop_jpeg(example["image"], crop, channels=3)
        image = tf.image.resize(image, [side, side])
        image = tf.image.random_flip_left_right(image)
        return (image - mean) / std, example["label"]

    options = tf.data.Options()
    options.deterministic = False
    return (
        tf.data.Dataset.from_tensor_slices([str(file) for file in files])
        .shuffle(len(files))
        .interleave(
            tf.data.TFRecordDataset, cycle_length=8, num_parallel_calls=tf.data.AUTOTUNE, deterministic=False
        )
        .shuffle(SHUFFLE_EXAMPLES)
        .map(load, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(batch_size, drop_remainder=True)
        .prefetch(tf.data.AUTOTUNE)
        .with_options(options)
    )


def random_part(shape: "tf.Tensor") -> "tf.Tensor":
    """Top, left, height and width of a random part of an image, int32 (4,), as RandomResizedCrop draws it."""
    import tensorflow as tf

    begin, size, _ = tf.image.sample_distorted_bounding_box(
        shape,
        tf.zeros([0, 0, 4]),
        min_object_covered=0.0,
        aspect_ratio_range=(3 / 4, 4 / 3),
        area_range=(0.08, 1.0),
        max_attempts=10,
        use_image_if_no_bounding_boxes=True,
    )
    return tf.stack([begin[0], begin[1], size[0], size[1]])


def keras_folder(
    folder: Path, *, side: int, stored: tuple[int, int], batch_size: int, mean: Any, std: Any
) -> "tf.data.Dataset":
    """`keras.utils.image_dataset_from_directory` with Keras's own layers, applied to whole batches.

    Args:
        folder: One folder of image files per class.
        side: Height and width of the batch.
        stored: (height, width) that the files are brought to before they are cropped.
        batch_size: Images per batch; the remainder is dropped.
        mean: Per channel.
        std: Per channel.
    """
    import keras
    import tensorflow as tf

    layers = [
        keras.layers.RandomCrop(side, side),
        keras.layers.RandomFlip("horizontal"),
        keras.layers.Normalization(mean=mean, variance=[value**2 for value in std]),
    ]

    def augment(images: "tf.Tensor", labels: "tf.Tensor") -> "tuple[tf.Tensor, tf.Tensor]":
        for layer in layers:
            images = layer(images, training=True)
        return images, labels

    images = keras.utils.image_dataset_from_directory(
        folder, image_size=stored, batch_size=batch_size, verbose=False
    )
    return images.map(augment, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def h5py_generator(files: Sequence[Path], *, batch_size: int) -> "tf.data.Dataset":
    """The usual way to train from HDF5: a generator that takes one image after the other from h5py.

    Args:
        files: Shards of raw images that fitfeed wrote.
        batch_size: Images per batch; the remainder is dropped.
    """
    import h5py
    import numpy as np
    import tensorflow as tf

    opened = [h5py.File(file, "r") for file in files]
    images, labels = [file["image"] for file in opened], [file["label"] for file in opened]
    places = [(shard, row) for shard, data in enumerate(images) for row in range(len(data))]
    random = np.random.default_rng(0)

    def generate() -> "Iterator[tuple[Any, Any]]":
        for number in random.permutation(len(places)):
            shard, row = places[number]
            yield images[shard][row], labels[shard][row]

    signature = (tf.TensorSpec(images[0].shape[1:], tf.uint8), tf.TensorSpec([], tf.int64))
    return (
        tf.data.Dataset.from_generator(generate, output_signature=signature)
        .batch(batch_size, drop_remainder=True)
        .prefetch(tf.data.AUTOTUNE)
    )


def class_folders(folder: Path, payloads: Sequence[bytes], labels: Sequence[int]) -> Path:
    """Writes payloads as the image files that `keras_folder` reads."""
    for number, (payload, label) in enumerate(zip(payloads, labels, strict=True)):
        file = folder / f"class{label:03d}" / f"{number:06d}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(payload)
    return folder


def epochs_of(batches: "tf.data.Dataset", epochs: int = 1) -> Callable[[], int]:
    """A function that takes all batches of some epochs and returns the number of their images.

    Args:
        batches: Of one epoch.
        epochs: How many one iterator does. Making one and waiting for its first batch takes 50 to
            100 ms, which is nothing beside an epoch of usual length, but a fifth of one of 1,500 JPEGs.
    """
    batches = batches.repeat(epochs)

    def run() -> int:
        return sum(int(batch[0].shape[0]) for batch in batches)

    return run


def start_of(batches: "tf.data.Dataset") -> Callable[[], float]:
    """A function that returns how many milliseconds pass until an iteration has its first batch."""

    def run() -> float:
        started = time.perf_counter()
        next(iter(batches))
        return 1e3 * (time.perf_counter() - started)

    return run
