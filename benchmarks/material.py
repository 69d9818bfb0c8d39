"""What is measured on: the sample photographs, linked often enough, and datasets made of them."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from benchmarks.measure import ROOT
from benchmarks.processes import Usage, Watch

SAMPLE = ROOT / "examples" / "clothing"


def link_sample(folder: Path, images: int) -> list[Path]:
    """Fills a source folder with links to the sample, again and again until there are enough.

    Args:
        folder: To be made: one folder per class.
        images: How many.

    Returns:
        The links.
    """
    originals = sorted(SAMPLE.glob("*/*/*.jpg"))  # split / class / file
    links = []
    for number in range(images):
        copy, position = divmod(number, len(originals))
        original = originals[position]
        link = folder / original.parent.name / f"{copy:03d}-{original.parts[-3]}-{original.name}"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(original)
        links.append(link)
    return links


def enlarge_sample(folder: Path, images: int, *, factor: int = 4) -> None:
    """Fills a source folder with enlarged copies of sample photographs.

    Args:
        folder: To be made: one folder per class.
        images: How many.
        factor: How many times as high and wide.
    """
    for link in link_sample(folder, images):
        with Image.open(link) as image:
            large = image.convert("RGB").resize((image.width * factor, image.height * factor))
        link.unlink()
        large.save(link, quality=90)


class Converting:
    """A conversion that runs in a Python process of its own, as a user's script would.

    Attributes:
        process: The process.
        started: When it was started, by `time.monotonic`.
    """

    def __init__(self, source: Path, dataset: Path, arguments: Sequence[str]) -> None:
        """Starts it.

        Args:
            source: Folder of images.
            dataset: Folder to make.
            arguments: Options of `benchmarks.conversion`.
        """
        command = [sys.executable, "-m", "benchmarks.conversion", str(source), str(dataset), *arguments]
        self.started = time.monotonic()
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self._watch = Watch(self.process.pid)

    def finish(self) -> "Timing":
        """Waits for it.

        Raises:
            RuntimeError: If it failed.
        """
        output, _ = self.process.communicate()
        ended = time.monotonic()
        workers = self._watch.finish()
        if self.process.returncode:
            msg = f"the conversion ended with exit status {self.process.returncode}"
            raise RuntimeError(msg)
        return Timing(self.started, ended, json.loads(output), workers)


class Timing:
    """When which number of images was done, and what the workers used for it.

    Attributes:
        workers: One entry per process.
    """

    def __init__(
        self, started: float, ended: float, points: list[tuple[float, int]], workers: Sequence[Usage]
    ) -> None:
        """Takes the trace.

        Args:
            started: When the process was started.
            ended: When it had ended.
            points: (time, images done), as time went on; the last one has all images.
            workers: What each worker used.
        """
        self.workers = workers
        self._started, self._ended = started, ended
        self._points = [point for point in points if point[1]]

    @property
    def total_s(self) -> float:
        """From the start of the process to its end."""
        return self._ended - self._started

    @property
    def total_rate(self) -> float:
        """Images per second of the whole, start-up and publication included."""
        return self._points[-1][1] / self.total_s

    @property
    def cpu_rate(self) -> float:
        """Images per second of CPU time of the workers."""
        return self._points[-1][1] / sum(worker.cpu_s for worker in self.workers)

    @property
    def startup_s(self) -> float:
        """From the start of the process until it was seen to have done images."""
        return self._points[0][0] - self._started

    @property
    def steady_rate(self) -> float:
        """Images per second between the first report that showed any and the first that showed all."""
        first, last = (
            self._points[0],
            next(point for point in self._points if point[1] == self._points[-1][1]),
        )
        if last[0] == first[0]:  # so few images that one report showed all
            return self.total_rate
        return (last[1] - first[1]) / (last[0] - first[0])
