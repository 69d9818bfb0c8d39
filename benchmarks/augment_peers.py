"""The six operations of `augment.py` by other libraries. Those that are not installed are left out."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks import recipes
from benchmarks.measure import Epoch
from fitfeed.schemas.payload import Pixels

One = Callable[[Pixels], Any]
"""Augments one uint8 (height, width, 3) image."""

Peers = dict[str, Callable[[], One]]
"""Names of other libraries, and what makes their function of one image."""


def mapped(make: Callable[[], One], images: Pixels, threads: int) -> Epoch:
    """Makes a function of one image, and calls it for all of them, in threads."""
    function = make()
    pool = ThreadPoolExecutor(threads)
    blocks = np.array_split(images, threads * 4)

    def epoch() -> int:
        list(pool.map(lambda block: [function(image) for image in block], blocks))
        return len(images)

    return epoch


def keras_layers(images: Pixels) -> Epoch:
    """Keras layers applied to whole batches in `tf.data`."""
    import tensorflow as tf

    layers = recipes.six_keras_layers()

    def augment(batch: "tf.Tensor") -> "tf.Tensor":
        for layer in layers:
            batch = layer(batch, training=True)
        return batch

    batches = tf.data.Dataset.from_tensors(images).repeat(2).map(augment, num_parallel_calls=tf.data.AUTOTUNE)
    return lambda: sum(int(batch.shape[0]) for batch in batches)


def albumentations() -> One:
    """albumentations, which warps once for its `Affine`."""
    import albumentations as library
    import cv2

    compose = library.Compose(
        [
            library.HorizontalFlip(p=0.5),
            library.Affine(
                rotate=(-36, 36),
                scale=(0.8, 1.2),
                translate_percent=(-0.1, 0.1),
                border_mode=cv2.BORDER_REFLECT,
                p=1,
            ),
            library.RandomBrightnessContrast(brightness_limit=0.2, contrast_limit=0.2, p=1),
        ]
    )
    return lambda image: compose(image=image)["image"]


def torchvision() -> One:
    """Torchvision v2 on uint8 tensors, bilinear as ours; one thread in each of ours."""
    import torch
    from torchvision.transforms import v2

    torch.set_num_threads(1)
    compose = v2.Compose(
        [
            v2.RandomHorizontalFlip(),
            v2.RandomAffine(
                degrees=36,
                scale=(0.8, 1.2),
                translate=(0.1, 0.1),
                interpolation=v2.InterpolationMode.BILINEAR,
            ),
            v2.ColorJitter(brightness=0.2, contrast=0.2),
        ]
    )
    return lambda image: compose(torch.from_numpy(image).permute(2, 0, 1))


def image_data_generator() -> One:
    """Keras' own of long ago, which needs SciPy."""
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    generator = ImageDataGenerator(
        horizontal_flip=True,
        rotation_range=36,
        zoom_range=0.2,
        width_shift_range=0.1,
        height_shift_range=0.1,
        brightness_range=(0.8, 1.2),
        fill_mode="reflect",
    )
    return lambda image: generator.random_transform(image.astype(np.float32))


PEERS = {
    "albumentations": ("albumentations", albumentations),
    "torchvision v2": ("torchvision", torchvision),
    "ImageDataGenerator": ("scipy", image_data_generator),
}
"""Name to the package that it needs, and what makes it."""


def installed() -> Peers:
    """What makes each of the peers that can take part; says which cannot."""
    makers = {}
    for name, (package, make) in PEERS.items():
        if find_spec(package) is None:
            print(f"{name} does not take part: {package} is not installed")
        else:
            makers[name] = make
    return makers
