"""`TorchExamples`: the finished examples of a split one by one, for PyTorch's `DataLoader`."""

import operator
import os
from collections.abc import Sequence
from typing import Any, SupportsIndex

import cv2
import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.compiler.program import CompiledBatch, Program
from fitfeed.pipelines.augment.compiler.user_functions import ImageFunction
from fitfeed.pipelines.augment.ops.mixup_cutmix import without_mixes
from fitfeed.pipelines.batches.batch_labels import BatchLabels
from fitfeed.pipelines.batches.example_errors import raise_naming
from fitfeed.pipelines.batches.mask_loader import check_movable
from fitfeed.pipelines.batches.normalize import NormalizeKind
from fitfeed.pipelines.batches.renderer import Renderer, compile_batch
from fitfeed.pipelines.dataset import Dataset, open_dataset
from fitfeed.pipelines.feed.batch_maker import as_element
from fitfeed.pipelines.feed.check_depth import check_depth
from fitfeed.pipelines.feed.image_values import image_normalizer, image_type
from fitfeed.pipelines.loader.loader import Channels
from fitfeed.pipelines.needed_package import load_package
from fitfeed.pipelines.options import Labels, Output, OutputType, PipelineOptions, is_int
from fitfeed.pipelines.reading.labels import check_any_label, select_label
from fitfeed.schemas.errors import FeedError, UsageError


