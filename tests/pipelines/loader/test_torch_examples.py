"""The examples of a split one by one, as PyTorch's `DataLoader` asks for them, where PyTorch is installed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitfeed.pipelines import (
    CutMix,
    Dataset,
    RandomFlip,
    RandomResizedCrop,
    RandomRotation,
    TorchExamples,
    make_loader,
    open_dataset,
)
from fitfeed.pipelines.reading.records import Records
from fitfeed.schemas.errors import DamagedExampleError, FeedError, UsageError
from tests.pipelines.build_dataset import Format, pickled
from tests.pipelines.far_place import far

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: CONTRIBUTING.md says how to run these tests"
)

AUGMENT = [RandomResizedCrop(), RandomFlip("horizontal")]
GIVEN: dict[str, Any] = {"image_size": (16, 20), "augment": AUGMENT, "seed": 5}


def examples(dataset: Dataset | Path, **options: Any) -> TorchExamples:
    return TorchExamples(dataset, "train", **{**GIVEN, **options})


def stored_order(dataset: Dataset | Path, epoch: int = 0, **options: Any) -> list[Any]:
    """The batch of all examples that `make_loader` makes."""
    given = {**GIVEN, "output": "dict", "batch_size": 53, **options}
    return [next(iter(make_loader(dataset, "train", shuffle=False, start=(epoch, 0), **given)))]


def as_array(tensor: Any) -> Any:
    return tensor.view(torch.int16).numpy() if tensor.dtype == torch.bfloat16 else tensor.numpy()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dtype": "bfloat16", "normalize": "symmetric"},
        {"dtype": "uint8", "normalize": None, "augment": [RandomRotation(0.1), *AUGMENT], "seed": 6},
        {"labels": "onehot", "channels": "last", "image_size": (9, 9)},
    ],
)
def test_each_is_that_of_the_loader_in_any_epoch(flowers: Dataset, options: dict[str, Any]) -> None:
    ours = examples(flowers, output="dict", **options)
    last = options.pop("channels", "first") == "last"
    assert len(ours) == 53
    for epoch in (0, 3):
        ours.set_epoch(epoch)
        (batch,) = stored_order(flowers, epoch, **options)
        for number in (0, 17, -1):
            one = ours[number]
            assert list(one) == ["image", "label", "key"]
            image = one["image"] if last else one["image"].permute(1, 2, 0)
            expected = batch["image"][number]
            if expected.dtype.name == "bfloat16":
                expected = expected.view(np.int16)
            assert np.array_equal(as_array(image), expected)
            assert np.array_equal(one["label"].numpy(), batch["label"][number])
            assert one["key"] == batch["key"][number]


def test_masks_move_with_their_images(labelled: Callable[[str], Path]) -> None:
    path = labelled("tfrecord")
    count = len(open_dataset(path).records("train"))
    ours = examples(path, output="dict", augment=[*AUGMENT, RandomRotation(0.1)])
    (batch,) = stored_order(path, batch_size=count, augment=[*AUGMENT, RandomRotation(0.1)])
    masks = [name for name, array in batch.items() if name != "image" and array.ndim == 4]
    assert masks
    for number in range(count):
        one = ours[number]
        assert list(one) == list(batch)
        for name in masks:
            assert np.array_equal(one[name].permute(1, 2, 0).numpy(), batch[name][number])


def test_the_error_of_a_mask_has_its_example(
    labelled: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = examples(labelled("tfrecord"), output="dict", augment=[RandomRotation(0.1)])
    key = ours[2]["key"]

    def fail(*_arguments: Any, **_named: Any) -> Any:
        msg = "no such row"
        raise IndexError(msg)

    monkeypatch.setattr(Records, "mask", fail)
    with pytest.raises(DamagedExampleError, match=rf"{key}.*no such row"):
        ours[2]


@pytest.mark.slow
@pytest.mark.parametrize("way", [None, "fork", "spawn"])
@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*fork.*:RuntimeWarning")  # JAX, if another test has loaded it
def test_workers_of_a_data_loader_change_no_bit(flowers: Dataset, way: str | None, persistent: bool) -> None:
    if persistent and way is None:
        pytest.skip("there are no workers")
    ours = examples(flowers)
    workers: dict[str, Any] = {}
    if way is not None:
        workers = {"num_workers": 2, "multiprocessing_context": way, "persistent_workers": persistent}
        assert isinstance(ours[0], tuple)  # files are open, and this process has decoded, when workers start
    batches = torch.utils.data.DataLoader(ours, batch_size=8, **workers)
    for epoch in (2, 3):
        ours.set_epoch(epoch)
        (expected,) = stored_order(flowers, epoch)
        images, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
        assert np.array_equal(images.permute(0, 2, 3, 1).numpy(), expected["image"])
        assert labels.tolist() == expected["label"].tolist()


def test_a_copy_opens_its_own_files(flowers: Dataset) -> None:
    ours = examples(flowers.path)
    ours.set_epoch(4)
    copy = pickled(ours)
    assert torch.equal(copy[7][0], ours[7][0])
    assert copy.__getitems__([]) == []


def test_no_such_example(flowers: Dataset) -> None:
    ours = examples(flowers)
    for number in (53, -54):
        with pytest.raises(IndexError, match=rf"has examples 0 to 52. Received: {number}"):
            ours[number]


def test_a_forked_process_is_refused_a_store(
    flowers: Dataset, own_copy: Callable[[Format], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = examples(far(own_copy("tfrecord")))
    assert ours[3][0].shape == (3, 16, 20)
    monkeypatch.setattr("os.getpid", lambda: -1)
    with pytest.raises(FeedError, match="Pass multiprocessing_context='spawn'"):
        ours[3]
    assert examples(flowers)[3][0].shape == (3, 16, 20)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"augment": [*AUGMENT, CutMix()]}, "CutMix mixes whole batches, and here each example is alone"),
        ({"image_size": None, "augment": ()}, "images are stored in different sizes"),
        ({"channels": "middle"}, "channels expects 'first' or 'last'"),
        ({"dtype": "uint16", "normalize": None}, "images of 8 bits"),
        ({"label": "prize"}, "prize"),
        ({"normalize": "imagenet"}, "normalize expects one of"),
    ],
)
def test_wrong_arguments_are_refused(flowers: Dataset, options: dict[str, Any], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        examples(flowers, **options)


@pytest.mark.parametrize("epoch", [-1, 1.0, True, None])
def test_an_epoch_is_a_number(flowers: Dataset, epoch: Any) -> None:
    with pytest.raises(UsageError, match=r"0 or more\. Received"):
        examples(flowers).set_epoch(epoch)
