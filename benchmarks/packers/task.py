"""What is converted, and what happens to an image: the same for every contestant."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

cv2.setNumThreads(1)  # the contestants' processes are the parallelism

SIDE = 256
QUALITY = 90


@dataclass(frozen=True)
class Task:
    """What every contestant is told.

    Attributes:
        source: Folder with one folder of JPEG files per class.
        target: Folder to write into; made by the contestant.
        workers: Processes to use.
    """

    source: Path
    target: Path
    workers: int

    def files(self) -> list[tuple[str, int]]:
        """Path and class number of every image, in the order of paths."""
        folders = sorted(self.source.iterdir())
        return [
            (str(file), label) for label, folder in enumerate(folders) for file in sorted(folder.iterdir())
        ]


def transcode(path: str) -> bytes:
    """Reads, decodes, shrinks the shorter side and encodes, by OpenCV, as img2dataset does.

    `INTER_AREA` is what its documentation recommends for shrinking. OpenCV's decoder and encoder
    were measured as fast as simplejpeg here, and both store colour at half resolution.
    """
    pixels = cv2.imdecode(np.frombuffer(Path(path).read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        msg = f"{path} does not decode"
        raise ValueError(msg)
    height, width = pixels.shape[:2]
    scale = SIDE / min(height, width)
    size = (round(width * scale), round(height * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    encoded, payload = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not encoded:
        msg = f"{path} cannot be encoded"
        raise ValueError(msg)
    return payload.tobytes()
