"""A read-only file system of fsspec whose files are the images and masks of datasets.

fsspec finds it by the entry point in `pyproject.toml`, so that other processes know it, too.
"""

import functools
import io
from typing import Any

import fsspec
from fsspec.spec import AbstractFileSystem
from typing_extensions import override

from fitfeed.export.example_address import FINGERPRINT_DIGITS, PROTOCOL, ExampleAddress
from fitfeed.export.example_file import IMAGE, example_file
from fitfeed.pipelines import Dataset, open_dataset
from fitfeed.schemas.errors import NotFoundError, UsageError

MAX_OPEN_DATASETS = 16


class ExampleFiles(AbstractFileSystem):  # type: ignore[misc] # fsspec has no types
    """Opens `fitfeed://` addresses (`ExampleAddress`) for reading. Nothing is listed, written or copied. Thread-safe."""

    protocol = PROTOCOL

    @override
    def _open(self, path: str, mode: str = "rb", *_: Any, **__: Any) -> io.BytesIO:
        if mode != "rb":
            msg = f"images of a dataset are read only. Received: mode={mode!r}, expected 'rb'."
            raise UsageError(msg)
        try:
            address = ExampleAddress.parse(path)
        except ValueError as error:
            raise UsageError(str(error)) from error
        dataset = _open_dataset(address.dataset, address.fingerprint)
        records, kinds = dataset.records(address.split), dataset.manifest.features.label_kinds
        if address.column != IMAGE and kinds.get(address.column) != "mask":
            msg = f"{address.dataset} has no image or mask called {address.column!r}."
            raise UsageError(msg)
        if address.number >= len(records):
            msg = f"{address.dataset}: split {address.split!r} has {len(records)} examples. Received: number {address.number}"
            raise NotFoundError(msg)
        return io.BytesIO(example_file(records, address.column, address.number))


@functools.lru_cache(maxsize=MAX_OPEN_DATASETS)
def _open_dataset(path: str, fingerprint: str) -> Dataset:
    dataset = open_dataset(path)
    if dataset.manifest.fingerprint[:FINGERPRINT_DIGITS] != fingerprint:
        msg = f"{path} is not the dataset that it was: it has grown, or was replaced. Call to_huggingface again."
        raise UsageError(msg)
    return dataset


def register() -> None:
    """Lets fsspec know the file system, where fitfeed is used without being installed."""
    fsspec.register_implementation(PROTOCOL, ExampleFiles, clobber=True)
