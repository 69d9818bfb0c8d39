"""One small shard with its index and manifest, made by hand: what is verified, without a conversion."""

from pathlib import Path
from typing import Any

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.publishing.union import write_union
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.verify.reading import Reading
from fitfeed.converters.verify.rows import ShardRows
from fitfeed.schemas.index import Index
from fitfeed.schemas.manifest_parts import Shard
from fitfeed.schemas.storage.local import LocalPlace
from tests.converters.handmade import EVERY_KIND, NO_COPIES, Example, job_of, write_result
from tests.folders import path_of

EXAMPLES = [Example(label=number % 3, value=10 + number) for number in range(4)]
LAYOUTS: dict[str, dict[str, Any]] = {
    "encoded": {},
    "raw": {"encoding": "raw", "size": (2, 3)},
    "16 bits": {"encoding": "raw", "size": (2, 3), "depth": 16},
}


class HandmadeShard:
    """A shard, the second of its split, so that its rows do not begin at 0.

    Attributes:
        path: The shard.
        rows: What the index and the manifest say of it.
    """

    def __init__(self, folder: Path, format_: str, layout: str) -> None:
        options = ConvertOptions(format=format_, **LAYOUTS[layout])  # type: ignore[arg-type]
        job = job_of({"train": [0, 1]}, options, EVERY_KIND)
        work = WorkFolder(LocalPlace(folder), "job")
        work.begin()
        results = [
            write_result(job, path_of(work.shards) / f"train-{number}.bin", EXAMPLES) for number in range(2)
        ]
        manifest = write_union(
            work.root,
            job,
            None,
            {"train": results},
            [],
            NO_COPIES,
            index_name=lambda name: f"{name}.index.arrow",
            rejects_name="rejects.jsonl",
        ).manifest
        self.path = path_of(work.shards) / "train-1.bin"
        self.rows = ShardRows(
            manifest=manifest,
            shard=results[1].shard,
            index=Index(path_of(work.root) / "train.index.arrow", EVERY_KIND),
            index_is_whole=True,
            first=4,
            stop=8,
        )

    @property
    def shard(self) -> Shard:
        return self.rows.shard

    def reading(self) -> Reading:
        """The shard, at its beginning."""
        return Reading(self.path, self.shard, lambda size: None)

    def change(self, offset: int, data: bytes) -> None:
        """Writes bytes over those that are there."""
        with self.path.open("r+b") as stream:
            stream.seek(offset)
            stream.write(data)
