"""HDF5 files: of any program, and as a shard of a dataset."""

import random
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.command import run_command
from tests.fuzz.datasets import GOLDEN, with_file
from tests.fuzz.hdf5_checksums import with_checksums
from tests.fuzz.mutate import damaged
from tests.fuzz.target import Target
from tests.fuzz.whole_images import NASTY

DATASET, SHARD = "version-2-labels-hdf5", "train-00000-of-00002.h5"


def whole() -> list[bytes]:
    """Files of other programs, and shards."""
    files = [*(NASTY / "containers").glob("*.h5"), *GOLDEN.rglob("*.h5")]
    return [path.read_bytes() for path in sorted(files)]


def damage(corpus: Sequence[bytes], chance: random.Random) -> bytes:
    """Damages a file, mostly under right checksums."""
    data = damaged(corpus, chance)
    return with_checksums(data) if chance.random() < 0.6 else data


def check(data: bytes, folder: Path) -> None:
    """Inspects it, and verifies a dataset that has it as a shard."""
    path = folder / "file.h5"
    path.write_bytes(data)
    run_command("inspect", path, *(["--json"] if len(data) % 2 else []))
    run_command("verify", with_file(folder, DATASET, {SHARD: data}))


HDF5 = Target("hdf5", whole, check, damage)
