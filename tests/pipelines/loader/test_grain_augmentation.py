"""`Dataset.records` is a source of Grain, and `GrainAugmentation` a transform of Grain: with the real library."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from absl import flags

from fitfeed.pipelines import (
    Dataset,
    MixUp,
    RandomCrop,
    RandomFlip,
    RandomHue,
    RandomResizedCrop,
    RandomRotation,
    make_loader,
    open_dataset,
)
from fitfeed.schemas.errors import UsageError
from tests.pipelines.build_dataset import pickled

grain = pytest.importorskip("grain", reason="Grain is not installed")

from fitfeed.pipelines import GrainAugmentation  # noqa: E402 (both load Grain)
from fitfeed.pipelines.loader.grain_augmentation import NUMBERS  # noqa: E402

AUGMENT = [RandomResizedCrop(), RandomRotation(0.1), RandomFlip("horizontal")]
SIZE = (32, 40)


class Numbered(np.random.Generator):
    """Draws the number that it is given, as Grain's generator might."""

    def __init__(self, number: int) -> None:
        super().__init__(np.random.Philox(0))
        self._number = number

    def integers(self, *_: Any, **__: Any) -> Any:
        return self._number


def loaded(dataset: Dataset | Path, **options: Any) -> dict[str, Any]:
    """All examples in stored order, as `make_loader` augments them in epoch 0."""
    given: dict[str, Any] = {"image_size": SIZE, "augment": AUGMENT, **options}
    batch: dict[str, Any] = next(
        iter(
            make_loader(
                dataset, "train", batch_size=64, output="dict", normalize=None, dtype="uint8",
                shuffle=False, drop_remainder=False, **given,
            )
        )
    )  # fmt: skip
    return batch


def test_it_makes_of_a_number_what_the_loader_makes_of_that_example(flowers: Dataset) -> None:
    records, expected = flowers.records("train"), loaded(flowers)["image"]
    augment = GrainAugmentation(AUGMENT, image_size=SIZE)
    for number in range(len(records)):
        element = augment.random_map(records[number], Numbered(number))
        assert list(element) == ["image", "label", "key"]
        assert element["image"].tobytes() == expected[number].tobytes()


def test_masks_move_with_their_images(labelled: Callable[[str], Path]) -> None:
    path = labelled("tfrecord")
    records, expected = open_dataset(path).records("train"), loaded(path)
    masks = [name for name, array in expected.items() if name != "image" and array.ndim == 4]
    assert masks
    augment = GrainAugmentation(AUGMENT, image_size=SIZE, masks=masks)
    for number in range(len(records)):
        element = augment.random_map(records[number], Numbered(number))
        for name in ("image", *masks):
            assert np.array_equal(element[name], expected[name][number])


def draws(dataset: Dataset) -> list[tuple[str, int]]:
    """Key and number of each element, of a pipeline that differs by its transform only."""

    def draw(element: Any, rng: np.random.Generator) -> tuple[str, int]:
        return element["key"], int(rng.integers(NUMBERS))

    source = grain.MapDataset.source(dataset.records("train"))
    return list(source.seed(7).shuffle().random_map(draw))


def test_the_seed_is_that_of_grain(flowers: Dataset) -> None:
    augment = GrainAugmentation(AUGMENT, image_size=SIZE)
    records = flowers.records("train")
    place = {records[number]["key"]: number for number in range(len(records))}
    found = list(grain.MapDataset.source(records).seed(7).shuffle().random_map(augment))
    numbers = draws(flowers)
    assert [element["key"] for element in found] == [key for key, _ in numbers] != list(place)
    assert len({number for _, number in numbers}) == len(records)
    for element, (key, number) in zip(found, numbers, strict=True):
        expected = augment.random_map(records[place[key]], Numbered(number))
        assert element["image"].tobytes() == expected["image"].tobytes()


@pytest.mark.slow
def test_workers_of_grain_change_no_bit(flowers: Dataset) -> None:
    flags.FLAGS.mark_as_parsed()  # Grain's workers ask for flags of absl
    augment = GrainAugmentation(AUGMENT, image_size=SIZE)
    elements = grain.MapDataset.source(flowers.records("train")).seed(3).random_map(augment).repeat(2)
    here = [(element["key"], element["image"].tobytes()) for element in elements]
    workers = grain.MultiprocessingOptions(num_workers=2)
    there = list(elements.to_iter_dataset().mp_prefetch(workers))
    assert [(element["key"], element["image"].tobytes()) for element in there] == here
    assert len(set(here)) == 106  # the second epoch has other draws


