import numpy as np

from fitfeed.pipelines import (
    Augmentation,
    RandAugment,
    RandomFlip,
    RandomResizedCrop,
)
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.augment.cpu.resample import CropResize
from fitfeed.pipelines.augment.ops.rand_augment import SLOT
from tests.pipelines.augment.reference import apply, blurred

N = 6000
GRAY = np.array([0.299, 0.587, 0.114])


def test_rand_augment_chooses_evenly_and_per_image() -> None:
    op = RandAugment(num_ops=3, factor=0.4)
    parameters = op.sample(np.random.default_rng(0).random((N, op.draws))).reshape(N, 3, SLOT)
    for slot in range(3):
        counts = np.bincount(parameters[:, slot, 0].astype(int), minlength=11)
        assert len(counts) == 11
        assert counts.min() > N / 11 * 0.85
    assert len(np.unique(parameters[:, :, 0], axis=0)) > 1250  # of 1331
    rotations = parameters[:, 0][parameters[:, 0, 0] == 2][:, 1]
    assert 0 <= rotations.min() < 0.01  # the layer is made with the factor (0, 0.4)
    assert 0.39 < rotations.max() <= 0.4


def test_rand_augment_fuses_with_its_neighbors() -> None:
    """A geometric choice needs no resampling of its own."""
    alone = Program([RandomResizedCrop(), RandomFlip()], image_size=(32, 32), seed=0)
    both = Program([RandomResizedCrop(), RandomFlip(), RandAugment(num_ops=1)], image_size=(32, 32), seed=0)
    sizes = {"heights": np.full(200, 64), "widths": np.full(200, 64)}
    before = alone.compile(0, np.arange(200), **sizes).passes
    after = both.compile(0, np.arange(200), **sizes).passes
    assert all(len(passes) == 1 for passes in before)
    geometric = [len(passes) == 1 for passes in after]
    assert 0.2 < np.mean(geometric) < 0.45  # 3 of 11, and those that happen to change nothing
    assert all(
        isinstance(passes[0], CropResize) and not any(isinstance(p, CropResize) for p in passes[1:])
        for passes in after
    )


def test_rand_augment_is_the_list_of_its_choices() -> None:
    image, op = blurred(1, 40, 50), RandAugment()
    for row in op.sample(np.random.default_rng(0).random((100, op.draws))):
        chosen: list[tuple[Augmentation, list[float]]] = []
        for slot in row.reshape(-1, SLOT):
            choice = op.choices[int(slot[0])]
            width = choice.sample(np.zeros((1, choice.draws))).shape[1]
            chosen.append((choice, slot[1 : 1 + width].tolist()))
        assert np.array_equal(apply([(op, row.tolist())], image), apply(chosen, image))
