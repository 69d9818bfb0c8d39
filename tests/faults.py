"""Pictures at which the decoder of a conversion's processes fails: it crashes them, or never ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent

SLOW_S = 0.2

# Every Python process that finds it on its path runs this at start, the workers too.
PROGRAM = f"""\
import os, signal, time
from fitfeed.converters.shards import write_shard

HUNG = os.path.join(os.path.dirname(__file__), "hung")
HOLD = os.path.join(os.path.dirname(__file__), "hold")
decode = write_shard.decode_source

def faulty(data, root, options):
    if data.endswith(b"segmentation fault"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if data.endswith(b"exit"):
        os._exit(3)
    if data.endswith(b"hang"):
        open(f"{{HUNG}}-{{os.getpid()}}", "w").close()
        time.sleep(1e6)
    if data.endswith(b"slow"):
        time.sleep({SLOW_S})
        while os.path.exists(HOLD):
            time.sleep(0.05)
    if data.endswith(b"memory"):
        bytearray(1 << 42)
    return decode(data, root, options)

write_shard.decode_source = faulty
"""
FAULTS = ("segmentation fault", "exit", "hang", "memory")


def faulty_decoder(folder: Path) -> str:
    """Makes a decoder that fails at faulty pictures, and returns the PYTHONPATH of processes that use it."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(PROGRAM)
    return os.pathsep.join([str(folder), str(ROOT)])


def add_fault(picture: Path, fault: str) -> None:
    """Appends one of `FAULTS`, or `slow`, to a picture. Its pixels stay the same, and other decoders decode it."""
    with picture.open("r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(fault.encode())


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Slow pictures take as long as the block, at least, with the decoder that `folder` has."""
    (folder / "hold").touch()
    try:
        yield
    finally:
        (folder / "hold").unlink(missing_ok=True)


def hangs(folder: Path, pid: int) -> bool:
    """Whether a process has begun to decode a picture that never ends, with the decoder that `folder` has."""
    return (folder / f"hung-{pid}").exists()
