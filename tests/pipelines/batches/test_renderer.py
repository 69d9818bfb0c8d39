"""Images, each written at its place of a batch: decoded, augmented, normalized, or copied as they are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fitfeed.pipelines import Dataset, RandomBrightness, RandomFlip, RandomResizedCrop, open_dataset
from fitfeed.pipelines.augment.compiler.color_matrix import load_recolor
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.batches.normalize import Normalizer
from fitfeed.pipelines.batches.renderer import Renderer, compile_batch
from fitfeed.schemas.errors import DamagedExampleError, UsageError
from tests.pipelines.build_dataset import Example, Format, build_dataset, encoded, pickled, raw, raw_example

SIZE = (20, 30)
ROWS = np.array([40, 3, 17, 3])
AS_IT_IS = Program([], image_size=None, seed=0)
AUGMENTED = Program([RandomResizedCrop(), RandomFlip(), RandomBrightness(0.3)], image_size=SIZE, seed=1)


@pytest.fixture(scope="module")
def icons(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Two PNG files of one size; all pixels of each are its number."""
    examples = []
    for number in range(2):
        ok, png = cv2.imencode(".png", np.full((8, 8, 3), number, np.uint8))
        assert ok
        examples.append(encoded(f"a/{number}", 0, png.tobytes()))
    return open_dataset(build_dataset(tmp_path_factory.mktemp("icons") / "icons", {"train": examples}))


def renderer(
    dataset: Dataset, program: Program, normalizer: Normalizer | None = None, *, skips: bool = False
) -> Renderer:
    return Renderer(dataset.records("train"), program, normalizer, skips=skips)


def rendered(one: Renderer, rows: Any = ROWS, *, epoch: int = 0, dtype: str = "uint8") -> Any:
    out = np.full((len(rows), *one.image_shape), 77, dtype)
    assert one.render(epoch, rows, rows, out=out) == {}
    return out


def zeroed(path: Path, row: int) -> Dataset:
    """A dataset in which the stored bytes of an example are zeros."""
    dataset = open_dataset(path)
    index = dataset.records("train").index
    shard = dataset.splits["train"].shards[index.shard[row]].file
    with (path / shard).open("r+b") as file:
        file.seek(int(index.offset[row]))
        file.write(bytes(int(index.length[row])))
    return dataset


# ---------------------------------------------------------------- the shape


def test_the_shape_is_that_of_the_list_for_the_stored_size(flowers: Dataset, thumbnails: Dataset) -> None:
    assert renderer(thumbnails, AS_IT_IS).image_shape == (32, 24, 3)
    assert renderer(thumbnails, AUGMENTED).image_shape == (*SIZE, 3)
    assert renderer(flowers, AUGMENTED).image_shape == (*SIZE, 3)


def test_images_of_different_sizes_need_a_size(flowers: Dataset, examples: dict[str, list[Example]]) -> None:
    heights, widths = zip(*(example.pixels.shape[:2] for example in examples["train"]), strict=True)
    with pytest.raises(UsageError) as caught:
        renderer(flowers, AS_IT_IS)
    assert str(caught.value) == (
        f"images are stored in different sizes ({min(heights)} to {max(heights)} pixels high, {min(widths)} to "
        f"{max(widths)} wide), so a batch needs one. Received: image_size=None. Pass image_size=(height, "
        f"width), or crop: augment=[RandomCrop(height, width)]."
    )


# ---------------------------------------------------------------- what is written


def test_without_augmentations_it_is_opencvs_resizing(
    flowers: Dataset, examples: dict[str, list[Example]]
) -> None:
    images = rendered(renderer(flowers, Program([], image_size=(45, 41), seed=0)))
    for image, row in zip(images, ROWS, strict=True):
        assert np.array_equal(image, cv2.resize(examples["train"][row].pixels, (41, 45)))


def test_an_image_depends_on_its_epoch_and_its_number_only(flowers: Dataset) -> None:
    one = renderer(flowers, AUGMENTED)
    whole = rendered(one)
    assert np.array_equal(whole[1], whole[3])  # the same example twice
    assert np.array_equal(rendered(one, ROWS[2:]), whole[2:])
    assert np.array_equal(rendered(pickled(one)), whole)  # as a worker process has it
    assert not np.array_equal(rendered(one, epoch=1), whole)
    other = np.empty_like(whole)
    one.render(0, ROWS, ROWS + 1, out=other)
    assert not np.array_equal(other, whole)


def test_normalized_it_is_the_same_image_in_float64(flowers: Dataset) -> None:
    statistics = flowers.statistics
    normalizer = Normalizer("zscore", statistics, dtype="float32")
    ours = rendered(renderer(flowers, AUGMENTED, normalizer), dtype="float32")
    pixels = rendered(renderer(flowers, AUGMENTED)).astype(np.float64)
    np.testing.assert_allclose(ours, (pixels - statistics.mean) / statistics.std, rtol=1e-4, atol=1e-5)


