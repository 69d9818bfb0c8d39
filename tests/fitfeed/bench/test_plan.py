"""What is measured is what a training would have."""

from pathlib import Path

import pytest

from fitfeed.bench.plan import DEFAULTS, make_plan, stored_images
from fitfeed.pipelines import RandomFlip, open_dataset
from fitfeed.pipelines.feed.batch_maker import BatchMaker
from fitfeed.schemas.errors import UsageError
from tests.pipelines.option_defaults import DEFAULTS as OF_MAKE_PIPELINE
from tests.without_beam import convert


def test_defaults_are_those_of_make_pipeline() -> None:
    assert {name: OF_MAKE_PIPELINE[name] for name in DEFAULTS} == DEFAULTS


def test_what_was_not_said_is_filled_in(gray: Path) -> None:
    dataset = open_dataset(gray)
    plan = make_plan(dataset)
    assert (plan.split, plan.batch_size, plan.image_size) == ("train", 12, None)
    options = plan.options(dataset)
    assert (options.shuffle, options.batch_size, options.dtype) == (True, 12, "float32")


def test_integers_are_not_normalized(gray: Path) -> None:
    dataset = open_dataset(gray)
    plan = make_plan(dataset, dtype="uint8")
    assert plan.options(dataset).normalize is None
    assert not stored_images(dataset, plan).normalizes
    assert stored_images(dataset, plan).dtype == "uint8"


def test_the_stored_images_are_known(gray: Path) -> None:
    dataset = open_dataset(gray)
    images = stored_images(dataset, make_plan(dataset, augment=[RandomFlip()]))
    assert (images.height, images.width, images.encoding, images.operations) == (14, 20, "png", 1)


def test_threads_and_processes_are_told_apart(gray: Path) -> None:
    dataset = open_dataset(gray)
    threads, three = (make_plan(dataset, processes=number).machinery(dataset) for number in (0, 3))
    assert threads.kind == "threads"
    assert (three.kind, three.workers) == ("processes", 3)
    assert make_plan(dataset, processes=3).arguments(dataset)["processes"] == 3


def test_the_default_is_that_of_make_pipeline(gray: Path, tmp_path: Path, few_photos: Path) -> None:
    """Workers write what is computed, and none copies stored pixels, however long the run."""
    raw = tmp_path / "raw"
    convert(few_photos, raw, {"encoding": "raw", "size": (32, 32), "fit": "cover"})
    for folder, dtype, copies in ((gray, "float32", False), (raw, "float32", False), (raw, "uint8", True)):
        dataset = open_dataset(folder)
        plan = make_plan(dataset, dtype=dtype)
        maker = BatchMaker(dataset, "train", plan.options(dataset, processes=None))
        assert plan.machinery(dataset) == maker.machinery
        assert plan.machinery(dataset).copies == copies
        assert (plan.arguments(dataset)["processes"] is None) == copies


def test_what_cannot_be_measured_is_refused(gray: Path) -> None:
    with pytest.raises(UsageError, match=r"has 12 examples. Received: --batch-size 13"):
        make_plan(open_dataset(gray), batch_size=13)
