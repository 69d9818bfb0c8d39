"""The image or mask of an example as a file that Pillow opens."""

import google_crc32c
import numpy as np

from fitfeed.pipelines import Records
from fitfeed.schemas.bit_depth import STORED_TYPES
from fitfeed.schemas.payload import check_claimed_size, claimed_size

IMAGE = "image"


def example_file(records: Records, column: str, row: int) -> bytes:
    """Reads an image or a mask as the file that it is stored as: JPEG or PNG.

    Plain pixels get a header of the portable anymap formats, PGM or PPM, before them. Its values of 16 bits are
    big-endian.

    Args:
        records: A split.
        column: "image", or the name of a mask.
        row: Row 0 <= `row` < len of the index.

    Raises:
        DamagedExampleError: If it cannot be read, or is not what was stored.
    """
    index = records.index
    place = index if column == IMAGE else index.labels[column]
    memory = bytearray(int(place.length[row]))
    if column == IMAGE:
        records.read_into(row, memoryview(memory))
    else:
        records.read_range(int(index.shard[row]), int(place.offset[row]), memoryview(memory))
    payload = bytes(memory)
    if google_crc32c.value(payload) != int(place.crc32c[row]):
        raise records.damaged(
            row, f"the bytes of its {column} are not those that were stored (the CRC-32C differs)"
        )
    size = int(index.height[row]), int(index.width[row])
    if records.is_raw:  # whatever they begin with: pixels may be those of the magic number of JPEG
        return _portable_anymap(records, column, payload, size)
    try:
        check_claimed_size(claimed_size(payload), size)
    except ValueError as error:
        raise records.damaged(row, f"its {column}: {error}") from error
    return payload


def _portable_anymap(records: Records, column: str, pixels: bytes, size: tuple[int, int]) -> bytes:
    channels, depth = (records.channels, records.depth) if column == IMAGE else (1, 8)
    if depth > 8:
        stored = np.frombuffer(pixels, STORED_TYPES[depth])
        pixels = stored.astype(stored.dtype.newbyteorder(">")).tobytes()
    kind = "P5" if channels == 1 else "P6"
    return f"{kind} {size[1]} {size[0]} {(1 << depth) - 1}\n".encode() + pixels