@pytest.mark.slow
def test_the_data_loader_takes_both(flowers: Dataset) -> None:
    sampler = grain.samplers.IndexSampler(
        num_records=53, shuffle=True, seed=2, num_epochs=1, shard_options=grain.sharding.NoSharding()
    )
    loader = grain.DataLoader(
        data_source=flowers.records("train"),
        sampler=sampler,
        operations=[
            GrainAugmentation(AUGMENT, image_size=SIZE),
            grain.transforms.Batch(8, drop_remainder=True),
        ],
        worker_count=0,
    )
    batches = list(loader)
    assert [batch["image"].shape for batch in batches] == [(8, *SIZE, 3)] * 6
    assert len({key for batch in batches for key in batch["key"]}) == 48


def test_without_a_size_each_image_has_its_own(flowers: Dataset) -> None:
    records = flowers.records("train")
    augment = pickled(GrainAugmentation([RandomFlip("vertical"), RandomCrop(20, 24)]))
    assert augment.random_map(records[1], np.random.default_rng(0))["image"].shape == (20, 24, 3)
    original = records[1]["image"]
    kept = GrainAugmentation([RandomFlip("vertical")]).random_map(
        {"image": original}, np.random.default_rng(0)
    )
    assert kept["image"].shape == original.shape
    assert kept["image"] is not original
    assert not np.shares_memory(kept["image"], original)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"augment": [MixUp()]}, "MixUp mixes whole batches, and Grain augments single elements"),
        ({"augment": AUGMENT, "image_size": (0, 4)}, r"image_size expects \(height, width\)"),
        ({"augment": AUGMENT, "image_size": 224}, r"image_size expects \(height, width\)"),
        ({"augment": AUGMENT, "masks": "mask"}, "masks expects a list of names"),
        ({"augment": [np.fliplr], "masks": ["mask"]}, "cannot move their masks 'mask' along"),
        ({"augment": ["flip"]}, r"Received: augment\[0\]='flip'"),
        ({"augment": [RandomFlip]}, r"Did you mean RandomFlip\(\)"),
        ({"augment": RandomFlip()}, "augment expects a list"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        GrainAugmentation(**arguments)


@pytest.mark.parametrize(
    ("element", "text"),
    [
        ([1, 2], "Received: list"),
        ({"label": 3}, "Received: dict"),
        ({"image": np.zeros((4, 4))}, r"Received: image: ndarray float64 \(4, 4\)"),
        ({"image": "photo.jpg"}, "Received: image: str"),
    ],
)
def test_what_is_not_an_element_is_named(element: Any, text: str) -> None:
    with pytest.raises(UsageError, match=f"expects elements of dataset.records.*{text}"):
        GrainAugmentation(AUGMENT).random_map(element, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("mask", "text"),
    [
        (np.zeros((4, 6, 1), np.uint16), r"mask: ndarray uint16 \(4, 6, 1\)"),
        (np.zeros((6, 4, 1), np.uint8), r"mask: ndarray uint8 \(6, 4, 1\)"),
        (np.zeros((4, 6), np.uint8), r"mask: ndarray uint8 \(4, 6\)"),
        (np.zeros((4, 6, 3), np.uint8), r"mask: ndarray uint8 \(4, 6, 3\)"),
        (None, "dict"),
    ],
)
def test_a_mask_is_one_of_its_image(mask: Any, text: str) -> None:
    element = {"image": np.zeros((4, 6, 3), np.uint8), "mask": mask}
    with pytest.raises(UsageError, match=rf"'mask' as uint8 \(4, 6, 1\), of the size .* Received: {text}"):
        GrainAugmentation(AUGMENT, masks=["mask"]).random_map(element, np.random.default_rng(0))


def test_the_error_of_a_function_is_its_own() -> None:
    def fail(_image: Any) -> Any:
        msg = "no such color"
        raise LookupError(msg)

    with pytest.raises(LookupError, match="no such color"):
        GrainAugmentation([fail]).random_map(
            {"image": np.zeros((4, 6, 3), np.uint8)}, np.random.default_rng(0)
        )


def test_sixteen_bits_are_refused_what_is_made_for_eight() -> None:
    deep = {"image": np.zeros((4, 4, 3), np.uint16)}
    assert (
        GrainAugmentation([RandomFlip()]).random_map(deep, np.random.default_rng(0))["image"].dtype
        == np.uint16
    )
    with pytest.raises(UsageError, match="RandomHue is made for 8"):
        GrainAugmentation([RandomHue(0.1)]).random_map(deep, np.random.default_rng(0))
