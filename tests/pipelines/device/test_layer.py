"""The layer in models: types, compilation, randomness, saving, and what runs where."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import kernels

from fitfeed.pipelines import (
    Augmentation,
    AugMix,
    AutoContrast,
    CenterCrop,
    CutMix,
    DeviceAugmentation,
    Equalization,
    MixUp,
    RandAugment,
    RandomBrightness,
    RandomColorDegeneration,
    RandomColorJitter,
    RandomContrast,
    RandomCrop,
    RandomErasing,
    RandomFlip,
    RandomGaussianBlur,
    RandomGrayscale,
    RandomHue,
    RandomInvert,
    RandomPerspective,
    RandomPosterization,
    RandomResizedCrop,
    RandomRotation,
    RandomSaturation,
    RandomSharpness,
    RandomShear,
    RandomTranslation,
    RandomZoom,
    Solarization,
    TrivialAugment,
)
from fitfeed.pipelines.augment.ops.augmentations import AUGMENTATIONS
from fitfeed.pipelines.device.program import DeviceProgram
from fitfeed.schemas.errors import UsageError
from tests.pipelines.build_dataset import picture

EVERYTHING: list[Augmentation] = [
    RandomResizedCrop(scale=(0.5, 1.0)),
    RandomCrop(40, 30),
    CenterCrop(36, 28),
    RandomFlip(),
    RandomRotation(0.1),
    RandomZoom(0.2),
    RandomShear(0.1, 0.1),
    RandomTranslation(0.1, 0.1, "wrap"),
    RandomPerspective(scale=0.3),
    RandomBrightness(0.2),
    RandomContrast((0.2, 0.2)),
    RandomColorDegeneration(0.5),
    RandomGrayscale(),
    RandomInvert(),
    RandomHue(0.3),
    RandomSaturation((0.4, 0.6)),
    RandomColorJitter(brightness_factor=0.2, hue_factor=0.1),
    RandomPosterization((3, 8)),
    Solarization(0.1, 0.9),
    AutoContrast(),
    Equalization(),
    RandomSharpness((0.3, 0.8)),
    RandomGaussianBlur(kernel_size=(5, 3)),
    RandomErasing(),
    RandAugment(),
    TrivialAugment(),
]
MILD: list[Augmentation] = [
    RandomFlip(),
    RandomRotation(0.1),
    RandomBrightness(0.2),
    RandomContrast((0.3, 0.3)),
]


@pytest.fixture(scope="module")
def images() -> Any:
    return np.stack([picture(i, 44, 32, 3) for i in range(12)])


def test_everything_is_everything_that_runs_on_a_device() -> None:
    assert {type(op) for op in EVERYTHING} == set(AUGMENTATIONS.values()) - {AugMix, MixUp, CutMix}


def numpy(tensor: Any) -> Any:
    return keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32"))


@pytest.mark.parametrize("op", [op for op in EVERYTHING if op.draws], ids=lambda op: type(op).__name__)
def test_every_augmentation_draws_on_the_device_as_on_the_host(op: Augmentation) -> None:
    """The same formula: from the same uniform numbers come the same parameters."""
    program = DeviceProgram([(0, op)])
    uniforms = np.random.default_rng(1).random((200, op.draws)).astype(np.float32)
    ours = program.sample_on_device(keras.ops.convert_to_tensor(uniforms))[0]
    expected = op.sample(uniforms.astype(np.float64))
    assert ours.shape == expected.shape
    off = np.abs(numpy(ours.tensor) - expected)
    assert np.mean(off <= 1e-5 * np.maximum(np.abs(expected), 1)) >= 0.995  # else just across a step


def test_each_call_and_each_image_is_another(images: Any) -> None:
    same = np.repeat(images[:1], 12, axis=0)
    layer = DeviceAugmentation(MILD, seed=3)
    first, second = numpy(layer(same)), numpy(layer(same))
    assert not (first == second).all()
    assert len({image.tobytes() for image in first}) == 12
    assert (numpy(DeviceAugmentation(MILD, seed=3)(same)) == first).all()
    assert not (numpy(DeviceAugmentation(MILD, seed=4)(same)) == first).all()


def test_evaluating_changes_nothing_about_training(images: Any) -> None:
    one, other = DeviceAugmentation(MILD, seed=3), DeviceAugmentation(MILD, seed=3)
    other(images, training=False)
    assert (numpy(one(images)) == numpy(other(images))).all()


def test_without_training_nothing_happens_but_resizing(images: Any) -> None:
    assert (numpy(DeviceAugmentation(MILD)(images, training=False)) == images).all()
    small = DeviceAugmentation(MILD, image_size=(22, 16))(images, training=False)
    mean = images.reshape(12, 22, 2, 16, 2, 3).mean(axis=(2, 4))
    assert np.abs(numpy(small) - mean).max() <= 0.5


@pytest.mark.slow
def test_mixed_precision_changes_no_pixel(images: Any) -> None:
    few = images[:3]
    float32 = DeviceAugmentation(EVERYTHING, seed=5)(few)
    assert keras.backend.standardize_dtype(float32.dtype) == "float32"
    expected = numpy(float32)
    for policy in ("mixed_float16", "mixed_bfloat16"):
        augmented = DeviceAugmentation(EVERYTHING, seed=5, dtype=policy)(few)
        assert keras.backend.standardize_dtype(augmented.dtype) == policy.removeprefix("mixed_")
        assert (numpy(augmented) == expected).all()


def test_the_type_of_the_input_does_not_matter(images: Any) -> None:
    expected = numpy(DeviceAugmentation(MILD, seed=5)(images))
    for dtype in ("float32", "float16", "int32"):
        layer = DeviceAugmentation(MILD, seed=5, dtype="mixed_float16")
        assert (numpy(layer(images.astype(dtype))) == expected).all()


@pytest.mark.slow
@pytest.mark.parametrize("augment", [MILD, EVERYTHING[3:-2]], ids=["mild", "everything"])
def test_compiled_by_xla_and_in_a_graph_it_is_the_same(images: Any, augment: list[Augmentation]) -> None:
    program = DeviceProgram(list(enumerate(augment)))
    uniforms = np.random.default_rng(0).random((12, program.draws)).astype(np.float32)

    def augmented(batch: Any, numbers: Any) -> Any:
        return program.apply(batch, program.sample_on_device(numbers))

    specs = [tf.TensorSpec((None, 44, 32, 3), tf.uint8), tf.TensorSpec((None, program.draws))]
    eager = augmented(images, uniforms).numpy()
    graph = tf.function(augmented, input_signature=specs, autograph=False)(images, uniforms).numpy()
    assert (graph == eager).all()
    compiled = tf.function(augmented, jit_compile=True, autograph=False)(images, uniforms).numpy()
    off = np.abs(compiled - eager)
    assert np.mean(off <= 1) > 0.99  # fused, sums of float32 round elsewhere; a histogram's bin may decide
    assert np.mean(off == 0) > 0.97


@pytest.mark.slow
@pytest.mark.parametrize(
    ("augment", "operations"),
    [(MILD, 100), (EVERYTHING, 1000)],
    ids=["mild", "everything"],
)
def test_on_a_gpu_no_pixel_and_no_parameter_would_pass_the_host(
    augment: list[Augmentation], operations: int
) -> None:
    """Every operation in the graph has a kernel for GPUs that takes and leaves its tensors there."""
    program = DeviceProgram(list(enumerate(augment)), image_size=(30, 30))
    trace = tf.function(
        lambda batch, numbers: program.apply(batch, program.sample_on_device(numbers)), autograph=False
    )
    graph = trace.get_concrete_function(
        tf.TensorSpec((None, 44, 32, 3), tf.uint8), tf.TensorSpec((None, program.draws))
    ).graph
    if not gpu_kernels("GatherV2"):
        pytest.skip("this build of TensorFlow has no kernels for GPUs")
    checked = 0
    for op in graph.get_operations():
        if op.type in ("Placeholder", "Const", "NoOp"):
            continue
        kernel = next((one for one in gpu_kernels(op.type) if takes(one, op)), None)
        assert kernel is not None, f"{op.type} {[tensor.dtype for tensor in op.inputs]} would run on the host"
        if kernel.host_memory_arg:  # shapes, axes and the like, of a few numbers
            named = dict(zip(argument_names(op), op.inputs, strict=True))
            for name in kernel.host_memory_arg:
                shape = named[name].shape if name in named else op.outputs[0].shape
                assert shape.num_elements() is not None, (op.type, name)
                assert shape.num_elements() <= 8, (op.type, name)
        checked += 1
    assert checked > operations


def gpu_kernels(kind: str) -> Any:
    every = kernels.get_registered_kernels_for_op(kind).kernel
    return [kernel for kernel in every if kernel.device_type in ("GPU", "DEFAULT")]


def takes(kernel: Any, op: Any) -> bool:
    """Whether a kernel is for the types of an operation."""
    types = {one.name: one.allowed_values.list.type for one in kernel.constraint}
    return all(op.get_attr(name).as_datatype_enum in allowed for name, allowed in types.items())


def argument_names(op: Any) -> list[str]:
    """The name of each input; inputs of a list have that of the list."""
    names: list[str] = []
    for argument in op.op_def.input_arg:
        names += [argument.name] * (op.get_attr(argument.number_attr) if argument.number_attr else 1)
    return names


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras' saving, on NumPy 2
def test_fit_evaluate_predict_and_saving(images: Any, tmp_path: Path) -> None:
    augment = [RandomFlip(), RandomBrightness(0.2)]  # XLA compiles it three times
    model = keras.Sequential(
        [
            DeviceAugmentation(augment, image_size=(40, 30), seed=1),
            keras.layers.Rescaling(1 / 255),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, jit_compile=True)
    labels = np.arange(12) % 2
    history = model.fit(images, labels, batch_size=5, epochs=2, verbose=0)  # the last batch is smaller
    assert np.isfinite(history.history["loss"]).all()
    expected = model.predict(images, verbose=0)
    assert (model.predict(images, verbose=0) == expected).all()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[0].augment == augment
    np.testing.assert_allclose(loaded(images, training=False), expected, atol=1e-4)  # one is compiled


def test_its_configuration_makes_the_layer_again() -> None:
    layer = DeviceAugmentation(EVERYTHING, image_size=(30, 30), seed=2, name="augment")
    again = DeviceAugmentation.from_config(layer.get_config())
    assert (again.augment, again.image_size, again.name) == (EVERYTHING, (30, 30), "augment")
    with pytest.raises(UsageError, match=r"only augmentations of fitfeed can be loaded.*'Dataset'"):
        DeviceAugmentation.from_config(
            {"augment": [{"name": "Dataset", "arguments": {}}], "image_size": None, "seed": 1}
        )


def test_what_it_cannot_do_is_refused_when_it_is_made(images: Any) -> None:
    with pytest.raises(
        UsageError, match=r"cannot run on a device\. Received: augment\[1\]=AugMix.*augment_on='cpu'"
    ):
        DeviceAugmentation([RandomFlip(), AugMix()])
    with pytest.raises(UsageError, match=r"cannot run on a device\. Received: augment\[0\]"):
        DeviceAugmentation([lambda image: image])  # type: ignore[list-item]
    with pytest.raises(UsageError, match="neither an augmentation nor a function"):
        DeviceAugmentation([7])  # type: ignore[list-item]
    with pytest.raises(UsageError, match="shrink to less than half"):
        DeviceAugmentation([], image_size=(21, 16))(images)
    for wrong in (images[0], images[..., :2]):
        with pytest.raises(UsageError, match=r"expects batches of images \(n, height, width, 1 or 3\)"):
            DeviceAugmentation([])(wrong)
    with pytest.raises(UsageError, match=r"Received: \(None, None, 32, 3\)"):
        keras.Sequential([keras.Input((None, 32, 3)), DeviceAugmentation([RandomFlip()])])
    with pytest.raises(UsageError, match="three values for a gray image"):
        DeviceAugmentation([RandomErasing(fill_value=(1, 2, 3))])(images[..., :1])
