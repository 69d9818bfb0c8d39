import numpy as np
import numpy.typing as npt
import pytest

from fitfeed.pipelines import (
    Augmentation,
    AugMix,
    RandAugment,
    RandomFlip,
    RandomResizedCrop,
    TrivialAugment,
    explain,
)
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.augment.cpu.resample import CropResize
from fitfeed.pipelines.augment.ops.augmix import GAMMA, gamma
from fitfeed.pipelines.augment.ops.rand_augment import SLOT
from fitfeed.schemas.payload import Pixels
from tests.pipelines.augment.reference import apply, blurred, difference, rounded, run
from tests.pipelines.build_dataset import picture

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


# ---------------------------------------------------------------- TrivialAugment

TRIVIAL = TrivialAugment(interpolation="bilinear", fill=9)
NAMES = ["identity", "shear_x", "shear_y", "translate_x", "translate_y", "rotate", "brightness", "color", "contrast", "sharpness", "posterize", "solarize", "autocontrast", "equalize"]  # fmt: skip


def trivial(
    name: str, magnitude: float, height: int = 40, width: int = 31
) -> tuple[npt.NDArray[np.float64], Pixels]:
    image = picture(2, height, width)
    return image.astype(np.float64), apply([(TRIVIAL, [NAMES.index(name), magnitude])], image)


def test_trivial_augment_samples_as_torchvision() -> None:
    parameters = TRIVIAL.sample(np.random.default_rng(0).random((4 * N, 3)))
    counts = np.bincount(parameters[:, 0].astype(int), minlength=14)
    assert len(counts) == 14
    assert counts.min() > 4 * N / 14 * 0.9
    bounds = {
        "shear_x": 0.99,
        "translate_y": 32,
        "rotate": 135,
        "contrast": 0.99,
        "posterize": 8,
        "solarize": 255,
    }
    for name, top in bounds.items():
        magnitudes = parameters[parameters[:, 0] == NAMES.index(name)][:, 1]
        low = {"posterize": 2, "solarize": 0}.get(name, -top)
        assert (magnitudes.min(), magnitudes.max()) == pytest.approx((low, top))
        assert len(np.unique(magnitudes)) == {"posterize": 7, "solarize": 31}.get(name, 61)


def test_trivial_augment_is_torchvisions_operations() -> None:
    image, ours = trivial("brightness", 0.5)
    assert difference(ours, np.clip(image * 1.5, 0, 255)).max() <= 0.75
    image, ours = trivial("color", -0.4)
    gray = (image @ GRAY)[..., None]
    assert difference(ours, gray * 0.4 + image * 0.6).max() <= 1
    image, ours = trivial("contrast", 0.7)
    assert difference(ours, np.clip(image * 1.7 - 0.7 * (image @ GRAY).mean(), 0, 255)).max() <= 1
    image, ours = trivial("solarize", 100)
    assert np.array_equal(ours, np.where(image >= 100, 255 - image, image))
    image, ours = trivial("posterize", 3)
    assert np.array_equal(ours, image.astype(int) & 0b11100000)
    image, ours = trivial("identity", 0)
    assert np.array_equal(ours, image)


