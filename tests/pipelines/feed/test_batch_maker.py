"""Batches as NumPy arrays: a function of epoch and step, as their specs say, from one set of draws."""

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitfeed.pipelines import (
    CenterCrop,
    CutMix,
    Dataset,
    MixUp,
    RandomBrightness,
    RandomCrop,
    RandomFlip,
    RandomResizedCrop,
    RandomRotation,
    open_dataset,
)
from fitfeed.pipelines import options as pipeline_options
from fitfeed.pipelines.augment.compiler import program
from fitfeed.pipelines.feed.batch_maker import BATCHES_AT_ONCE, PARAMETERS, BatchMaker, as_element
from fitfeed.pipelines.options import PipelineOptions
from fitfeed.pipelines.stages import feed_rates
from fitfeed.schemas.errors import FeedError, UsageError
from tests.pipelines.build_dataset import build_dataset, raw_example
from tests.pipelines.option_defaults import DEFAULTS

ROOT = Path(__file__).parents[3]
AUGMENT = [RandomResizedCrop(), RandomFlip("horizontal"), RandomRotation(0.1)]


def options(**given: Any) -> PipelineOptions:
    settings = {**DEFAULTS, "batch_size": 6, "image_size": (16, 20), "augment": AUGMENT, "processes": 0}
    return PipelineOptions.of_split("train", **{**settings, **given})


def maker(dataset: Dataset, **given: Any) -> BatchMaker:
    return BatchMaker(dataset, "train", options(**given))


def assert_same(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert list(ours) == list(theirs)
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"access": "stream"},
        {"dtype": "uint8", "normalize": None},
        {"augment": [*AUGMENT, MixUp(0.2)], "labels": "onehot"},
        {"augment_on": "device"},
    ],
    ids=["plain", "stream", "uint8", "mixed", "device"],
)
def test_timing_the_stages_changes_no_bit(flowers: Dataset, given: dict[str, Any]) -> None:
    one, other = maker(flowers, **given), maker(flowers, **given)
    clock = one.stage_clock()
    for place in [(0, 0), (1, 2)]:
        assert_same(one.make(*place, clock), other.make(*place))
    times = clock.times(12)
    assert all(times[stage].cpu_s > 0 for stage in ("read", "decode", "augment", "batch"))
    assert (times["normalize"].cpu_s > 0) == (
        not {"dtype", "augment_on"} & set(given) and "labels" not in given
    )


@pytest.mark.parametrize("access", ["indexed", "stream"])
def test_a_batch_is_a_function_of_epoch_and_step(flowers: Dataset, access: str) -> None:
    """In any order, from several threads, by any maker."""
    one, other = (maker(flowers, access=access, output="dict") for _ in range(2))
    places = [(2, 3), (0, 0), (2, 2), (0, 1)]
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda place: one.make(*place), places))
    for batch, place in zip(made, places, strict=True):
        assert_same(batch, other.make(*place))
    assert not np.array_equal(made[0]["image"], made[1]["image"])


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"labels": "onehot", "output": "dict"},
        {"labels": None, "dtype": "bfloat16"},
        {"normalize": None, "dtype": "uint8", "drop_remainder": False},
        {"augment": [*AUGMENT, MixUp(), CutMix()], "dtype": "float16"},
        {"augment": [*AUGMENT, RandomBrightness(0.2), MixUp()], "augment_on": "device", "output": "dict"},
        {"on_error": "skip", "output": "dict", "transforms": True},
    ],
)
def test_arrays_are_as_their_specs_say(flowers: Dataset, given: dict[str, Any]) -> None:
    one = maker(flowers, **given)
    static = given.get("drop_remainder") is not False and "on_error" not in given
    for name, array in one.make(0, 1).items():
        batch, *shape = one.specs[name].shape
        assert batch == (6 if static else None)
        assert array.shape == (6, *shape)
        assert array.dtype == one.specs[name].dtype
    assert list(one.make(0, 1)) == list(one.specs)
    assert (PARAMETERS in one.specs) is ("augment_on" in given)


def test_every_kind_of_label_is_as_its_spec_says(labelled: Callable[[str], Path]) -> None:
    one = maker(open_dataset(labelled("tfrecord")), output="dict", transforms=True)
    batch = one.make(0, 0)
    assert list(batch) == [
        "image", "species", "tags", "height_cm", "petals", "région", "note", "key", "transform",
    ]  # fmt: skip
    for name, array in batch.items():
        assert array.shape == one.specs[name].shape
        assert array.dtype == one.specs[name].dtype
    assert all(isinstance(text, str) for text in [*batch["note"], *batch["key"]])


