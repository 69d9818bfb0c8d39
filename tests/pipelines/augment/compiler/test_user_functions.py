"""Functions of the user, and transforms of other libraries, in the list of augmentations."""

from typing import Any

import keras
import numpy as np
import pytest

from fitfeed.pipelines import CenterCrop, Dataset, RandomFlip, explain, make_pipeline
from fitfeed.pipelines.augment.compiler.user_functions import Albumentations, check_function
from fitfeed.schemas.errors import UsageError
from tests.pipelines import functions
from tests.pipelines.augment.reference import run
from tests.pipelines.build_dataset import pickled, picture

DARKEN: Any = functions.Darken()


def images(dataset: Dataset, augment: list[Any], **options: Any) -> Any:
    pipeline = make_pipeline(
        dataset, "train", batch_size=8, image_size=(16, 20), augment=augment, labels=None, **options
    )
    return np.concatenate(list(pipeline.as_numpy_iterator()))


def test_a_transform_of_albumentations_is_called_by_its_convention() -> None:
    image = picture(1, 20, 30)
    results = [run([DARKEN], image, example=example) for example in range(20)]
    shifts = {int((image.astype(int) - result).max()) for result in results}
    assert len(shifts) > 10  # random for each example
    np.testing.assert_array_equal(results[3], run([DARKEN], image, example=3))
    assert (results[3] != run([DARKEN], image, example=3, epoch=1)).any()
    assert (results[3] != run([DARKEN], image, example=3, seed=1)).any()


@pytest.mark.slow
def test_it_draws_the_same_in_threads_and_in_processes(flowers: Dataset) -> None:
    augment = [RandomFlip(), DARKEN]
    np.testing.assert_array_equal(
        images(flowers, augment, processes=0), images(flowers, augment, processes=2)
    )


def test_it_may_change_the_size_and_is_explained_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([DARKEN, CenterCrop(5, 6)], picture(2, 20, 30)).shape == (5, 6, 3)
    explain([DARKEN])
    assert "Darken" in capsys.readouterr().out


def test_a_copy_in_another_process_is_the_same() -> None:
    transform, image = Albumentations(DARKEN), picture(3, 8, 8)
    np.testing.assert_array_equal(pickled(transform)(image, 7), transform(image, 7))


def test_the_real_library(flowers: Dataset) -> None:
    import albumentations  # slow

    augment = [
        albumentations.Compose(
            [albumentations.HorizontalFlip(p=0.5), albumentations.RandomBrightnessContrast(p=1)]
        ),
        albumentations.Rotate(p=1),
    ]
    ours = images(flowers, augment, processes=0)
    assert ours.shape == (48, 16, 20, 3)
    np.testing.assert_array_equal(ours, images(flowers, augment, processes=2))
    assert (ours != images(flowers, augment, processes=0, seed=1)).any()


@pytest.mark.parametrize(
    "layer", [keras.layers.RandomFlip(), keras.layers.Rescaling(1 / 255), keras.Sequential()]
)
def test_a_layer_of_keras_is_refused_at_once_with_what_works(flowers: Dataset, layer: Any) -> None:
    with pytest.raises(
        UsageError,
        match=r"Put it into the model, or .* from fitfeed import RandomFlip\. Received: augment\[1\]=",
    ):
        images(flowers, [RandomFlip(), layer])


class OldTransform(functions.Foreign):
    """Of a version that cannot be seeded."""


class Tensors:
    """As a transform of torchvision."""


Tensors.__module__ = "torchvision.transforms.transforms"


@pytest.mark.parametrize(
    ("value", "why"), [(OldTransform(), "Use albumentations 2"), (Tensors(), "PIL images or tensors")]
)
def test_what_does_not_take_arrays_is_refused(value: Any, why: str) -> None:
    with pytest.raises(UsageError, match=rf"{why}.* Received: augment\[0\]="):
        check_function(value, "augment[0]")


def test_functions_that_only_mention_keras_are_functions() -> None:
    check_function(keras.utils.normalize, "augment[0]")  # a function: its class is of no library