@pytest.mark.parametrize("amount", [0.8, -0.8])
def test_trivial_sharpness_leaves_the_rim(amount: float) -> None:
    image, ours = trivial("sharpness", amount)
    shifted = [np.roll(image, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    smooth = (sum(shifted) + 4 * image) / 13
    expected = np.clip(image * (1 + amount) - amount * smooth, 0, 255)
    assert difference(ours, expected)[1:-1, 1:-1].max() <= 0.51
    for rim in np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]:
        assert np.array_equal(ours[rim], image[rim])


def test_trivial_geometry() -> None:
    image, ours = trivial("translate_x", 5.7)
    assert np.array_equal(ours[:, 5:], image[:, :-5])
    assert (ours[:, :5] == 9).all()
    image, ours = trivial("translate_y", -7)
    assert np.array_equal(ours[:-7], image[7:])
    image, ours = trivial("rotate", 90, 30, 30)
    assert difference(ours, np.rot90(image)).max() <= 0.5
    image, ours = trivial("shear_x", 0.5)
    y = 21  # a row moves by half its distance from the top edge: here 10.75 pixels
    expected = image[y, 4:-11] * 0.25 + image[y, 3:-12] * 0.75
    assert (
        difference(ours[y, 14:-1], expected).max() <= 0.6
        or difference(ours[y, 15:], expected[:16]).max() <= 0.6
    )


# ---------------------------------------------------------------- AugMix


@pytest.mark.parametrize("alpha", [0.3, 1.0, 4.5])
def test_gamma_numbers_are_gamma_distributed(alpha: float) -> None:
    ours = np.sort(gamma(alpha, np.random.default_rng(0).random((N, GAMMA))))
    theirs = np.sort(np.random.default_rng(1).gamma(alpha, size=N))
    values = np.concatenate([ours, theirs])
    gap = np.searchsorted(ours, values, "right") - np.searchsorted(theirs, values, "right")
    assert np.abs(gap).max() / N < 2.7 * np.sqrt(2 / N)


def test_augmix_weights() -> None:
    op = AugMix(num_chains=4, alpha=2.0)
    weights = op.sample(np.random.default_rng(0).random((N, op.draws)))[:, :5]
    assert weights.sum(axis=1) == pytest.approx(1)
    assert weights[:, 0].mean() == pytest.approx(0.5, abs=0.02)  # Beta(2, 2)
    assert weights[:, 0].var() == pytest.approx(1 / 20, abs=0.004)
    assert weights[:, 1:].mean(axis=0) == pytest.approx([0.125] * 4, abs=0.01)


def test_augmix_blends_its_chains() -> None:
    image = picture(3, 30, 40)
    op = AugMix(num_chains=2, chain_depth=2, factor=0.5)
    nothing = float(len(op.choices))
    names = [type(choice).__name__ for choice in op.choices]
    invert, bright = float(names.index("Solarization")), float(names.index("RandomBrightness"))
    row = [0.5, 0.2, 0.3, invert, 0, 0, 0, nothing, 0, 0, 0, nothing, 0, 0, 0, bright, 30, 0, 0]
    ours = apply([(op, row)], image)
    chains = [255.0 - image, np.clip(image + 30.0, 0, 255)]
    expected = 0.5 * image + 0.2 * chains[0] + 0.3 * chains[1]
    assert difference(ours, expected).max() <= 1
    unchanged = [0.5, 0.2, 0.3, *([nothing, 0, 0, 0] * 4)]
    assert np.array_equal(apply([(op, unchanged)], image), image)


def test_augmix_without_all_ops_changes_no_brightness() -> None:
    names = {type(choice).__name__ for choice in AugMix(all_ops=False).choices}
    assert len(names) == 7
    assert not names & {"RandomBrightness", "RandomContrast", "RandomColorDegeneration", "RandomSharpness"}
    assert rounded(np.full((2, 2), 300.0)).max() == 255
    assert run([AugMix()], picture(4, 20, 20, 1)).shape == (20, 20, 1)


# ---------------------------------------------------------------- explain


def test_explain_prints_what_was_fused(capsys: pytest.CaptureFixture[str]) -> None:
    from fitfeed.pipelines import (
        AutoContrast,
        RandomBrightness,
        RandomColorJitter,
        RandomErasing,
        RandomHue,
        RandomInvert,
        RandomPosterization,
        RandomRotation,
        RandomTranslation,
    )

    def vignette(pixels: Pixels) -> Pixels:
        return pixels

    jitter = RandomColorJitter(brightness_factor=0.1, contrast_factor=0.1, saturation_factor=0.1)
    explain(
        [
            RandomFlip(),
            RandomRotation(0.1),
            RandomTranslation(0.1, 0.1, "constant"),
            jitter,
            RandomHue(0.1),
            RandomBrightness(0.1),
            RandomPosterization(4),
            RandomInvert(),
            AutoContrast(),
            RandomErasing(),
            vignette,
            RandAugment(),
            AugMix(num_chains=2),
        ],
        image_size=(8, 9),
    )
    assert capsys.readouterr().out.splitlines() == [
        "1. one resampling: RandomFlip, RandomRotation",
        "2. one resampling: RandomTranslation",
        "3. one pass over color, hue and saturation: RandomBrightness, RandomContrast, RandomSaturation, RandomHue",
        "4. one look-up table: RandomBrightness, RandomPosterization, RandomInvert, AutoContrast",
        "5. alone: RandomErasing",
        "6. alone: vignette",
        "7. one resampling: resizing to (8, 9)",
        "8. alone: RandAugment (chosen for each image, and compiled with its neighbors in the list)",
        "9. alone: AugMix (2 chains, each compiled for each image, then blended)",
    ]
    explain([])
    assert capsys.readouterr().out == "nothing\n"