def test_bytes_that_were_read_before_are_not_read_again(flowers: Dataset, own_copy: Any) -> None:
    records = flowers.records("train")
    one = renderer(zeroed(own_copy("tfrecord"), row=3), AUGMENTED)
    compiled = compile_batch(AUGMENTED, records, 0, ROWS, ROWS)
    out = np.empty((4, *one.image_shape), np.uint8)
    payloads = [records.encoded(row) for row in ROWS]
    write = one.image_writer(ROWS, compiled, out=out, payloads=payloads)
    for place in (2, 0, 3, 1):  # in any order
        write(place)
    assert np.array_equal(out, rendered(renderer(flowers, AUGMENTED)))
    # An empty payload says that reading has failed. It is tried again, which may raise the error here.
    expected, out[0] = out[0].copy(), 0
    unread = one.image_writer(ROWS, compiled, out=out, payloads=[b""] * 4)
    unread(0)
    assert np.array_equal(out[0], expected)
    with pytest.raises(DamagedExampleError, match="image0003"):
        unread(3)


def test_batches_are_compiled_for_the_stored_sizes(
    flowers: Dataset, examples: dict[str, list[Example]]
) -> None:
    compiled = compile_batch(AUGMENTED, flowers.records("train"), 3, ROWS, ROWS + 100)
    assert compiled.sizes.tolist() == [list(examples["train"][row].pixels.shape[:2]) for row in ROWS]
    assert (compiled.program, compiled.epoch) == (AUGMENTED, 3)
    assert compiled.rng_index.tolist() == (ROWS + 100).tolist()


@pytest.mark.parametrize(
    ("channels", "dtype", "loads"), [(3, np.uint8, True), (1, np.uint8, False), (3, np.uint16, False)]
)
def test_the_loop_of_colors_is_loaded_for_images_that_it_recolors(
    tmp_path: Path, channels: int, dtype: Any, *, loads: bool
) -> None:
    stored = [raw(f"a/{number}", 0, np.zeros((8, 8, channels), dtype)) for number in range(2)]
    dataset = open_dataset(build_dataset(tmp_path / "d", {"train": stored}, is_raw=True))
    assert (load_recolor in renderer(dataset, AUGMENTED).prepare) == loads
    assert load_recolor not in renderer(dataset, AS_IT_IS).prepare


# ---------------------------------------------------------------- copies


@pytest.mark.parametrize("format_", ["tfrecord", "hdf5"])
def test_stored_pixels_are_copied_where_nothing_is_to_be_done(
    raw_datasets: dict[Format, Dataset], raw_examples: dict[str, list[Example]], format_: Format
) -> None:
    one = renderer(raw_datasets[format_], AS_IT_IS)
    assert one.copies
    expected = [raw_examples["train"][row].pixels for row in ROWS]
    assert np.array_equal(rendered(one), expected)
    assert np.array_equal(rendered(renderer(raw_datasets[format_], Program([np.copy], image_size=None, seed=0))), expected)  # fmt: skip


def test_nothing_else_is_a_copy(flowers: Dataset, thumbnails: Dataset, icons: Dataset) -> None:
    normalizer = Normalizer(None, thumbnails.statistics, dtype="float32")
    assert not renderer(thumbnails, AS_IT_IS, normalizer).copies
    assert not renderer(thumbnails, AUGMENTED).copies
    assert not renderer(flowers, AUGMENTED).copies
    assert not renderer(icons, AS_IT_IS).copies  # of one size, but encoded
    assert np.array_equal(rendered(renderer(icons, AS_IT_IS), np.array([1])), np.full((1, 8, 8, 3), 1))


# ---------------------------------------------------------------- damage


def test_a_damaged_image_is_an_error_or_left_out(own_copy: Callable[[Format], Path]) -> None:
    dataset = zeroed(own_copy("hdf5"), row=17)
    whole = rendered(renderer(dataset, AUGMENTED), ROWS[:2])
    with pytest.raises(DamagedExampleError, match="image0017"):
        rendered(renderer(dataset, AUGMENTED))
    skipping = renderer(dataset, AUGMENTED, skips=True)
    out = np.empty((4, *skipping.image_shape), np.uint8)
    damaged = skipping.render(0, ROWS, ROWS, out=out)
    assert {place: "image0017" in str(error) for place, error in damaged.items()} == {2: True}
    assert np.array_equal(out[[0, 1, 3]], whole[[0, 1, 1]])


def test_a_copy_that_ends_too_early_is_named_too(tmp_path: Path) -> None:
    examples = [raw_example(number) for number in range(6)]
    dataset = open_dataset(build_dataset(tmp_path / "d", {"train": examples}, shards=1, is_raw=True))
    path = tmp_path / "d" / dataset.splits["train"].shards[0].file
    with path.open("r+b") as file:
        file.truncate(int(dataset.records("train").index.offset[5]) + 100)
    rows = np.array([5, 2])
    with pytest.raises(DamagedExampleError, match=r"image0005.*ends after 100 of its 2304 bytes"):
        rendered(renderer(dataset, AS_IT_IS), rows)
    one = renderer(dataset, AS_IT_IS, skips=True)
    out = np.empty((2, *one.image_shape), np.uint8)
    assert list(one.render(0, rows, rows, out=out)) == [0]
    assert np.array_equal(out[1], examples[2].pixels)


def test_a_function_that_changes_the_size_is_not_damage(icons: Dataset) -> None:
    one = renderer(icons, Program([lambda image: image[1:]], image_size=None, seed=0), skips=True)
    with pytest.raises(UsageError, match=r"changed the image size to \(7, 8\)"):
        rendered(one, np.array([0]))
