"""What the contestants read: the same JPEG bytes and labels, in the layout of each."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from fitfeed.pipelines import Dataset, open_dataset

SHARDS = 8
"""Files per dataset, where the layout has any: more than the workers, so that all have work."""


@dataclass(frozen=True)
class Task:
    """What every contestant is told.

    Attributes:
        folder: Where all layouts lie, each in a folder of its own.
        side: Height and width of the batch.
        batch_size: Images per batch; a remainder is dropped.
        workers: Processes or threads to use.
        mean: Per channel, 0..255.
        std: Per channel.
    """

    folder: str
    side: int
    batch_size: int
    workers: int
    mean: list[float]
    std: list[float]

    @property
    def path(self) -> Path:
        """The folder."""
        return Path(self.folder)

    def to_json(self) -> str:
        """For a command line."""
        return json.dumps(asdict(self))

    def dataset(self, name: str = "jpeg") -> Dataset:
        """A dataset of ours, by its encoding."""
        return open_dataset(self.path / name)

    def examples(self) -> list[tuple[bytes, int]]:
        """The JPEG bytes and the label of every training image."""
        records = self.dataset().records("train")
        return [
            (records.encoded(row), int(records.index.labels["label"][row])) for row in range(len(records))
        ]


def class_folders(task: Task) -> Path:
    """One JPEG file per image, in class folders; written once."""
    folder = task.path / "files"
    if not folder.exists():
        for number, (payload, label) in enumerate(task.examples()):
            file = folder / f"class{label:03d}" / f"{number:06d}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(payload)
    return folder


def cpu_seconds() -> float:
    """CPU time of this process and all processes below it, dead or alive."""
    import psutil

    times = os.times()
    total = times.user + times.system + times.children_user + times.children_system
    for child in psutil.Process().children(recursive=True):
        try:
            spent = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += spent.user + spent.system
    return total
