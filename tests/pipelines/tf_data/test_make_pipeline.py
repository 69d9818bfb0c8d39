"""The pipeline as a whole, as far as a plain loop sees it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf

from fitfeed.pipelines import CenterCrop, Dataset, RandomFlip, RandomResizedCrop, make_pipeline, open_dataset
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.storage.open_place import open_place
from tests.pipelines.build_dataset import Example, Format
from tests.programs import run_program

ACCESSES = ("indexed", "stream")
AUGMENT = [RandomResizedCrop(), RandomFlip("horizontal")]


def pipeline(dataset: Dataset, split: str = "train", **options: Any) -> tf.data.Dataset:
    return make_pipeline(
        dataset, split, **{"batch_size": 8, "image_size": (16, 20), "output": "dict", **options}
    )


def keys(batches: Any) -> list[list[str]]:
    return [[key.decode() for key in batch["key"].numpy()] for batch in batches]


def flat(nested: list[list[str]]) -> list[str]:
    return [key for batch in nested for key in batch]


def number(key: str) -> int:
    return int(key[-4:])


@pytest.mark.parametrize("access", ACCESSES)
def test_each_epoch_has_every_example_once_in_a_new_order(flowers: Dataset, access: str) -> None:
    dataset = pipeline(flowers, drop_remainder=False, access=access)
    assert dataset.cardinality() == 7
    epochs = [flat(keys(dataset)) for _ in range(3)]
    every = sorted(f"class{i % 3}/image{i:04}" for i in range(53))
    assert [sorted(epoch) for epoch in epochs] == [every] * 3
    assert len({tuple(epoch) for epoch in epochs}) == 3
    again = pipeline(flowers, drop_remainder=False, access=access)
    assert [flat(keys(again)) for _ in range(3)] == epochs
    other = pipeline(flowers, drop_remainder=False, access=access, seed=1)
    assert flat(keys(other)) != epochs[0]


def test_repeat_goes_on_with_the_next_epoch(flowers: Dataset) -> None:
    epochs = [flat(keys(epoch)) for epoch in [pipeline(flowers)] * 2]
    assert flat(keys(pipeline(flowers).repeat(2))) == epochs[0] + epochs[1]


@pytest.mark.parametrize(("access", "drop"), [("indexed", False), ("stream", True)])
def test_start_continues_where_an_epoch_stopped(flowers: Dataset, access: str, drop: bool) -> None:
    options: dict[str, Any] = {"drop_remainder": drop, "access": access, "augment": AUGMENT}
    reference = pipeline(flowers, **options)
    epochs = [list(reference) for _ in range(4)]
    steps = len(epochs[0])
    for step in (0, 1, steps - 1):
        resumed = pipeline(flowers, start=(2, step), **options)
        assert resumed.cardinality() == (steps if step == 0 else tf.data.UNKNOWN_CARDINALITY)
        got, following = list(resumed), list(resumed)
        assert keys(got + following) == keys(epochs[2][step:] + epochs[3])
        assert all(np.array_equal(a["image"], b["image"]) for a, b in zip(got, epochs[2][step:], strict=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("access", "batch_size", "workers", "drop", "shuffle"),
    [
        ("indexed", 8, 2, True, True),
        ("indexed", 5, 3, False, False),
        ("indexed", 13, 4, True, False),
        ("indexed", 4, 13, False, True),
        ("stream", 8, 2, False, True),
        ("stream", 5, 3, True, False),
        ("stream", 17, 3, False, True),  # 53 = 51 + 2: the remainder is smaller than the number of workers
        ("stream", 53, 1, True, True),
    ],
)
def test_workers_share_an_epoch(
    flowers: Dataset, access: str, batch_size: int, workers: int, drop: bool, shuffle: bool
) -> None:
    """All layouts are in `tests/pipelines/order/test_shuffle.py`; here, that they arrive."""
    options: dict[str, Any] = {
        "drop_remainder": drop,
        "access": access,
        "shuffle": shuffle,
        "batch_size": batch_size,
        "start": (1, 0),
    }
    shares = [keys(pipeline(flowers, shard=(k, workers), **options)) for k in range(workers)]
    assert len({len(share) for share in shares}) == 1
    sizes = {len(batch) for share in shares for batch in share}
    assert max(sizes) <= batch_size
    assert not drop or sizes == {batch_size}
    seen = [key for share in shares for key in flat(share)]
    assert len(seen) == len(set(seen)) == (53 - 53 % (batch_size * workers) if drop else 53)


@pytest.mark.parametrize("access", ACCESSES)
def test_validation_is_in_stored_order_and_always_the_same(flowers: Dataset, access: str) -> None:
    dataset = pipeline(flowers, "validation", access=access, augment=[CenterCrop()])
    first, second = list(dataset), list(dataset)
    assert flat(keys(first)) == [f"class{i % 3}/image{i:04}" for i in range(100, 111)]
    assert [len(batch["label"]) for batch in first] == [8, 3]
    assert all(np.array_equal(a["image"], b["image"]) for a, b in zip(first, second, strict=True))


def test_both_accesses_and_formats_show_an_example_alike(encoded_datasets: dict[Format, Dataset]) -> None:
    def images(dataset: Dataset, access: str) -> dict[str, bytes]:
        batches = pipeline(dataset, augment=AUGMENT, drop_remainder=False, access=access)
        return {
            k.decode(): i.tobytes()
            for b in batches
            for k, i in zip(b["key"].numpy(), b["image"].numpy(), strict=True)
        }

    seen = [images(dataset, access) for dataset in encoded_datasets.values() for access in ACCESSES]
    assert len(seen[0]) == 53
    assert all(other == seen[0] for other in seen[1:])


@pytest.mark.parametrize("access", ACCESSES)
def test_raw_images(thumbnails: Dataset, raw_examples: dict[str, list[Example]], access: str) -> None:
    dataset = pipeline(thumbnails, image_size=None, dtype="uint8", normalize=None, access=access)
    assert dataset.element_spec["image"].shape == (8, 32, 24, 3)
    for batch in dataset:
        for key, image in zip(batch["key"].numpy(), batch["image"].numpy(), strict=True):
            assert np.array_equal(image, raw_examples["train"][number(key.decode())].pixels)


@pytest.mark.parametrize("access", ACCESSES)
def test_a_global_seed_does_not_reach_the_order(flowers: Dataset, access: str) -> None:
    reference = keys(pipeline(flowers, access=access))
    tf.random.set_seed(12345)
    assert keys(pipeline(flowers, access=access)) == reference


def test_stream_shuffles_within_a_bounded_buffer(flowers: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = keys(pipeline(flowers, access="stream"))
    monkeypatch.setattr("fitfeed.pipelines.reading.stream_reader.MAX_SHUFFLE_BYTES", 1)
    assert keys(pipeline(flowers, access="stream")) != wide


def test_labels_and_outputs(flowers: Dataset) -> None:
    options: dict[str, Any] = {"batch_size": 8, "image_size": (16, 20), "shuffle": False}
    images, labels = next(iter(make_pipeline(flowers, "train", **options)))
    assert labels.dtype == tf.int64
    assert labels.numpy().tolist() == [0, 1, 2, 0, 1, 2, 0, 1]
    _, onehot = next(iter(make_pipeline(flowers, "train", labels="onehot", **options)))
    assert onehot.dtype == tf.float32
    assert np.array_equal(onehot, np.eye(3)[labels])
    alone = next(iter(make_pipeline(flowers, "train", labels=None, **options)))
    assert np.array_equal(alone, images)
    element = next(iter(make_pipeline(flowers, "train", output="dict", **options)))
    assert list(element) == ["image", "label", "key"]
    assert element["key"].numpy()[1] == b"class1/image0001"
    assert list(next(iter(make_pipeline(flowers, "train", output="dict", labels=None, **options)))) == [
        "image",
        "key",
    ]


@pytest.mark.parametrize("normalize", ["zscore", "minmax", "unit", "symmetric"])
def test_normalises_as_the_keras_layer_does(flowers: Dataset, normalize: Any) -> None:
    options: dict[str, Any] = {"augment": AUGMENT, "start": (3, 0)}
    pixels = next(iter(pipeline(flowers, dtype="uint8", normalize=None, **options)))["image"]
    images = next(iter(pipeline(flowers, normalize=normalize, **options)))["image"]
    assert images.dtype == tf.float32
    assert np.allclose(images, flowers.normalization(normalize)(pixels), atol=1e-5)


@pytest.mark.parametrize(("dtype", "type_"), [("bfloat16", ml_dtypes.bfloat16), ("float16", np.float16)])
def test_sixteen_bits(flowers: Dataset, dtype: Any, type_: Any) -> None:
    wide = next(iter(pipeline(flowers)))["image"].numpy()
    narrow = next(iter(pipeline(flowers, dtype=dtype)))["image"]
    assert narrow.dtype == tf.as_dtype(dtype)
    assert np.allclose(narrow.numpy().astype(np.float32), wide, rtol=2**-8)
    assert narrow.numpy().dtype == type_
    plain = next(iter(pipeline(flowers, dtype=dtype, normalize=None)))["image"]
    assert np.abs(plain.numpy().astype(np.float32)).max() > 200


@pytest.mark.parametrize("drop", [True, False])
def test_static_shapes(flowers: Dataset, drop: bool) -> None:
    spec = pipeline(flowers, drop_remainder=drop).element_spec
    batch = 8 if drop else None
    assert spec["image"].shape.as_list() == [batch, 16, 20, 3]
    assert spec["label"].shape.as_list() == [batch]


def test_options_of_tensorflow(flowers: Dataset) -> None:
    options = pipeline(flowers).options()
    assert options.experimental_distribute.auto_shard_policy == tf.data.experimental.AutoShardPolicy.OFF
    assert options.deterministic


def test_stages_behind_may_leave_parallelism_to_tensorflow(flowers: Dataset) -> None:
    """The tuner, which can hold up the end of an epoch for a minute, is off; what asks for it runs all the same."""
    batches = make_pipeline(flowers, "train", batch_size=8, image_size=(8, 8), shuffle=False, labels=None)
    assert batches.options().autotune.enabled is False
    doubled = batches.map(lambda images: 2 * images, num_parallel_calls=tf.data.AUTOTUNE).prefetch(
        tf.data.AUTOTUNE
    )
    for images, twice in zip(batches, doubled, strict=True):
        np.testing.assert_array_equal(2 * images, twice)


def address(tensor: tf.Tensor) -> int:
    return int(np.frombuffer(tensor, np.uint8).__array_interface__["data"][0])


def test_batches_are_handed_over_without_a_copy_and_never_overwritten(flowers: Dataset) -> None:
    dataset = pipeline(flowers, batch_size=2, augment=AUGMENT)
    kept = list(dataset)
    places = [address(batch["image"]) for batch in kept]
    assert all(place % 4096 == 0 for place in places)  # our pages; TensorFlow's own memory begins elsewhere
    assert len(set(places)) == len(places)
    one_by_one = [batch["image"].numpy() for batch in pipeline(flowers, batch_size=2, augment=AUGMENT)]
    assert all(np.array_equal(batch["image"], copy) for batch, copy in zip(kept, one_by_one, strict=True))


def test_memory_is_recycled(flowers: Dataset) -> None:
    places = [address(batch["image"]) for batch in pipeline(flowers, batch_size=2)]
    assert len(places) == 26
    assert len(set(places)) <= 8


@pytest.mark.parametrize("access", ACCESSES)
def test_damage_is_named(own_copy: Callable[[Format], Path], access: str) -> None:
    path = own_copy("hdf5")
    dataset = open_dataset(path)
    index = dataset.records("train").index
    with (path / dataset.splits["train"].shards[0].file).open("r+b") as file:
        file.seek(int(index.offset[6]) + 2)
        file.write(bytes(100))
    with pytest.raises(tf.errors.OpError) as error:
        list(pipeline(dataset, access=access, drop_remainder=False))
    for part in ("DamagedExampleError", "train-00000-of-00002.h5", index.key(6), f"byte {index.offset[6]}"):
        assert part in str(error.value)


def test_a_failing_function_is_named(flowers: Dataset) -> None:
    def strange(_image: Any) -> Any:
        msg = "no such colour"
        raise RuntimeError(msg)

    with pytest.raises(tf.errors.OpError, match="no such colour"):
        list(pipeline(flowers, augment=[strange]))


def test_takes_a_path(flowers: Dataset) -> None:
    by_path = make_pipeline(str(flowers.path), "train", batch_size=8, image_size=(16, 20), output="dict")
    assert keys(by_path) == keys(pipeline(flowers))


def test_wrong_split(flowers: Dataset) -> None:
    with pytest.raises(ValueError, match="Received: split='dev'"):
        pipeline(flowers, "dev")


def test_importing_and_reading_load_no_tensorflow(flowers: Dataset) -> None:
    program = (
        "import sys\nfrom fitfeed import pipelines\n"
        f"dataset = pipelines.open_dataset({str(flowers.path)!r})\n"
        "assert dataset.records('train')[0]['image'].ndim == 3\n"
        "print(sorted({'tensorflow', 'keras', 'h5py', 'apache_beam'} & set(sys.modules)))"
    )
    assert run_program(program) == "[]\n"


@pytest.mark.slow
@pytest.mark.parametrize("access", ACCESSES)
def test_a_script_may_end_in_the_middle_of_an_iteration(flowers: Dataset, access: str) -> None:
    program = (
        "import time\nfrom fitfeed import pipelines\n"
        "def slow(image):\n"
        "    time.sleep(0.01)\n"
        "    return image\n"
        f"train = pipelines.make_pipeline({str(flowers.path)!r}, 'train', batch_size=8, image_size=(16, 16), "
        f"augment=[slow], access={access!r})\n"
        "batches = iter(train.repeat())\n"
        "next(batches)\n"
        "print('end')"
    )
    assert run_program(program) == "end\n"


def test_a_dataset_may_be_in_a_store_with_a_cache_here(flowers: Dataset, tmp_path: Path) -> None:
    place = open_place("memory://feed-pipeline/flowers", "DATASET")
    for path in flowers.path.iterdir():
        place.write(path.name, path.read_bytes())
    given: dict[str, Any] = {"batch_size": 16, "image_size": (8, 8), "processes": 0}
    stored = make_pipeline(str(place), "train", cache=tmp_path / "cache", cache_size="1GB", **given)
    local = make_pipeline(flowers.path, "train", **given)
    for _ in range(2):
        for ours, theirs in zip(stored, local, strict=True):
            assert np.array_equal(ours[0], theirs[0])
    assert any(path.suffix == ".blocks" for path in (tmp_path / "cache").iterdir())
    with pytest.raises(UsageError, match=r"Pass them to open_dataset"):
        make_pipeline(open_dataset(str(place)), "train", cache=tmp_path / "cache", **given)
