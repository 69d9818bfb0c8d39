"""`make_pipeline(augment_on="device")` against the CPU executor."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fitfeed.pipelines import (
    Augmentation,
    AugMix,
    CenterCrop,
    CutMix,
    Dataset,
    DeviceAugmentation,
    MixUp,
    RandAugment,
    RandomBrightness,
    RandomColorDegeneration,
    RandomContrast,
    RandomErasing,
    RandomFlip,
    RandomResizedCrop,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    make_pipeline,
    open_dataset,
)
from fitfeed.pipelines.batches.mask_loader import check_movable
from fitfeed.pipelines.callbacks import ResumeTraining
from fitfeed.schemas.errors import UsageError
from tests.programs import run_program

RECIPE: list[Augmentation] = [
    RandomResizedCrop(scale=(0.4, 1.0)),
    RandomFlip("horizontal"),
    RandomBrightness(0.2),
    RandomContrast((0.2, 0.2)),
    RandomColorDegeneration(0.3),
    RandomErasing(fill_value=90),
]


def pair(dataset: Dataset, augment: list[Augmentation], **options: Any) -> list[tf.data.Dataset]:
    options = {"batch_size": 8, "image_size": (48, 40), "seed": 5, **options}
    return [
        make_pipeline(dataset, "train", augment=augment, augment_on=on, **options) for on in ("cpu", "device")
    ]


def arrays(pipeline: tf.data.Dataset, count: int | None = None) -> Any:
    batches = pipeline if count is None else pipeline.take(count)
    return np.concatenate([tf.cast(images, tf.float32).numpy() for images, _ in batches])


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {},
        pytest.param({"normalize": None}, marks=pytest.mark.slow),
        {"normalize": "minmax", "dtype": "bfloat16"},
        pytest.param({"normalize": "symmetric", "dtype": "float16"}, marks=pytest.mark.slow),
        {"normalize": None, "dtype": "uint8"},
        pytest.param({"access": "stream"}, marks=pytest.mark.slow),
        {"labels": "onehot", "balance": "class", "drop_remainder": False},
    ],
)
def test_it_delivers_what_the_cpu_does(flowers: Dataset, options: dict[str, Any]) -> None:
    """Flips, colours and erasing behind a crop: within one level of every pixel."""
    cpu, device = pair(flowers, RECIPE, **options)
    assert cpu.element_spec == device.element_spec
    assert cpu.cardinality() == device.cardinality()
    level = {"uint8": 1.0}.get(
        options.get("dtype", ""), 1.0 if options.get("normalize", "") is None else 0.03
    )
    for (theirs, labels), (ours, same) in zip(cpu, device, strict=True):
        assert (labels.numpy() == same.numpy()).all()
        off = np.abs(tf.cast(theirs, tf.float32).numpy() - tf.cast(ours, tf.float32).numpy())
        assert off.max() <= level
        assert np.mean(off <= level / 100) > 0.9


@pytest.mark.slow
def test_geometry_behind_resizing_is_the_same_of_smooth_images(flowers: Dataset) -> None:
    """Images of many sizes and aspect ratios, rotated, sheared and shifted in pixels of the stored size."""
    augment: list[Augmentation] = [
        RandomRotation(0.1),
        RandomShear(0.2, 0.2),
        RandomTranslation(0.1, 0.1),
        RandomFlip(),
    ]
    cpu, device = pair(flowers, augment, normalize=None)
    ours, theirs = arrays(device), arrays(cpu)
    kernel = np.ones(5) / 5  # what is left after smoothing is not a second interpolation, but a shift
    for axis in (1, 2):
        ours, theirs = (np.apply_along_axis(np.convolve, axis, x, kernel, "valid") for x in (ours, theirs))
    off = np.abs(ours - theirs)
    assert off.mean() < 0.5
    assert np.quantile(off, 0.999) < 4


@pytest.mark.slow
@pytest.mark.parametrize(
    "more",
    [RandomRotation(0.1), RandAugment()],
    ids=lambda op: type(op).__name__,
)
def test_batches_do_not_depend_on_batch_size_or_resuming(flowers: Dataset, more: Augmentation) -> None:
    augment = [*RECIPE[:2], more]
    options: dict[str, Any] = {"augment": augment, "augment_on": "device", "image_size": (32, 32), "seed": 2}
    whole = make_pipeline(flowers, "train", batch_size=8, **options)
    first, second = arrays(whole), arrays(whole)
    assert not (first[:40] == second[:40]).all()
    assert (arrays(make_pipeline(flowers, "train", batch_size=4, **options))[:48] == first[:48]).all()
    resumed = make_pipeline(flowers, "train", batch_size=8, start=(1, 3), **options)
    assert (arrays(resumed) == second[24:]).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [{"augment": [MixUp(0.8)]}, {"augment": [CutMix()]}, {"normalize": None, "label_smoothing": 0.1}],
)
def test_it_mixes_as_the_cpu_does(flowers: Dataset, options: dict[str, Any]) -> None:
    """The same partners, weights and boxes; labels bit for bit."""
    options = {
        "augment": [RandomFlip("horizontal"), MixUp(0.8), CutMix()],
        "drop_remainder": False,
        **options,
    }
    cpu, device = pair(flowers, **options)
    assert cpu.element_spec == device.element_spec
    mixed = 0
    for (theirs, labels), (ours, same) in zip(cpu, device, strict=True):
        assert (labels.numpy() == same.numpy()).all()
        mixed += int(np.any((labels.numpy() > 0.2) & (labels.numpy() < 0.8), axis=1).sum())
        assert np.abs(theirs.numpy() - ours.numpy()).max() <= (1.0 if "normalize" in options else 0.03)
    assert mixed > 5


def test_a_damaged_partner_leaves_the_image_unmixed_there_too(own_copy: Any) -> None:
    path = own_copy("tfrecord")
    shard = sorted(path.glob("**/train*.tfrecord"))[0]
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 0xFF
    shard.write_bytes(content)
    options: dict[str, Any] = {"augment": [CutMix()], "on_error": "skip", "normalize": None}
    cpu, device = pair(open_dataset(path), **options)
    for (theirs, labels), (ours, same) in zip(cpu, device, strict=True):
        assert (labels.numpy() == same.numpy()).all()
        assert np.abs(theirs.numpy() - ours.numpy()).max() <= 1


@pytest.mark.slow
def test_evaluation_and_images_of_one_size(flowers: Dataset, thumbnails: Dataset) -> None:
    cpu, device = pair(flowers, [CenterCrop()], shuffle=False)
    assert np.abs(arrays(cpu) - arrays(device)).max() < 1e-5
    cpu, device = pair(thumbnails, [RandomFlip(), RandomRotation(0.2)], image_size=None, normalize=None)
    assert np.abs(arrays(cpu) - arrays(device)).max() <= 1


def test_what_cannot_be_is_refused_by_name(flowers: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"batch_size": 8, "image_size": (32, 32)}
    with pytest.raises(UsageError, match="augment_on expects one of 'cpu', 'device'"):
        make_pipeline(flowers, "train", augment_on="gpu", **options)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"cannot run on a device. Received: augment\[0\]=MixUp"):
        DeviceAugmentation([MixUp()])
    with pytest.raises(UsageError, match=r"cannot run on a device. Received: augment\[0\]=AugMix"):
        make_pipeline(flowers, "train", augment=[AugMix()], augment_on="device", **options)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(UsageError, match=r"Keras on 'jax'.*put DeviceAugmentation"):
        make_pipeline(flowers, "train", augment_on="device", **options)


def test_masks_are_refused_by_name() -> None:
    with pytest.raises(
        UsageError, match=r"masks follow their images on the CPU only.*'device'.*masks 'lesion'"
    ):
        check_movable(RECIPE, "lesion", augment_on="device")


@pytest.mark.slow
def test_damaged_examples_are_skipped(own_copy: Any) -> None:
    """All others have the parameters that they have beside them."""
    path = own_copy("tfrecord")
    whole: dict[bytes, Any] = {}
    options: dict[str, Any] = {
        "augment": RECIPE,
        "augment_on": "device",
        "image_size": (32, 32),
        "output": "dict",
    }
    for batch in make_pipeline(path, "train", batch_size=8, **options):
        whole |= dict(zip(batch["key"].numpy(), batch["image"].numpy(), strict=True))
    shard = sorted(path.glob("**/train*.tfrecord"))[0]
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 0xFF
    shard.write_bytes(content)
    dataset = open_dataset(path)
    seen = 0
    for batch in make_pipeline(dataset, "train", batch_size=8, on_error="skip", **options):
        for key, image in zip(batch["key"].numpy(), batch["image"].numpy(), strict=True):
            np.testing.assert_array_equal(image, whole[key])
            seen += 1
    assert seen < 48
    assert dataset.skipped["train"]


def trained(dataset: Dataset, folder: Path, epochs: int, *, in_model: bool) -> Any:
    """The variables after a training that goes on from what is in the folder."""
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(3)]
    options: dict[str, Any] = {"augment": RECIPE[1:], "augment_on": "device"}
    if in_model:
        layers = [DeviceAugmentation(RECIPE[1:], seed=4), *layers]
        options = {}
    model = keras.Sequential([keras.Input((32, 24, 3)), *layers])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    train = make_pipeline(dataset, "train", batch_size=8, normalize=None, dtype="uint8", **options)
    model.fit(train, epochs=epochs, verbose=0, callbacks=[ResumeTraining(folder)], shuffle=False)
    return [np.asarray(variable) for variable in model.variables]


@pytest.mark.slow
@pytest.mark.parametrize("in_model", [False, True])
def test_a_training_in_two_parts_ends_as_one_in_one_part(
    thumbnails: Dataset, tmp_path: Path, in_model: bool
) -> None:
    whole = trained(thumbnails, tmp_path / "whole", 2, in_model=in_model)
    trained(thumbnails, tmp_path / "parts", 1, in_model=in_model)
    parts = trained(thumbnails, tmp_path / "parts", 2, in_model=in_model)
    for ours, theirs in zip(parts, whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)


STRATEGY = """
import sys
import keras, tensorflow as tf
from fitfeed.pipelines import DeviceAugmentation, RandomFlip, RandomRotation, make_pipeline
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
augment = [RandomFlip(), RandomRotation(0.1)]
for in_model in (False, True):
    with strategy.scope():
        layers = [DeviceAugmentation(augment)] * in_model + [keras.layers.Flatten(), keras.layers.Dense(3)]
        model = keras.Sequential(layers)
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    options = {} if in_model else {"augment": augment, "augment_on": "device"}
    train = make_pipeline(sys.argv[1], "train", batch_size=8, image_size=(24, 24), normalize=None, dtype="uint8", **options)
    history = model.fit(train, epochs=2, verbose=0, shuffle=False)
    assert len(history.history["loss"]) == 2
