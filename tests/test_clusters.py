"""The commands of docs/clusters.md, as they are written there, wherever they can run on one machine.

Only ports are others: tests run side by side.
"""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.processes import tree_of
from tests.documented import ROOT, copy_photos, shell_environment
from tests.folders import contents
from tests.servers.programs import PRISM, free_port, listens, require
from tests.without_beam import convert

BLOCK = re.compile(
    r"<!-- not executed: tests/test_clusters\.py runs it[^\n]*-->\n```bash\n(.*?)```", re.DOTALL
)
PORT = re.compile(r"\b(8786|8787|8073|8100)\b")
LISTENING = re.compile(r"--(?:job_|service_)?port[= ](\d+)")
MAX_START_S = 120


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """That of somebody who has installed fitfeed and, with Go, Prism."""
    (tmp_path / "go" / "bin").mkdir(parents=True)
    (tmp_path / "go" / "bin" / "prism").symlink_to(PRISM)
    found = shell_environment(tmp_path)
    return {
        **found,
        "DASK_CONFIG": str(tmp_path),
        "GOPATH": str(tmp_path / "go"),
        "PATH": f"{found['PATH']}{os.pathsep}{tmp_path / 'go' / 'bin'}",
    }


@pytest.fixture(scope="module")
def blocks() -> list[str]:
    """The blocks that run here, in the order of the page, with free ports."""
    ports: dict[str, str] = {}
    text = (ROOT / "docs" / "clusters.md").read_text()
    return BLOCK.findall(PORT.sub(lambda found: ports.setdefault(found[0], str(free_port())), text))


@contextlib.contextmanager
def services(commands: str, folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """Runs commands side by side, each as in a terminal of its own, and ends them with the block."""
    started = [
        subprocess.Popen(["bash", "-c", f"exec {line}"], cwd=folder, env=environment)
        for line in commands.splitlines()
    ]
    try:
        deadline = time.monotonic() + MAX_START_S
        for port in LISTENING.findall(commands):
            while not listens(int(port)):
                assert all(process.poll() is None for process in started)
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield
    finally:
        running = [pid for process in started for pid in tree_of(process.pid)]
        for pid in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in started:
            process.wait()


def test_the_page_has_all_commands(blocks: list[str]) -> None:
    assert [block.split()[0] for block in blocks] == [
        "dask",
        "fitfeed",
        "fitfeed",
        "prism",
        "fitfeed",
        "python",
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("service", "conversion"),
    [(0, 1), (None, 2), (3, 4), (5, 4)],
    ids=["dask", "prism", "prism as a server", "job service"],
)
def test_its_commands_run(
    service: int | None, conversion: int, blocks: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    if "prism" in blocks[conversion] + blocks[service or conversion]:
        require(PRISM, "go")
    copy_photos(tmp_path / "photos", {"train": 2})
    with services("" if service is None else blocks[service], tmp_path, environment):
        command = ["bash", "-euo", "pipefail", "-c", blocks[conversion]]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
    assert done.returncode == 0, done.stderr
    convert(tmp_path / "photos", tmp_path / "local", {"size": (96, 96), "shards": 6})
    assert contents(tmp_path / "flowers") == contents(tmp_path / "local")
