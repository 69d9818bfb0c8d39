"""Loaders for PyTorch, fed to anything that takes NumPy: DataLoader, WebDataset, LitData, MosaicML Streaming; and fitfeed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.loaders.material import SHARDS, Task, class_folders
from benchmarks.loaders.numpy_based import loader_of
from benchmarks.loaders.transform import Transform
from fitfeed import RandomFlip, RandomResizedCrop, TorchExamples

AUGMENT = [RandomResizedCrop(), RandomFlip("horizontal")]

PREFETCH = 4
"""Batches per worker that are made ahead."""


class Files:
    """A map-style dataset of image files, as torchvision's ImageFolder is."""

    def __init__(self, folder: Path, transform: Transform) -> None:
        """Lists the files."""
        self._files = sorted(folder.glob("*/*.jpg"))
        self._labels = {name: i for i, name in enumerate(sorted({f.parent.name for f in self._files}))}
        self._transform = transform

    def __len__(self) -> int:
        """Number of files."""
        return len(self._files)

    def __getitem__(self, number: int) -> tuple[Any, int]:
        """A normalised image and its label."""
        file = self._files[number]
        return self._transform(file.read_bytes()), self._labels[file.parent.name]


def pytorch(task: Task) -> Callable[[], int]:
    """`torch.utils.data.DataLoader` over image files, with persistent workers."""
    return _from_data_loader(Files(class_folders(task), _transform(task)), task)


def fitfeed(task: Task) -> Callable[[], int]:
    """Our loader, as tensors, without a `DataLoader`."""
    batches = loader_of(task).torch()
    return lambda: sum(len(labels) for _, labels in batches)


def fitfeed_examples(task: Task) -> Callable[[], int]:
    """Our map-style dataset in a `DataLoader` as `pytorch` has it."""
    return _from_data_loader(
        TorchExamples(task.dataset(), "train", image_size=(task.side, task.side), augment=AUGMENT), task
    )


def webdataset(task: Task) -> Callable[[], int]:
    """WebDataset: tar shards, shuffled by shard and in a buffer, batched in the workers."""
    import webdataset as wds

    folder = task.path / "webdataset"
    if not folder.exists():
        folder.mkdir()
        examples = task.examples()
        for shard in range(SHARDS):
            with wds.TarWriter(str(folder / f"{shard:05d}.tar")) as sink:
                for number in range(shard, len(examples), SHARDS):
                    payload, label = examples[number]
                    sink.write({"__key__": f"{number:08d}", "jpg": payload, "cls": label})
    transform = _transform(task)
    shards = sorted(map(str, folder.glob("*.tar")))
    dataset = (
        wds.WebDataset(shards, shardshuffle=SHARDS, empty_check=False)
        .shuffle(2048)
        .to_tuple("jpg", "cls")
        .map_tuple(transform, int)
        .batched(task.batch_size, partial=False)
    )
    loader = wds.WebLoader(
        dataset,
        batch_size=None,
        num_workers=task.workers,
        persistent_workers=True,
        prefetch_factor=PREFETCH,
    )
    return lambda: sum(len(batch[1]) for batch in loader)


class Unpack:
    """From LitData's item to a normalised image and its label. Picklable."""

    def __init__(self, transform: Transform) -> None:
        """Takes what happens to the image."""
        self._transform = transform

    def __call__(self, item: dict[str, Any], *_: Any) -> tuple[Any, int]:
        """Transforms the image."""
        return self._transform(item["image"]), item["label"]


def _item(example: tuple[bytes, int]) -> dict[str, Any]:
    return {"image": example[0], "label": example[1]}


def litdata(task: Task) -> Callable[[], int]:
    """LitData: optimised chunks, streamed with a global shuffle of chunks and of items in them."""
    import litdata as ld

    folder = task.path / "litdata"
    if not folder.exists():
        ld.optimize(
            fn=_item, inputs=task.examples(), output_dir=str(folder), chunk_bytes="16MB", num_workers=1
        )
    dataset = ld.StreamingDataset(
        str(folder), shuffle=True, drop_last=True, transform=Unpack(_transform(task))
    )
    loader = ld.StreamingDataLoader(
        dataset,
        batch_size=task.batch_size,
        drop_last=True,
        num_workers=task.workers,
        persistent_workers=True,
        prefetch_factor=PREFETCH,
    )
    return lambda: sum(len(batch[1]) for batch in loader)


def mosaic(task: Task) -> Callable[[], int]:
    """MosaicML Streaming: MDS shards, its default shuffle."""
    import streaming
    import torch

    folder = task.path / "mosaic"
    if not folder.exists():
        with streaming.MDSWriter(out=str(folder), columns={"image": "bytes", "label": "int"}) as sink:
            for payload, label in task.examples():
                sink.write({"image": payload, "label": label})
    transform = _transform(task)

    class Pictures(streaming.StreamingDataset):
        def __getitem__(self, index: Any) -> tuple[Any, int]:
            item = super().__getitem__(index)
            return transform(item["image"]), item["label"]

    streaming.base.util.clean_stale_shared_memory()
    dataset = Pictures(local=str(folder), shuffle=True, batch_size=task.batch_size)
    loader = torch.utils.data.DataLoader(
        dataset,
        batch_size=task.batch_size,
        drop_last=True,
        num_workers=task.workers,
        persistent_workers=True,
        prefetch_factor=PREFETCH,
    )
    return lambda: sum(len(labels) for _, labels in loader)


def _transform(task: Task) -> Transform:
    return Transform(task.side, task.mean, task.std)


def _from_data_loader(examples: Any, task: Task) -> Callable[[], int]:
    """A `torch.utils.data.DataLoader` over examples, with persistent workers."""
    import torch

    loader = torch.utils.data.DataLoader(
        examples,
        batch_size=task.batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=task.workers,
        persistent_workers=True,
        prefetch_factor=PREFETCH,
    )
    return lambda: sum(len(labels) for _, labels in loader)
