"""A store on this machine for benchmarks, in a process of its own, whose answers come late.

It is the stand-in of the tests (`tests/servers/cloud_storage.py`): everything is in memory, so it costs little itself.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from typing_extensions import override

from tests.servers.cloud_storage import Answer, CloudStorage, Request
from tests.servers.stores import environment_of

BUCKET = "benchmark"


class LateStorage(CloudStorage):
    """Answers some time after it was asked."""

    def __init__(self, latency_s: float) -> None:
        """Begins to listen."""
        self._latency_s = latency_s
        super().__init__()

    @override
    def _answer(self, request: Request) -> Answer:
        time.sleep(self._latency_s)
        return super()._answer(request)


@contextmanager
def serving(folder: Path, *, latency_ms: float, cpu: int | None = None) -> Iterator[dict[str, str]]:
    """Serves the files of a folder and of those in it; gives the variables by which a client finds them at `gs://benchmark`.

    Args:
        folder: The folder. Links in it count as what they lead to.
        latency_ms: Of each answer.
        cpu: The only CPU that the server may use. None: any.
    """
    command = [sys.executable, __file__, str(folder), str(latency_ms), "" if cpu is None else str(cpu)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        if server.stdin is None or server.stdout is None:
            msg = "the server has no pipes"
            raise RuntimeError(msg)
        yield environment_of("gs", int(server.stdout.readline()))
        server.stdin.close()  # it ends


def main() -> None:
    """Serves until standard input is closed."""
    folder, latency_ms, cpu = sys.argv[1:]
    if cpu:
        os.sched_setaffinity(0, {int(cpu)})
    storage = LateStorage(float(latency_ms) / 1000)
    bucket = storage.bucket(BUCKET)
    for path in Path(folder).rglob("*"):
        if path.is_file():
            bucket.put(path.relative_to(folder).as_posix(), path.read_bytes(), {})
    print(storage.port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