print("done")
"""


PLACEMENT = """
import sys
from types import SimpleNamespace
import numpy as np, tensorflow as tf
from fitfeed.pipelines import RandomFlip, RandomRotation, make_pipeline
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
tf.config.set_soft_device_placement(False)  # else TensorFlow takes another device than was asked for

def batches(device):
    tf.config.list_logical_devices = lambda kind: [SimpleNamespace(name=device)] if device else []
    pipeline = make_pipeline(sys.argv[1], "train", batch_size=8, image_size=(24, 24),
                             augment=[RandomFlip(), RandomRotation(0.1)], augment_on="device", output="dict")
    return [batch["image"] for batch in pipeline]

host, device = batches(None), batches("/CPU:1")
assert all(np.array_equal(ours, theirs) for ours, theirs in zip(device, host, strict=True))
assert {images.device.rpartition("/")[2] for images in device} == {"device:CPU:0"}
try:
    batches("/CPU:7")
except tf.errors.InvalidArgumentError as error:
    assert "explicitly assigned to /device:CPU:7" in str(error)
else:
    raise AssertionError
print("done")
"""


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(STRATEGY, id="mirrored strategy", marks=pytest.mark.slow),
        pytest.param(PLACEMENT, id="placement", marks=pytest.mark.slow),
    ],
)
def test_in_a_process_with_two_devices(flowers: Dataset, program: str) -> None:
    """CPUs for want of GPUs: under a strategy, and with the operations on the second, batches on the first."""
    assert run_program(program, flowers.path).endswith("done\n")
