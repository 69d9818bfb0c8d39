"""Tells by name, and by first bytes where that is not enough, which files of a source may be images."""

import os
from typing import Literal

from fitfeed.converters.open_source import open_regular
from fitfeed.converters.rejects import ImageError
from fitfeed.schemas import magic

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

Looks = Literal["image", "other", "unknown"]


def looks_like(name: str) -> Looks:
    """What a file is by its extension."""
    extension = os.path.splitext(name)[1][1:].lower()  # noqa: PTH122 - ten million times
    if extension in IMAGE_EXTENSIONS:
        return "image"
    return "other" if extension in SIDECAR_EXTENSIONS else "unknown"


def may_be_image(entry: "os.DirEntry[str]") -> bool:
    """Whether a file is to be tried. It is opened only if its extension is unknown."""
    looks = looks_like(entry.name)
    return looks == "image" or (looks == "unknown" and _begins_like_an_image(entry.path))


def why_never(name: str) -> str | None:
    """Why what has such a name is never an image, whatever is in it; None if it may be one."""
    if name.startswith("."):
        return "hidden"
    if name.lower() in SYSTEM_FILES or name in SYSTEM_FOLDERS:
        return "written by the operating system"
    return None


def _begins_like_an_image(path: str) -> bool:
    try:
        with os.fdopen(open_regular(path), "rb", buffering=0) as stream:
            return stream.read(16).startswith(IMAGE_STARTS)
    except (OSError, ImageError):
        return False