class TorchExamples:
    """The examples of a split, finished one by one: a map-style dataset for PyTorch's `DataLoader`.

    Example number i of epoch e is, bit for bit, what `make_loader` gives of it in that epoch with the same arguments. Which examples a
    batch has is up to the sampler of the `DataLoader`. `make_loader(...).torch()` needs no `DataLoader`, and is faster: it makes
    each batch in one piece, and copies nothing from process to process.

    Picklable. Workers may be forked or spawned; those of a dataset in an object store must be spawned.
    """

    def __init__(
        self,
        dataset: str | os.PathLike[str] | Dataset,
        split: str | Sequence[str],
        *,
        image_size: tuple[int, int] | None = None,
        augment: Sequence[Augmentation | ImageFunction] = (),
        normalize: NormalizeKind | None = "zscore",
        dtype: OutputType = "float32",
        label: str | None = None,
        labels: Labels | None = "int",
        output: Output = "tuple",
        statistics: str | Sequence[str] | None = None,
        seed: int = 0,
        channels: Channels = "first",
    ) -> None:
        """Reads nothing but the index.

        Args:
            dataset: As for `make_pipeline`.
            split: As for `make_pipeline`.
            image_size: As for `make_pipeline`.
            augment: As for `make_pipeline`, without `MixUp` and `CutMix`, which mix whole batches.
            normalize: As for `make_pipeline`.
            dtype: As for `make_pipeline`.
            label: As for `make_pipeline`.
            labels: As for `make_pipeline`.
            output: As for `make_pipeline`: "tuple" gives (image, label), "dict" also the key.
            statistics: As for `make_pipeline`.
            seed: As for `make_pipeline`. It decides augmentations, and not the order.
            channels: As for `Loader.torch`.

        Raises:
            UsageError: A ValueError: if an option is wrong, by itself or for this dataset.
            NotFoundError: If there is no such folder.
            IncompleteDatasetError: If its conversion has not finished.
            MissingPackageError: An ImportError: if PyTorch is not installed.

        Example:
            >>> examples = TorchExamples("flowers", "train", image_size=(224, 224), augment=[RandomResizedCrop()])
            >>> batches = torch.utils.data.DataLoader(examples, batch_size=128, shuffle=True, num_workers=8)
            >>> for epoch in range(10):
            ...     examples.set_epoch(epoch)
            ...     for images, labels in batches:
            ...         train_step(images, labels)
        """
        load_package("torch", by="TorchExamples")
        from fitfeed.pipelines.loader.torch_tensors import check_channels, shared_counter

        dataset = dataset if isinstance(dataset, Dataset) else open_dataset(dataset)
        self._records = dataset.records(split)
        options = PipelineOptions.of_split(
            split, batch_size=1, image_size=image_size, augment=augment, augment_on="cpu", normalize=normalize, dtype=dtype,
            label=label, labels=labels, label_smoothing=0.0, output=output, shuffle=False, statistics=statistics, examples=None,
            sampling_weights=None, sample_weight=None, seed=seed, shard=(0, 1), start=(0, 0), balance=None, drop_remainder=False,
            access="indexed", on_error="raise", processes=0, transforms=False,
        )  # fmt: skip
        check_channels(channels)
        check_depth(options, self._records.depth)
        augment = without_mixes(options.augment, because="here each example is alone")
        features = dataset.manifest.features
        if labels is not None:
            check_any_label(features)
        self._options, self._channels_first = options, channels == "first"
        self._labels = BatchLabels(
            self._records, select_label(features, label), labels=labels, smoothing=0.0, mixes=[]
        )
        for name in self._labels.masks:
            check_movable(augment, name)
        self._program = Program(augment, image_size=options.image_size, seed=options.seed)
        self._type = image_type(options)
        normalizer = image_normalizer(options, dataset.statistics_for(statistics))
        self._renderer = Renderer(self._records, self._program, normalizer, skips=False)
        self._epoch = shared_counter()
        self._enter_process()

    def __len__(self) -> int:
        """Returns the number of examples."""
        return len(self._records)

    def __getitem__(self, number: SupportsIndex) -> Any:
        """Makes one example.

        Args:
            number: From -len to len - 1.

        Returns:
            As `output` and `labels` say: (image, label), a dict, or the image alone. An image is a tensor (channels, height, width) or
            (height, width, channels) of `dtype`, a label a tensor as in a batch of `make_loader`, a text or key a str.

        Raises:
            IndexError: If there is no such example.
            DamagedExampleError: If it cannot be read or decoded.
            FeedError: If the dataset is in a store, and this process was forked.
        """
        return self.__getitems__([number])[0]

    def __getitems__(self, numbers: Sequence[SupportsIndex]) -> list[Any]:
        """Makes several examples, as `DataLoader` asks for them: what `__getitem__` returns of each."""
        from fitfeed.pipelines.loader.torch_tensors import as_tensor

        self._check_process()
        rows = np.array([self._row(number) for number in numbers], np.int64)
        parts = {
            name: as_tensor(array, channels_first=self._channels_first)
            for name, array in self._arrays(rows).items()
        }
        return [
            as_element({name: values[place] for name, values in parts.items()}, self._options)
            for place in range(len(rows))
        ]

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch, which augmentations depend on. It reaches workers that run already, too.

        Args:
            epoch: Its number, 0 or more. Set it before the iteration of the `DataLoader` begins.

        Raises:
            UsageError: If it is not such a number.
        """
        if not is_int(epoch) or epoch < 0:
            msg = f"set_epoch expects the number of an epoch, 0 or more. Received: {epoch!r}"
            raise UsageError(msg)
        self._epoch.fill_(epoch)

    def _arrays(self, rows: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[Any]]:
        """The parts of some examples by name, as a batch of `make_loader` has them."""
        epoch, shape = int(self._epoch), self._renderer.image_shape
        images = np.empty((len(rows), *shape), self._type)
        self._renderer.render(epoch, rows, rows, out=images)
        read = self._labels.read(rows, [])
        arrays = {"image": images}
        compiled = compile_batch(self._program, self._records, epoch, rows, rows)  # when a mask asks for it
        for name in self._labels.names:
            arrays[name] = self._masks(name, rows, compiled) if name in self._labels.masks else read[name]
        if self._options.output == "dict":
            arrays["key"] = np.array(self._records.keys(rows), object)
        return arrays

    def _masks(
        self, name: str, rows: npt.NDArray[np.int64], compiled: CompiledBatch
    ) -> npt.NDArray[np.uint8]:
        """Masks, moved by the same draws as their images."""
        size = self._renderer.image_shape[:2]
        masks = np.empty((len(rows), *size, 1), np.uint8)
        for place, row in enumerate(rows.tolist()):
            try:
                mask = self._records.mask(name, row)
                self._program.render_mask(mask, compiled, place, size=size, out=masks[place])
            except Exception as error:  # noqa: BLE001  it is raised again
                raise_naming(error, self._records, row)
        return masks

    def _row(self, number: SupportsIndex) -> int:
        row, count = operator.index(number), len(self)
        if not -count <= row < count:
            msg = f"split {self._records.split!r} has examples 0 to {count - 1}. Received: {row}"
            raise IndexError(msg)
        return row % count

    def _enter_process(self) -> None:
        # The workers work in parallel already, and threads of OpenCV do not survive a fork.
        cv2.setNumThreads(1)
        self._pid = os.getpid()

    def _check_process(self) -> None:
        if self._records.are_far and os.getpid() != self._pid:
            msg = "the client of an object store does not survive a fork. Received: a call in a forked process. Pass multiprocessing_context='spawn' to DataLoader."
            raise FeedError(msg)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Arrives in another process."""
        self.__dict__.update(state)
        self._enter_process()
