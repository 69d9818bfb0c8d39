"""Tells by name, and by first bytes where that is not enough, which files of a source may be images."""

import os
from collections.abc import Sequence
from typing import Literal

from fitfeed.converters.foreign_formats import DICOM, DICOM_BYTES, is_dicom
from fitfeed.converters.foreign_formats import EXTENSIONS as CAMERA_EXTENSIONS
from fitfeed.converters.open_source import open_regular
from fitfeed.converters.rejects import ImageError
from fitfeed.schemas import magic
from fitfeed.schemas.chunks import in_chunks

IMAGE_EXTENSIONS = frozenset(
    [
        "apng",
        "avif",
        "bmp",
        "cur",
        "dcx",
        "dds",
        "dib",
        "fli",
        "flc",
        "gif",
        "heic",
        "heif",
        "hif",
        "icb",
        "icns",
        "ico",
        "j2c",
        "j2k",
        "jfif",
        "jif",
        "jp2",
        "jpc",
        "jpe",
        "jpeg",
        "jpf",
        "jpg",
        "jpm",
        "jpx",
        "jxl",
        "mpo",
        "pbm",
        "pcx",
        "pgm",
        "png",
        "pnm",
        "ppm",
        "psd",
        "qoi",
        "sgi",
        "svg",
        "tga",
        "tif",
        "tiff",
        "vda",
        "vst",
        "webp",
        "xbm",
        "xpm",
    ]
)
"""Extensions of images. A file with one of these is rejected if it is not an image."""

SIDECAR_EXTENSIONS = frozenset(
    [
        "arrow",
        "bin",
        "cfg",
        "csv",
        "db",
        "doc",
        "docx",
        "gz",
        "h5",
        "hdf5",
        "htm",
        "html",
        "ini",
        "ipynb",
        "js",
        "json",
        "jsonl",
        "log",
        "lock",
        "m",
        "mat",
        "md",
        "mov",
        "mp3",
        "mp4",
        "npy",
        "npz",
        "parquet",
        "pdf",
        "pickle",
        "pkl",
        "pt",
        "py",
        "rar",
        "rst",
        "sh",
        "tar",
        "tfrecord",
        "toml",
        "tsv",
        "txt",
        "url",
        "wav",
        "xls",
        "xlsx",
        "xml",
        "xmp",
        "yaml",
        "yml",
        "zip",
    ]
)
"""Extensions of other files, which are ignored without reading them."""

SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db"})
SYSTEM_FOLDERS = frozenset({"__MACOSX", "@eaDir", "$RECYCLE.BIN"})

IMAGE_STARTS = (
    magic.JPEG, magic.PNG_START, magic.GIF_START, magic.BMP, *magic.TIFF, magic.RIFF, magic.JPEG_2000
)  # fmt: skip
"""First bytes of images. A file that has them is tried even if its extension is unknown or missing."""

START_BYTES = DICOM_BYTES
"""How many first bytes tell what a file is."""

NOT_AN_IMAGE = "not an image by name and content"

NAMES_AT_ONCE = 1 << 12
"""One name with an emoji has each character of the text take four bytes."""

Looks = Literal["image", "other", "unknown"]


def looks_like(name: str) -> Looks:
    """What a file is by its extension."""
    # As `os.path.splitext` does it, in a quarter of the time: ten million times.
    stem, _, extension = name.rpartition("/")[2].rpartition(".")
    extension = extension.lower()
    if not stem.strip("."):
        return "unknown"
    if extension in IMAGE_EXTENSIONS or extension in CAMERA_EXTENSIONS:
        return "image"
    return "other" if extension in SIDECAR_EXTENSIONS else "unknown"


def all_are_images(names: Sequence[str]) -> bool:
    """Whether all files of a folder are images by name: none is hidden, and none needs to be looked at.

    Many names are looked at as one text, and only extensions one by one: there are millions of such files.

    Args:
        names: The names, at least one.
    """
    return all(map(_are_images, in_chunks(names, NAMES_AT_ONCE)))


def _are_images(names: Sequence[str]) -> bool:
    together = "\n".join(["", *names, ""])
    return "\n." not in together and all(
        each.startswith(".") and looks_like(f"1{each}") == "image" for each in _extensions(names, together)
    )


def _extensions(names: Sequence[str], together: str) -> set[str]:
    """The ends of names from their last dot; of one without, its last character.

    Args:
        names: The names, at least one.
        together: The same with a line feed before, between and after them.
    """
    first = names[0][names[0].rfind(".") :]
    if together.count(f"{first}\n") == together.count("\n") - 1:  # it is before each line feed but the first
        return {first}
    return {name[name.rfind(".") :] for name in names}


def why_no_image(path: str) -> str | None:
    """Why a file is not tried; None if it is. It is opened only if its extension is unknown."""
    looks = looks_like(path)
    if looks == "image":
        return None
    return why_no_start(_start(path) if looks == "unknown" else b"")


def why_no_start(start: bytes) -> str | None:
    """Why a file that begins with `START_BYTES` such bytes is not tried; None if it is."""
    if start.startswith(IMAGE_STARTS):
        return None
    return DICOM if is_dicom(start) else NOT_AN_IMAGE


def why_never(name: str) -> str | None:
    """Why what has such a name is never an image, whatever is in it; None if it may be one."""
    if name.startswith("."):
        return "hidden"
    if name.lower() in SYSTEM_FILES or name in SYSTEM_FOLDERS:
        return "written by the operating system"
    return None


def _start(path: str) -> bytes:
    """The first bytes of a file; none if it cannot be read."""
    try:
        with os.fdopen(open_regular(path), "rb", buffering=0) as stream:
            return stream.read(START_BYTES)
    except (OSError, ImageError):
        return b""
