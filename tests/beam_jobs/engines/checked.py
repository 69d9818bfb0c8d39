"""Checks before launch, for tests."""

from fitfeed.beam_jobs.engines.check_engine import check_engine
from fitfeed.schemas.storage.open_place import open_place

EXTERNAL = ["--environment_type=EXTERNAL"]


def check(runner: str, *arguments: str, dataset: str = "gs://bucket/d") -> list[str]:
    place = open_place(dataset, "DATASET")
    return check_engine(runner, arguments, dataset=place, sources=[open_place("gs://bucket/s", "SOURCE")])
