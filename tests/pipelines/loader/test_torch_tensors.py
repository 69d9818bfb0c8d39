"""Batches as tensors of PyTorch, where it is installed."""

from typing import Any

import numpy as np
import pytest

from fitfeed.pipelines import Dataset, Loader, RandomFlip, make_loader
from fitfeed.schemas.errors import UsageError

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: CONTRIBUTING.md says how to run these tests"
)


def loader(dataset: Dataset, **options: Any) -> Loader:
    given: dict[str, Any] = {"batch_size": 8, "image_size": (16, 20), "augment": [RandomFlip()]}
    return make_loader(dataset, "train", **{**given, **options})


@pytest.mark.parametrize("channels", ["first", "last"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_two_epochs_are_those_of_the_loader(flowers: Dataset, dtype: Any, channels: Any) -> None:
    ours, arrays = loader(flowers, dtype=dtype).torch(channels=channels), loader(flowers, dtype=dtype)
    assert len(ours) == len(arrays)
    for _ in range(2):
        for (images, labels), (expected, numbers) in zip(list(ours), list(arrays), strict=True):
            assert images.dtype == getattr(torch, dtype)
            if channels == "first":
                assert images.shape == (8, 3, 16, 20)
                assert images.is_contiguous(memory_format=torch.channels_last)
                images = images.permute(0, 2, 3, 1)
            assert np.array_equal(images.float(), expected.astype(np.float32))
            assert labels.dtype == torch.int64
            assert labels.tolist() == numbers.tolist()


def test_tensors_share_the_memory_of_the_arrays_and_keep_it(flowers: Dataset) -> None:
    kept = [images for images, _ in loader(flowers, batch_size=2).torch()]
    expected = [images for images, _ in loader(flowers, batch_size=2)]
    assert all(images.data_ptr() % 4096 == 0 for images in kept)  # our pages
    for images, copy in zip(kept, expected, strict=True):
        assert np.array_equal(images.permute(0, 2, 3, 1), copy)
    del kept, images
    assert len({images.data_ptr() for images, _ in loader(flowers, batch_size=2).torch()}) <= 5


def test_a_dict_has_keys_as_text(flowers: Dataset) -> None:
    batch = next(iter(loader(flowers, output="dict").torch()))
    assert list(batch) == ["image", "label", "key"]
    assert all(isinstance(key, str) for key in batch["key"])


def test_the_loader_counts_them(flowers: Dataset) -> None:
    ours = loader(flowers)
    iterator = iter(ours.torch())
    next(iterator)
    assert ours.state_dict()["step"] == 1


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"channels": "middle"}, "channels expects 'first' or 'last'. Received: channels='middle'"),
        ({"device": "xla"}, "PyTorch cannot use this device. Received: device='xla' "),
        ({"device": "gpu"}, "device expects a device of PyTorch, such as 'cuda'. Received: device='gpu'"),
    ],
)
def test_wrong_arguments_are_refused(flowers: Dataset, options: Any, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        loader(flowers).torch(**options)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_missing_device_is_named(flowers: Dataset) -> None:
    with pytest.raises(UsageError, match=r"PyTorch finds no CUDA device. Received: device='cuda'"):
        loader(flowers).torch("cuda")


def test_memory_that_cannot_be_pinned_is_refused_at_once(
    flowers: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Any) -> None:
        msg = "no driver"
        raise RuntimeError(msg)

    monkeypatch.setattr(torch.Tensor, "pin_memory", fail)
    with pytest.raises(UsageError, match=r"can pin no memory here. Received: pin_memory=True \(no driver\)"):
        loader(flowers).torch(pin_memory=True)


@pytest.mark.parametrize(("count", "found"), [(1, "'cuda:0'"), (3, "'cuda:0', 'cuda:1', 'cuda:2'")])
def test_a_device_beyond_the_last_is_refused(
    flowers: Dataset, monkeypatch: pytest.MonkeyPatch, count: int, found: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    with pytest.raises(UsageError, match=f"these CUDA devices: {found}. Received: device='cuda:7'"):
        loader(flowers).torch("cuda:7")
