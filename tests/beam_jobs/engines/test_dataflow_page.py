"""docs/dataflow.md: its commands run as they are written, and its figures are those of the measurements."""

import json
import math
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import GoogleCloudOptions

from fitfeed.beam_jobs.engines import dataflow_packages
from fitfeed.cli import main
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.room import INDEX_BYTES, MARGIN
from fitfeed.converters.planning.size_estimate import expected_bytes
from fitfeed.schemas.sharding import DEFAULT_SHARD_BYTES
from tests.beam_jobs.engines.google_cloud import GoogleCloud, write_wheel

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "dataflow.md").read_text()
RUN_HERE = "<!-- not executed: tests/beam_jobs/engines/test_dataflow_page.py runs it, against stand-ins -->"
COMMANDS = re.findall(rf"{re.escape(RUN_HERE)}\n```console\n\$ (fitfeed .*)\n```", PAGE)
CPU_HOUR, READ, WRITTEN = 0.07, 0.0004 / 1000, 0.005 / 1000
"""Prices that the page assumes, in dollars."""

WORKER_CPUS = 400


def test_commands_are_found() -> None:
    assert len(COMMANDS) == PAGE.count(RUN_HERE) == 3


@pytest.fixture
def project(google: GoogleCloud, few_photos: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleCloud]:
    """The project of the page, with photographs in its bucket, as `fitfeed` of an index finds it."""
    monkeypatch.setattr(GoogleCloudOptions, "DATAFLOW_ENDPOINT", google.service.endpoint)
    monkeypatch.setattr(dataflow_packages, "_comes_from_an_index", lambda: True)
    bucket = google.memory.bucket("my-bucket")
    for path in sorted(few_photos.rglob("*.jpg")):
        bucket.put(f"photos/{path.relative_to(few_photos)}", path.read_bytes(), {})
    here = google._replace(store=google.store._replace(address="gs://my-bucket"))
    here.service.run = here.run
    yield here
    for name in here.names(""):
        bucket.delete(name)


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "command", COMMANDS, ids=lambda command: command.rpartition("--")[2].partition("=")[0]
)
def test_commands_run_as_written(
    project: GoogleCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dist").mkdir()
    write_wheel(tmp_path / "dist")
    words = shlex.split(command)[1:]
    assert main([*words[: words.index("--")], "--quiet", *words[words.index("--") :]]) == 0
    dataset = words[2].removeprefix("gs://my-bucket/")
    assert f"{dataset}/manifest.json" in project.names("")
    assert len(project.service.created) == 1


def measured(benchmark: str, case: str, contestant: str, unit: str) -> float:
    results = json.loads((ROOT / "benchmarks" / "results" / f"{benchmark}.json").read_text())["results"]
    (median,) = (
        each["median"]
        for each in results
        if (each["case"], each["contestant"], each["unit"]) == (case, contestant, unit)
    )
    return float(median)


def figures() -> dict[str, list[str]]:
    """What each row of the page's table must say."""
    jpeg = measured("convert", "C1 jpeg 256", "fitfeed", "images/CPU-s")
    keep = measured("convert", "C2 keep", "fitfeed", "images/CPU-s")
    per_image = expected_bytes(1, 0, ConvertOptions(size=(256, 256)))
    few = measured("scale_s1", "S1 tiny images", "10000 images", "MiB")
    many = measured("scale_s1", "S1 tiny images", "1000000 images", "MiB")
    row_bytes = (many - few) * (1 << 20) / 990_000
    shards = [math.ceil(count * per_image / DEFAULT_SHARD_BYTES) for count in COUNTS]
    return {
        "CPU, `--size 256`": [f"{jpeg:.0f} images/CPU-s", *(_hours(count / jpeg) for count in COUNTS)],
        "CPU, bytes kept": [f"{keep:.0f} images/CPU-s", *(_hours(count / keep) for count in COUNTS)],
        "files read": ["", *(f"${count * READ:.0f}" for count in COUNTS)],
        "shards, `--size 256`": ["", *(f"{count:,}" for count in shards)],
        "files written": ["", *(_dollars(3 * count * WRITTEN) for count in shards)],
        "on 100 workers": [
            "",
            f"{COUNTS[0] / jpeg / WORKER_CPUS:.0f} s",
            f"{COUNTS[1] / jpeg / WORKER_CPUS / 60:.0f} min",
        ],
        "publication on one worker": [
            f"{row_bytes:.0f} bytes",
            f"{row_bytes * COUNTS[0] / 1e9:.1f} GB",
            "not at once",
        ],
    }


COUNTS = (10_000_000, 1_000_000_000)


def _hours(seconds: float) -> str:
    hours = seconds / 3600
    return (
        f"{hours:.1f} h, {_dollars(hours * CPU_HOUR)}"
        if hours < 100
        else f"{hours:.0f} h, {_dollars(hours * CPU_HOUR)}"
    )


def _dollars(amount: float) -> str:
    return f"${amount:.2f}" if amount < 1 else f"${amount:.0f}"


@pytest.mark.parametrize(("row", "expected"), figures().items(), ids=list(figures()))
def test_figures_follow_from_measurements(row: str, expected: list[str]) -> None:
    (line,) = (line for line in PAGE.splitlines() if line.startswith(f"| {row}"))
    cells = [cell.strip() for cell in line.strip("|").split("|")][1:]
    assert [figure in cell for figure, cell in zip(expected, cells, strict=True)] == [True] * 3, (
        expected,
        cells,
    )


def test_disk_and_memory_follow_from_the_code() -> None:
    shard = MARGIN * DEFAULT_SHARD_BYTES / (1 << 20)
    assert (
        f"shards of 128 MiB: {shard:.0f} MiB; HDF5 or `--duplicates drop` {2 * shard:.0f} MiB, both {3 * shard:.0f} MiB"
        in PAGE
    )
    assert f"{MARGIN * INDEX_BYTES:.0f} bytes for each image" in PAGE
    worker = max(
        measured("memory", case, f"5000 images, worker {number}", "MiB")
        for case in ("jpeg 256, TFRecord", "jpeg 256, HDF5", "keep, TFRecord")
        for number in (1, 2)
    )
    assert f"takes {math.ceil(worker)} MiB at most" in PAGE
