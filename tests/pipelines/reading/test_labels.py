"""Labels of every kind, from the dataset to `fit`; masks go where their images go."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fitfeed.converters.options import ConvertOptions
from fitfeed.pipelines import CenterCrop, RandomFlip, RandomResizedCrop, make_pipeline, open_dataset
from fitfeed.pipelines.augment.compiler.program import MASK_SAMPLING
from fitfeed.pipelines.augment.cpu.resample import CropResize, resample_nearest
from fitfeed.schemas.errors import DamagedDatasetError, UsageError
from fitfeed.schemas.index import write_index
from tests.converters.damage import reseal
from tests.labelled import EVERY_KIND, LAYOUTS, SPECIES, TAGS, Flower
from tests.pipelines.build_dataset import pickled
from tests.without_beam import convert

Source = tuple[Path, list[Flower]]
ON = {"batch_size": 4, "image_size": (6, 6), "normalize": None, "dtype": "uint8"}


def expected_mask(flower: Flower, size: tuple[int, int] | None) -> npt.NDArray[np.uint8]:
    if size is None:
        return flower.mask
    return np.asarray(Image.fromarray(flower.mask).resize(size[::-1], Image.Resampling.NEAREST))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_records_have_every_label(labelled: Callable[[str], Path], flower_table: Source, layout: str) -> None:
    dataset = pickled(open_dataset(labelled(layout)))
    flowers = {flower.path: flower for flower in flower_table[1]}
    assert dataset.class_names == SPECIES
    assert set(dataset.class_weight) == {0, 1, 2}
    records = dataset.records("train")
    for record in map(records.__getitem__, range(len(records))):
        flower = flowers[record["key"]]
        assert list(record) == ["image", *EVERY_KIND, "key"]
        assert record["species"] == SPECIES.index(flower.labels["species"])
        assert [TAGS[number] for number in record["tags"]] == flower.labels["tags"]
        assert record["height_cm"] == flower.labels["height_cm"]
        assert record["petals"] == flower.labels["petals"]
        assert record["note"] == flower.labels["note"]
        size = (8, 8) if "raw" in layout else None
        np.testing.assert_array_equal(record["région"][:, :, 0], expected_mask(flower, size))
        assert record["région"].shape == (*record["image"].shape[:2], 1)
        record["région"] += 1  # writable, and nobody else's


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("access", ["indexed", "stream"])
@pytest.mark.parametrize("labels", ["int", "onehot"])
def test_pipelines_have_every_label(
    labelled: Callable[[str], Path], flower_table: Source, layout: str, access: str, labels: str
) -> None:
    flowers = {flower.path: flower for flower in flower_table[1]}
    options: dict[str, Any] = {**ON, "image_size": (8, 8), "labels": labels, "access": access}
    batches = make_pipeline(labelled(layout), "train", **options, output="dict")
    spec = batches.element_spec
    onehot = labels == "onehot"
    assert {name: (each.shape.as_list()[1:], each.dtype) for name, each in spec.items()} == {
        "image": ([8, 8, 3], tf.uint8),
        "species": ([3] if onehot else [], tf.float32 if onehot else tf.int64),
        "tags": ([3], tf.float32),
        "height_cm": ([], tf.float32),
        "petals": ([], tf.int64),
        "région": ([8, 8, 1], tf.uint8),
        "note": ([], tf.string),
        "key": ([], tf.string),
    }
    seen = 0
    for batch in batches:
        for i, key in enumerate(batch["key"].numpy()):
            flower, seen = flowers[key.decode()], seen + 1
            number = SPECIES.index(flower.labels["species"])
            wanted = np.eye(3)[number] if onehot else number
            np.testing.assert_array_equal(batch["species"][i], wanted)
            np.testing.assert_array_equal(batch["tags"][i], [tag in flower.labels["tags"] for tag in TAGS])
            assert batch["height_cm"][i].numpy() == np.float32(flower.labels["height_cm"])
            assert batch["petals"][i].numpy() == flower.labels["petals"]
            assert batch["note"][i].numpy().decode() == flower.labels["note"]
            np.testing.assert_array_equal(batch["région"][i, :, :, 0], expected_mask(flower, (8, 8)))
    assert seen == 16  # four full batches of 18


def test_several_labels_are_a_dict_in_the_labels_place(labelled: Callable[[str], Path]) -> None:
    image, labels = make_pipeline(labelled("tfrecord"), "train", **ON).element_spec  # type: ignore[arg-type]
    assert image.shape == (4, 6, 6, 3)
    assert list(labels) == list(EVERY_KIND)
    assert make_pipeline(labelled("tfrecord"), "train", **ON, labels=None).element_spec == image  # type: ignore[arg-type]


def one_label(folder: Path, column: str, values: list[object], picture: Callable[[int], Any]) -> Path:
    """Converts pictures with a single label column."""
    (folder / "source").mkdir()
    for number, _ in enumerate(values):
        Image.fromarray(picture(number)).save(folder / "source" / f"{number}.png")
    rows = "".join(f"{number}.png,{value}\n" for number, value in enumerate(values))
    (folder / "source" / "labels.csv").write_text(f"path,{column.split(':')[0]}\n{rows}")
    convert(folder / "source" / "labels.csv", folder / "dataset", ConvertOptions(label_columns=(column,)))
    return folder / "dataset"


def noise(number: int) -> Any:
    return np.random.default_rng(number).integers(0, 256, (16, 16, 3), np.uint8)


@pytest.mark.parametrize(
    ("column", "values", "shape", "dtype"),
    [
        ("age:float", [0.5, 1, 2, 3], [None], tf.float32),
        ("age:int", [5, 1, 2, 3], [None], tf.int64),
        ("note:text", ["a", "b", "c", "d"], [None], tf.string),
        ("tags:multiclass", ["x", "y;x", "[]", "y"], [None, 2], tf.float32),
    ],
)
def test_one_label_stands_for_itself_whatever_its_column_was_called(
    tmp_path: Path, column: str, values: list[object], shape: list[int | None], dtype: Any
) -> None:
    dataset = open_dataset(one_label(tmp_path, column, values, noise))
    batches = make_pipeline(dataset, "train", batch_size=4, shuffle=False)
    spec = batches.element_spec[1]
    assert (spec.shape.as_list(), spec.dtype) == (shape, dtype)
    assert list(dataset.records("train")[0]) == ["image", "label", "key"]
    if "multiclass" in column:
        assert (dataset.class_names, dataset.splits["train"].class_counts) == (["x", "y"], [2, 2])
        assert dataset.class_weight == {0: 1.0, 1: 1.0}
        return
    assert dataset.class_names == []
    with pytest.raises(UsageError, match=r"no label with classes to weigh, only: label \("):
        _ = dataset.class_weight
    with pytest.raises(UsageError, match=r"labels='onehot' needs a label with classes.*only: label \("):
        make_pipeline(dataset, "train", batch_size=4, labels="onehot")


def masked(folder: Path) -> Path:
    """Pictures that show their mask: every pixel is 60 times its class."""
    (folder / "source" / "masks").mkdir(parents=True)
    rows = []
    for number in range(8):
        mask = np.random.default_rng(number).integers(0, 5, (5, 6), np.uint8)
        mask = mask.repeat(8, axis=0).repeat(8, axis=1)  # 40 x 48 pixels, in fields of 8 x 8
        Image.fromarray(mask).save(folder / "source" / "masks" / f"{number}.png")
        Image.fromarray((mask * 60)[:, :, np.newaxis].repeat(3, axis=2)).save(
            folder / "source" / f"{number}.png"
        )
        rows.append(f"{number}.png,masks/{number}.png\n")
    (folder / "source" / "t.csv").write_text("image,region\n" + "".join(rows))
    given = ConvertOptions(label_columns=("region:mask",), path_column="image")
    convert(folder / "source" / "t.csv", folder / "dataset", given)
    return folder / "dataset"


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return masked(tmp_path_factory.mktemp("scenes"))


@pytest.mark.parametrize(
    ("augment", "size"),
    [
        ([], (20, 24)),
        ([RandomFlip()], (40, 48)),
        ([CenterCrop()], (32, 32)),
        ([RandomResizedCrop(), RandomFlip("horizontal")], (64, 64)),
        ([RandomResizedCrop(scale=(0.2, 0.5)), RandomFlip()], (24, 40)),
    ],
)
def test_a_mask_moves_with_its_image(scenes: Path, augment: Any, size: tuple[int, int]) -> None:
    batches = make_pipeline(
        scenes, "train", batch_size=8, image_size=size, augment=augment, normalize=None, seed=3
    )
    frames = []
    for images, masks in [*batches, *batches]:
        image, mask = images.numpy()[..., 0], masks.numpy()[..., 0]
        frames.append(mask)
        # Inside a field all pixels that were mixed are alike; so the image shows the class itself.
        inside = np.isin(image, [0, 60, 120, 180, 240])
        assert inside.mean() > 0.35
        agree = (image == mask * 60.0)[inside].mean()
        assert agree > 0.97  # the rest are mixtures that happen to be a multiple of 60
    assert (augment == [] or isinstance(augment[0], CenterCrop)) or not np.array_equal(*frames)


def test_masks_do_not_depend_on_threads_or_the_way_to_an_epoch(scenes: Path) -> None:
    options: dict[str, Any] = {
        "batch_size": 4, "image_size": (24, 24), "augment": [RandomResizedCrop(), RandomFlip()], "seed": 5,
    }  # fmt: skip
    whole = make_pipeline(scenes, "train", **options)
    first, second = ([masks.numpy() for _, masks in whole] for _ in range(2))
    resumed = [masks.numpy() for _, masks in make_pipeline(scenes, "train", **options, start=(1, 1))]
    np.testing.assert_array_equal(resumed[0], second[1])
    assert not np.array_equal(first[0], second[0])


def test_functions_cannot_move_masks(scenes: Path) -> None:
    def invert(image: Any) -> Any:
        return 255 - image

    with pytest.raises(
        UsageError, match=r"cannot move their masks 'label' along.*augment\[1\]=.*labels=None"
    ):
        make_pipeline(scenes, "train", batch_size=2, augment=[RandomFlip(), invert])
    images = next(iter(make_pipeline(scenes, "train", batch_size=2, augment=[invert], labels=None)))
    assert images.shape == (2, 40, 48, 3)


def test_fit_segments(scenes: Path) -> None:
    train = make_pipeline(scenes, "train", batch_size=4, image_size=(16, 16), augment=[RandomFlip()])
    model = keras.Sequential([keras.layers.Conv2D(5, 1, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    history = model.fit(train, epochs=1, verbose=0, shuffle=False)
    assert np.isfinite(history.history["loss"]).all()


@pytest.mark.slow
def test_fit_takes_several_labels_by_the_names_of_its_outputs(labelled: Callable[[str], Path]) -> None:
    train = make_pipeline(labelled("tfrecord"), "train", **{**ON, "dtype": "float32"})  # type: ignore[arg-type]
    train = train.map(lambda image, y: (image, {name: y[name] for name in ("species", "tags", "height_cm")}))
    inputs = keras.Input((6, 6, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(inputs)
    outputs = {
        "species": keras.layers.Dense(3, activation="softmax", name="species")(pooled),
        "tags": keras.layers.Dense(3, activation="sigmoid", name="tags")(pooled),
        "height_cm": keras.layers.Dense(1, name="height_cm")(pooled),
    }
    model = keras.Model(inputs, outputs)
    losses = {"species": "sparse_categorical_crossentropy", "tags": "binary_crossentropy", "height_cm": "mse"}
    model.compile("adam", losses)
    assert np.isfinite(model.fit(train, epochs=1, verbose=0, shuffle=False).history["loss"]).all()


@given(
    st.integers(1, 12), st.integers(1, 12), st.integers(1, 9), st.integers(1, 9),
    st.floats(0, 0.7), st.floats(0, 0.7), st.floats(0.05, 0.3), st.floats(0.05, 0.3), st.booleans(), st.booleans(),
)  # fmt: skip
def test_nearest_is_pillows(
    height: int, width: int, to_height: int, to_width: int,
    top: float, left: float, tall: float, wide: float, vertical: bool, horizontal: bool,
) -> None:  # fmt: skip
    mask = np.random.default_rng(height * width).integers(0, 256, (height, width, 1), np.uint8)
    box = (top * height, left * width, tall * height, wide * width)
    view = CropResize(box, (vertical, horizontal), (to_height, to_width))
    got = resample_nearest(mask, view, MASK_SAMPLING)
    corners = (box[1], box[0], box[1] + box[3], box[0] + box[2])
    image = Image.fromarray(mask[:, :, 0]).transform(
        (to_width, to_height), Image.Transform.EXTENT, corners, Image.Resampling.NEAREST
    )
    expected = np.asarray(image)
    expected = expected[::-1] if vertical else expected
    expected = expected[:, ::-1] if horizontal else expected
    y, x = (np.arange(n) + 0.5 for n in (to_height, to_width))
    ties = [
        np.abs(c - np.round(c)) < 1e-9
        for c in (box[0] + y * box[2] / to_height, box[1] + x * box[3] / to_width)
    ]
    tie_y = np.flip(ties[0]) if vertical else ties[0]
    tie_x = np.flip(ties[1]) if horizontal else ties[1]
    different = np.not_equal(got[:, :, 0], expected)
    assert not (different & ~tie_y.reshape(-1, 1) & ~tie_x).any()
    out = np.empty_like(got)
    assert resample_nearest(mask, view, MASK_SAMPLING, out) is out
    np.testing.assert_array_equal(out, got)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("species", 3, "row 4 .* is impossible: species 3, "),
        ("région_offset", 2**40, "row 4 .* is impossible"),
        ("région_length", 2**62, "row 4 .* is impossible"),
        ("tags", [0, 9], "row 4 a class of 'tags' that is not one of 0 to 2"),
        ("région_length", 5, "its région, 5 bytes at byte"),
    ],
)
def test_damaged_labels_are_named(
    labelled: Callable[[str], Path], tmp_path: Path, column: str, value: Any, message: str
) -> None:
    folder = Path(shutil.copytree(labelled("tfrecord"), tmp_path / "dataset"))
    columns = pa.ipc.open_file(str(folder / "train.index.arrow")).read_all().to_pydict()
    columns[column][4] = value
    write_index(folder / "train.index.arrow", columns, EVERY_KIND)  # type: ignore[arg-type]
    reseal(folder)
    with pytest.raises(DamagedDatasetError, match=message):
        _ = open_dataset(folder).records("train")[4]
    with pytest.raises((tf.errors.OpError, DamagedDatasetError), match=message.replace("row 4 ", "")):
        list(make_pipeline(folder, "train", **{**ON, "batch_size": 18}, shuffle=False))  # type: ignore[arg-type]
