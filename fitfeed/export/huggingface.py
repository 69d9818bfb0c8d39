"""A split as a `datasets.Dataset` of Hugging Face. Its table has addresses of images; the images stay in the shards."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fitfeed.export.example_address import FINGERPRINT_DIGITS, ExampleAddress
from fitfeed.export.example_file import IMAGE
from fitfeed.pipelines.needed_package import load_package
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import ClassFeature, LabelFeature, MulticlassFeature

if TYPE_CHECKING:
    from datasets import Dataset as HuggingFaceDataset

    from fitfeed.pipelines import Dataset

ROWS_AT_ONCE = 1 << 20
"""A column of texts of Arrow has at most 2 GiB in a piece."""

# Columns of the index are used as they are, and these are their types.
_VALUES = {"float": "float64", "int": "int64", "text": "large_string"}


def to_huggingface(dataset: "Dataset", split: str | Sequence[str]) -> "HuggingFaceDataset":
    """Makes a `datasets.Dataset`: see `Dataset.to_huggingface`."""
    load_package("datasets", by="to_huggingface")
    from datasets import Dataset as HuggingFaceDataset
    from datasets import DatasetInfo, Features, NamedSplit

    from fitfeed.export.example_files import register  # imports fsspec, which comes with it

    image = dataset.manifest.features.image
    if image.depth == 16 and image.channels == 3:
        msg = (
            f"{dataset.address} has colors of 16 bits, and Pillow, by which datasets decodes images, would reduce them to 8. "
            "Read it by dataset.records(split), or convert it without --depth 16."
        )
        raise UsageError(msg)
    register()
    splits = dataset.records(split).splits
    table = pa.concat_tables([_table_of(dataset, name) for name in splits])
    features = Features(_features(dataset))
    identity = "\n".join([dataset.address, dataset.manifest.fingerprint, *splits])
    return HuggingFaceDataset(
        table.cast(features.arrow_schema),
        info=DatasetInfo(features=features),
        split=NamedSplit(splits[0]) if len(splits) == 1 else None,
        # By which `map` knows its results again, in a later run, too.
        fingerprint=hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:16],
    )


def _features(dataset: "Dataset") -> dict[str, Any]:
    from datasets import Image, Value

    image = dataset.manifest.features.image
    mode = None if image.depth == 16 else {1: "L", 3: "RGB"}[image.channels]
    labels = {name: _label(feature) for name, feature in dataset.manifest.features.labels.items()}
    return {IMAGE: Image(mode=mode), **labels, "key": Value("large_string")}


def _label(feature: LabelFeature) -> Any:
    from datasets import ClassLabel, Image, LargeList, Value

    if isinstance(feature, ClassFeature):
        return ClassLabel(names=feature.class_names)
    if isinstance(feature, MulticlassFeature):
        return LargeList(ClassLabel(names=feature.class_names))
    if feature.kind == "floats":
        return LargeList(Value("float64"))
    return Image(mode="L") if feature.kind == "mask" else Value(_VALUES[feature.kind])


def _table_of(dataset: "Dataset", split: str) -> pa.Table:
    index, kinds = dataset.index(split), dataset.manifest.features.label_kinds
    columns = {
        name: _files(dataset, split, name, len(index)) if kinds.get(name, "mask") == "mask" else index[name]
        for name in (IMAGE, *kinds)
    }
    return pa.table({**columns, "key": index["key"]})


def _files(dataset: "Dataset", split: str, column: str, examples: int) -> pa.ChunkedArray:
    fingerprint = dataset.manifest.fingerprint[:FINGERPRINT_DIGITS]
    prefix = ExampleAddress(dataset.address, fingerprint, split, column, 0).prefix()
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    chunks = []
    for first in range(0, examples, ROWS_AT_ONCE):
        numbers = pa.array(np.arange(first, min(first + ROWS_AT_ONCE, examples))).cast(pa.string())
        paths = pc.binary_join_element_wise(prefix, numbers, "")
        chunks.append(
            pa.StructArray.from_arrays([pa.nulls(len(paths), pa.binary()), paths], fields=list(kind))
        )
    return pa.chunked_array(chunks, type=kind)
