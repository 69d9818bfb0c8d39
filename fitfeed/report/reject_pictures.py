"""Pictures of rejected files, as far as they decode. Each is decoded in a process of its own, which it may crash.

parent                                            guarded child
read the file, at most 64 MiB  ------------>      decode it, or the part of it that is whole
JPEG of at most 96 x 96 pixels <------------      its pixels, or why there are none
"""

import base64
import binascii
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fitfeed.converters.rejects import Reject
from fitfeed.report.picture_data import SIDE, as_jpeg, shrunk
from fitfeed.report.reject_sources import CannotBeShownError, RejectSources
from fitfeed.schemas.processes.guarded_calls import GuardedCallError, GuardedCalls
from fitfeed.schemas.processes.running_time import RunningTime
from fitfeed.schemas.text import shortened

if TYPE_CHECKING:
    from fitfeed.schemas.strict_json import Json

TIMEOUT_S = 20.0
"""For one picture."""

MAX_TOTAL_S = 60.0
"""For all of them: files that were made to take long must not hold up the page."""

MAX_REASON = 200
"""Characters."""


class RejectPicture(NamedTuple):
    """A rejected file on the page.

    Attributes:
        reject: The file.
        address: Its picture as a `data:` address; None if it cannot be shown.
        why: Why it cannot be shown; else empty.
    """

    reject: Reject
    address: str | None
    why: str


def reject_pictures(rejects: Iterable[Reject], sources: RejectSources) -> Iterator[RejectPicture]:
    """Makes pictures of rejected files.

    Args:
        rejects: The files.
        sources: Where they are.
    """
    left = MAX_TOTAL_S
    with GuardedCalls() as guarded:
        for reject in rejects:
            if left <= 0:
                yield RejectPicture(reject, None, f"those before it took longer than {MAX_TOTAL_S:.0f} s")
                continue
            clock = RunningTime(TIMEOUT_S)
            try:
                pixels = _decoded(sources.read(reject), guarded)
                yield RejectPicture(reject, as_jpeg(pixels), "")
            except CannotBeShownError as error:
                yield RejectPicture(reject, None, str(error))
            left -= clock.passed()


def _decoded(content: bytes, guarded: GuardedCalls) -> npt.NDArray[np.uint8]:
    """Decodes a file in the child: uint8 (height, width, 3).

    Raises:
        CannotBeShownError: If there is no picture.
    """
    try:
        guarded.begin(picture_in_child, base64.b64encode(content).decode())
        answer = guarded.result(TIMEOUT_S)
    except GuardedCallError as error:
        msg = f"decoding it was given up, because {error}"
        raise CannotBeShownError(msg) from error
    return _checked(answer)


def _checked(answer: Any) -> npt.NDArray[np.uint8]:
    """The pixels of an answer. The file may have taken over the process that gave it, so nothing in it is trusted.

    Raises:
        CannotBeShownError: If there are none.
    """
    match answer:
        case str():
            raise CannotBeShownError(shortened(answer, limit=MAX_REASON))
        case [int(height), int(width), str(text)] if 0 < height <= SIDE and 0 < width <= SIDE:
            try:
                data = base64.b64decode(text, validate=True)
            except binascii.Error:
                data = b""
            if len(data) == height * width * 3:
                return np.frombuffer(data, np.uint8).reshape(height, width, 3)
    raise CannotBeShownError("the process that decoded it answered no picture")


def picture_in_child(content: str) -> "Json":
    """Decodes a file, in the process for it.

    Args:
        content: The file, in base64.

    Returns:
        Height, width and the RGB pixels in base64; or why there is no picture.
    """
    from fitfeed.converters.rejects import ImageError

    try:
        pixels = shrunk(_pixels(base64.b64decode(content)))
    except ImageError as error:
        return error.detail
    height, width, _ = pixels.shape
    return [height, width, base64.b64encode(pixels.tobytes()).decode()]


def _pixels(data: bytes) -> npt.NDArray[np.uint8]:
    """The pixels of a file, uint8 (height, width, 3); of a damaged one those before the damage, and gray after it.

    Raises:
        ImageError: If there are none.
    """
    from PIL import ImageFile

    from fitfeed.converters.images.decode import decode_image, load_errors, open_image
    from fitfeed.converters.option_parts.storage import StorageOptions
    from fitfeed.converters.rejects import ImageError

    options = StorageOptions()
    try:
        return decode_image(data, options).pixels.astype(np.uint8)
    except ImageError as error:
        if error.reason not in ("truncated", "corrupt"):
            raise
        ImageFile.LOAD_TRUNCATED_IMAGES = True  # this process only
        try:
            with open_image(data, options) as image, load_errors(image, options):
                pixels = np.asarray(image.convert("RGB"))
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = False
        if (pixels == pixels[0, 0]).all():
            raise
        return pixels
