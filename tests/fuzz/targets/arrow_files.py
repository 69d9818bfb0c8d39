"""Arrow files of a dataset: the index, and the tables beside it."""

import io
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from fitfeed.converters.planning.source_listing import read_known_sources
from fitfeed.schemas.errors import FitfeedError
from fitfeed.schemas.side_tables import DUPLICATES_NAME, SOURCES_NAME, read_pairs
from fitfeed.schemas.storage.local import LocalPlace
from tests.fuzz.command import run_command
from tests.fuzz.datasets import GOLDEN, read_everything, with_file
from tests.fuzz.mutate import LENGTHS, damaged
from tests.fuzz.target import Target

DATASET, INDEX = "version-2-labels-tfrecord", "train.index.arrow"
NAMES = (INDEX, SOURCES_NAME, DUPLICATES_NAME)


def whole() -> list[bytes]:
    """An index with labels of every kind, and both tables."""
    return [(GOLDEN / DATASET / name).read_bytes() for name in NAMES]


def damage(corpus: Sequence[bytes], chance: random.Random) -> bytes:
    """Damages bytes, or a value under a structure that is right."""
    if chance.random() < 0.6:
        return damaged(corpus, chance)
    data = chance.choice(corpus)
    try:
        batch = pa.ipc.open_file(data).get_batch(0)
    except (pa.ArrowException, OSError, ValueError, IndexError):
        return damaged([data], chance)
    name = chance.choice(batch.schema.names)
    column = batch.column(name).to_pylist()
    for _ in range(chance.choice((1, 1, 2, len(column)))):
        if column:
            column[chance.randrange(len(column))] = _extreme(batch.schema.field(name).type, chance)
    return _written(batch, name, column) or damaged([data], chance)


def _extreme(kind: Any, chance: random.Random) -> Any:
    if pa.types.is_integer(kind):
        signed = pa.types.is_signed_integer(kind)
        low, high = (
            (-(1 << kind.bit_width - 1), (1 << kind.bit_width - signed) - 1)
            if signed
            else (0, (1 << kind.bit_width) - 1)
        )
        return min(max(chance.choice((*LENGTHS, low, high, -1, 2)), low), high)
    if pa.types.is_floating(kind):
        return chance.choice((float("nan"), float("inf"), -0.0, 1e308))
    if pa.types.is_fixed_size_binary(kind):
        return chance.choice((bytes(16), b"\xff" * 16))
    if pa.types.is_large_list(kind):
        return [chance.choice(LENGTHS) for _ in range(chance.randrange(5))]
    return chance.choice(("", "\0", "\x1b[2J", "../../private.png", "\u202e", "x" * 70_000))


def _written(batch: Any, name: str, column: list[Any]) -> bytes | None:
    """The file with other values in a column; None if Arrow does not write it."""
    place = batch.schema.names.index(name)
    sink = io.BytesIO()
    try:
        columns = [*batch.columns]
        columns[place] = pa.array(column, batch.schema.field(name).type)
        with pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(pa.record_batch(columns, schema=batch.schema))
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return None
    return sink.getvalue()


def check(data: bytes, folder: Path) -> None:
    """Opens it as each of them: reads and verifies the dataset, and reads the tables as an append does."""
    dataset = with_file(folder, DATASET, dict.fromkeys(NAMES, data))
    run_command("verify", dataset)
    read_everything(dataset)
    read_known_sources(LocalPlace(dataset), "0" * 32)
    try:
        read_pairs(LocalPlace(dataset)).batch.to_pydict()
    except FitfeedError as error:
        str(error)


ARROW_FILES = Target("arrow_files", whole, check, damage)