@pytest.mark.parametrize("processes", [0, 2])
def test_images_masks_and_transforms_use_the_same_draws(
    labelled: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    calls = []
    compile_ = program.Program.passes_from

    def counted(self: Any, *arguments: Any) -> Any:
        calls.append(arguments)
        return compile_(self, *arguments)

    monkeypatch.setattr(program.Program, "passes_from", counted)
    one = maker(open_dataset(labelled("tfrecord")), output="dict", transforms=True, processes=processes)
    one.make(0, 0)
    assert len(calls) == 1


@pytest.mark.slow
def test_with_processes_this_one_compiles_nothing_that_nobody_asks_for(
    flowers: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        msg = "compiled"
        raise AssertionError(msg)

    expected = maker(flowers).make(1, 1)
    monkeypatch.setattr(program.Program, "passes_from", refuse)
    assert_same(maker(flowers, processes=2).make(1, 1), expected)
    with pytest.raises(AssertionError, match="compiled"):
        maker(flowers).make(1, 1)


def test_a_mixed_image_is_mixed_before_it_is_normalized(flowers: Dataset) -> None:
    plain = maker(flowers, augment=AUGMENT, normalize=None).make(0, 0)
    mixed = maker(flowers, augment=[*AUGMENT, MixUp(1.0)], normalize=None).make(0, 0)
    normalized = maker(flowers, augment=[*AUGMENT, MixUp(1.0)]).make(0, 0)
    statistics = flowers.statistics
    expected = (mixed["image"] - np.array(statistics.mean)) / np.array(statistics.std)
    np.testing.assert_allclose(normalized["image"], expected, atol=1e-4)
    assert not np.array_equal(plain["image"], mixed["image"])
    assert plain["label"].dtype == np.int64
    assert mixed["label"].dtype == np.float32


def test_batches_at_once(flowers: Dataset) -> None:
    assert maker(flowers).at_once == BATCHES_AT_ONCE
    assert maker(flowers, processes=4, batch_size=8).at_once == 4


COPIED: dict[str, Any] = {"image_size": None, "augment": [], "normalize": None, "dtype": "uint8"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"processes": None}, ("threads", 3, True)),  # a thread for each batch, as `ImageLoader` says
        ({"processes": 0}, ("threads", BATCHES_AT_ONCE, True)),
        ({"processes": 3}, ("processes", 3, False)),
        ({"processes": None, "normalize": "zscore", "dtype": "float32"}, ("processes", 4, False)),
        ({"processes": None, "augment": [RandomFlip()]}, ("processes", 4, False)),
        ({"processes": None, "augment": [MixUp(0.2)], "labels": "onehot"}, ("threads", 4, False)),
        ({"access": "stream", "processes": None}, ("threads", 4, False)),
    ],
)
def test_what_makes_the_batches_is_what_a_verdict_counts_with(
    thumbnails: Dataset, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    for module in (feed_rates, pipeline_options):
        monkeypatch.setattr(module, "available_cpus", lambda: 4)
    made = maker(thumbnails, **{**COPIED, "batch_size": 32, "drop_remainder": False, **given}).machinery
    assert (made.kind, made.workers, made.copies, made.cpus) == (*expected, 4)


def test_the_elements_of_make_pipeline() -> None:
    one, two = {"image": 1, "label": 2}, {"image": 1, "kind": 2, "tags": 3}
    assert as_element({"image": 1}, options()) == 1
    assert as_element(one, options()) == (1, 2)
    assert as_element(two, options()) == (1, {"kind": 2, "tags": 3})
    assert as_element(two, options(output="dict")) == two


@pytest.mark.parametrize(
    ("split", "given", "images"),
    [
        ("train", {}, 53),
        ("train", {"shard": (0, 2)}, 26),
        ("train", {"examples": [0, 2, 5]}, 3),
        (["train", "validation"], {"statistics": "train"}, 53 + 11),
    ],
)
def test_workers_know_how_many_images_an_epoch_has(
    flowers: Dataset, split: str | list[str], given: dict[str, Any], images: int
) -> None:
    """Those of this worker: by that they start with the first batch or later."""
    one = BatchMaker(flowers, split, options(**{"batch_size": 1, **given}))
    assert one._images._epoch_images == images


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dtype", "augment", "loads"),
    [
        ("uint8", "", False),
        ("float32", "RandomFlip(), RandomErasing()", False),
        ("uint8", "RandomHue(0.1)", True),
        ("uint8", "RandomBrightness(0.5)", True),
    ],
)
def test_numba_is_loaded_only_by_operations_on_colors(
    tmp_path: Path, dtype: str, augment: str, *, loads: bool
) -> None:
    """It costs each process 0.6 s and 46 MB."""
    folder = build_dataset(tmp_path / "d", {"train": [raw_example(i) for i in range(8)]}, is_raw=True)
    normalize = None if dtype == "uint8" else "zscore"
    program = (
        "import sys; from fitfeed import *; from tests.pipelines.feed.test_batch_maker import maker, open_dataset; "
        f"given = dict(image_size=None, augment=[{augment}], dtype={dtype!r}, normalize={normalize!r}); "
        f"maker(open_dataset({str(folder)!r}), **given).make(0, 0); print('numba' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == [str(loads)]


def test_a_label_may_not_take_the_name_of_the_transform(tmp_path: Path) -> None:
    dataset = open_dataset(build_dataset(tmp_path / "d", {"train": [raw_example(i) for i in range(8)]}))
    features = dataset.manifest.features
    features.labels["transform"] = features.labels.pop("label")
    with pytest.raises(UsageError, match="transforms=True needs the name 'transform'"):
        maker(dataset, output="dict", transforms=True)


def test_one_of_several_labels_is_what_a_batch_has(labelled: Callable[[str], Path]) -> None:
    dataset = open_dataset(labelled("tfrecord"))
    everything = maker(dataset, augment=[]).make(0, 0)
    for name in dataset.manifest.features.labels:
        batch = maker(dataset, augment=[], label=name).make(0, 0)
        assert list(batch) == ["image", name]
        np.testing.assert_array_equal(batch[name], everything[name])
        _, label = as_element(batch, options(label=name))
        assert label is batch[name]


def test_the_label_that_is_asked_for_is_the_one_that_options_are_about(
    labelled: Callable[[str], Path],
) -> None:
    dataset = open_dataset(labelled("tfrecord"))
    moved = maker(dataset, label="species", augment=[lambda image: image[:, ::-1]])
    assert moved.make(0, 0)["image"].shape == (6, 16, 20, 3)  # no mask to move along
    with pytest.raises(UsageError, match="only: petals"):
        maker(dataset, label="petals", labels="onehot")
    with pytest.raises(UsageError, match=r"one class\. The dataset has petals:int"):
        maker(dataset, label="petals", balance="class")
    assert maker(dataset, label="species", balance="class").make(0, 0)["species"].shape == (6,)


def test_which_label_is_balanced_decides_the_order() -> None:
    def identity(**given: Any) -> dict[str, Any]:
        return options(**given).identity("fingerprint", "train")

    assert identity(label="species") == identity(label="petals")
    assert identity(label="species", balance="class") != identity(balance="class")


@pytest.mark.slow
@pytest.mark.parametrize("processes", [0, 2])
def test_a_forked_process_is_refused_and_the_parent_goes_on(thumbnails: Dataset, processes: int) -> None:
    ours = maker(thumbnails, augment=[], processes=processes)
    before = ours.make(0, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of forks where there are threads
        child = os.fork()
    if not child:
        try:
            ours.make(0, 1)
        except FeedError as error:
            os._exit(0 if "Call make_pipeline or make_loader in the new process" in str(error) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert_same(ours.make(0, 0), before)


@pytest.mark.parametrize(
    ("augment", "size"),
    [
        ([RandomCrop(12, 10)], (12, 10)),
        ([RandomFlip(), CenterCrop(9, 14), RandomBrightness(0.1)], (9, 14)),
        ([RandomCrop(12, 10), RandomCrop(5, 6)], (5, 6)),
        ([lambda image: image[:, :30], RandomCrop(12, 10)], (12, 10)),
    ],
)
def test_a_crop_of_fixed_size_gives_images_of_many_sizes_one(
    flowers: Dataset, augment: Any, size: tuple[int, int]
) -> None:
    ours = maker(flowers, augment=augment, image_size=None)
    assert ours.specs["image"].shape == (6, *size, 3)
    assert ours.make(0, 0)["image"].shape == (6, *size, 3)
    with pytest.raises(UsageError, match=r"or crop: augment=\[RandomCrop\(height, width\)\]"):
        maker(flowers, augment=[RandomResizedCrop(), CenterCrop()], image_size=None)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [0, 2])
def test_a_script_may_change_its_folder(
    flowers: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, processes: int
) -> None:
    expected = maker(flowers).make(0, 0)
    monkeypatch.chdir(flowers.path.parent)
    ours = maker(open_dataset(flowers.path.name), processes=processes)
    monkeypatch.chdir(tmp_path)
    assert_same(ours.make(0, 0), expected)
