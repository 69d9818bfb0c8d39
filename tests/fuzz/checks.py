"""What must hold for any bytes at all: a whole record or a reason, nothing else."""

import gzip
import io
import struct
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import numpy as np

from fitfeed.converters.images.decode import decode_image
from fitfeed.converters.images.encode import encode_image
from fitfeed.converters.inspect import inspect_file
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import ImageError, Reason
from fitfeed.schemas.bit_depth import STORED_TYPES
from fitfeed.schemas.errors import FitfeedError
from fitfeed.schemas.payload import decode_payload
from fitfeed.schemas.tfrecord import CorruptRecordError, iter_records, masked_crc32c
from tests.fuzz.corpus import NASTY, images
from tests.fuzz.harness import Check
from tests.fuzz.mutate import mutated

MAX_PIXELS = 4_000_000
OPTIONS: Sequence[ConvertOptions] = (
    ConvertOptions(max_pixels=MAX_PIXELS),
    ConvertOptions(max_pixels=MAX_PIXELS, size=(32, 40)),
    ConvertOptions(max_pixels=MAX_PIXELS, size=(24, 24), encoding="png", fit="contain", channels=1),
    ConvertOptions(max_pixels=MAX_PIXELS, size=(20, 30), encoding="raw"),
    ConvertOptions(max_pixels=MAX_PIXELS, channels=1, frames="reject", background=(0, 0, 0)),
    ConvertOptions(max_pixels=MAX_PIXELS, depth=16),
    ConvertOptions(max_pixels=MAX_PIXELS, depth=16, channels=1, encoding="raw", size=(20, 30), fit="contain"),
)


def check_image(data: bytes, options: ConvertOptions) -> str:
    """Converts an image, and checks that the stored bytes are what they say.

    Returns:
        `ok`, or the reason of the reject.
    """
    try:
        decoded = decode_image(data, options)
        payload, pixels = encode_image(decoded, data, options)
    except ImageError as error:
        expect(error.reason in get_args(Reason), f"reason {error.reason!r}")
        detail = str(error)
        expect(detail and len(detail) < 400 and "\n" not in detail, f"no sentence: {detail!r}")
        expect(" at 0x" not in detail, f"differs between runs: {detail}")
        return error.reason
    if pixels.dtype != STORED_TYPES[options.depth]:
        msg = f"the pixels have not {options.depth} bits"
        raise AssertionError(msg)
    shape = pixels.shape[:2]
    expect(pixels.shape[2:] == (options.channels,), f"shape {pixels.shape}")
    expect(0 < shape[0] * shape[1] <= MAX_PIXELS, f"shape {shape}")
    expect(options.fixed_shape in (None, shape), f"shape {shape}, wanted {options.fixed_shape}")
    if options.encoding == "raw":
        expect(payload == pixels.tobytes(), "the raw payload is not the pixels")
    else:
        stored = decode_payload(payload, size=shape, channels=options.channels, depth=options.depth)
        expect(np.array_equal(stored, pixels), "the payload decodes to other pixels")
    return "ok"


def expect(holds: object, message: str) -> None:
    """Raises unless it holds; an assert that survives `python -O`."""
    if not holds:
        raise AssertionError(message)


def containers() -> tuple[list[bytes], list[bytes]]:
    """TFRecord and HDF5 files, whole and damaged."""
    files = sorted((NASTY / "containers").iterdir())
    records = [path.read_bytes() for path in files if path.suffix == ".tfrecord"]
    records += [gzip.compress(data, mtime=0) for data in records] + [zlib.compress(data) for data in records]
    return [data for data in records if data], [path.read_bytes() for path in files if path.suffix == ".h5"]


def sealed(data: bytes) -> bytes:
    """Corrects all checksums of a damaged TFRecord file, so that the damage is read at all."""
    out, position = b"", 0
    while position + 12 <= len(data):
        length = data[position : position + 8]
        body = data[position + 12 : position + 12 + int.from_bytes(length, "little")]
        out += (
            length + struct.pack("<I", masked_crc32c(length)) + body + struct.pack("<I", masked_crc32c(body))
        )
        position += 16 + len(body)
    return out + data[position:]


def check_records(data: bytes) -> None:
    """Reads TFRecords: all of them, or up to damage that is named."""
    try:
        for _offset, record in iter_records(io.BytesIO(data)):
            expect(len(record) <= len(data), "a record larger than its file")
    except CorruptRecordError as error:
        expect(0 <= error.offset <= len(data), f"offset {error.offset}")


def check_file(path: Path) -> None:
    """Inspects a file: a report, or one of our own errors."""
    try:
        report = inspect_file(path)
    except FitfeedError as error:
        expect(str(error), "no message")
        return
    expect(report.bytes == path.stat().st_size, "another size")


def image_check(seed: int) -> Check:
    """Checks damaged images."""
    corpus = images()

    def check(number: int) -> None:
        check_image(mutated(corpus, seed=seed, number=number), OPTIONS[number % len(OPTIONS)])

    return check


def container_check(seed: int, kind: str) -> Check:
    """Checks damaged TFRecord or HDF5 files."""
    records, hdf5 = containers()
    corpus = hdf5 if kind == "hdf5" else records
    folder = tempfile.TemporaryDirectory(prefix="fitfeed-fuzz-")  # removed with the check that holds it

    def check(number: int) -> None:
        path = Path(folder.name, f"file.{kind}")
        data = container(corpus, seed=seed, number=number, kind=kind)
        if kind == "tfrecord":
            check_records(data)
        path.write_bytes(data)
        try:
            check_file(path)
        finally:
            path.unlink()

    return check


def container(corpus: Sequence[bytes], *, seed: int, number: int, kind: str) -> bytes:
    """The damaged file of a number; half of the TFRecord files get checksums that fit."""
    data = mutated(corpus, seed=seed, number=number)
    return sealed(data) if kind == "tfrecord" and number % 2 else data
