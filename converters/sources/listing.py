"""Lists a source folder: every file once, and what is ignored and why."""

import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from fitfeed.converters.open_source import open_regular
from fitfeed.converters.rejects import ImageError, Reject, text_path
from fitfeed.converters.source_file import SourceFile
from fitfeed.schemas import magic
from fitfeed.schemas.errors import ConversionError, NotFoundError, UsageError

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


@dataclasses.dataclass(frozen=True)
class Listing:
    """What is in a folder, sorted by path, so that it does not depend on the order of the file system."""

    files: list[SourceFile]
    ignored: list[Reject]


def list_folder(source: Path) -> Listing:
    """Lists a folder recursively. Links are followed, but never in a circle.

    Raises:
        NotFoundError: If the source does not exist.
        UsageError: If it is not a folder, has no image in it, or a folder in it may not be listed.
        ConversionError: If listing failed for another reason.
    """
    if not source.exists():
        msg = f"SOURCE {source} does not exist. Expected a folder with one folder of images per class."
        raise NotFoundError(msg)
    if not source.is_dir():
        msg = f"SOURCE {source} is a file. Expected a folder with one folder of images per class, or a table of images: a .csv or .jsonl file."
        raise UsageError(msg)
    files: list[SourceFile] = []
    ignored: list[Reject] = []
    for found in _walk(source, "", frozenset({_identity(source)})):
        (ignored if isinstance(found, Reject) else files).append(found)  # type: ignore[arg-type]
    if not files:
        msg = f"SOURCE {source} has no images. Expected files such as .jpg, .png, .webp or .tif, in any folder below it; {len(ignored)} other files were ignored."
        raise UsageError(msg)
    return Listing(files=sorted(files), ignored=sorted(ignored, key=lambda reject: reject.path))


def _walk(folder: Path, prefix: str, ancestors: frozenset[tuple[int, int]]) -> Iterator[SourceFile | Reject]:
    for entry in _entries(folder):
        path = prefix + entry.name
        if reason := _system_reason(entry):
            yield _ignored(path, reason)
        elif _leads_to(entry.is_dir):
            identity = _identity(entry)
            if identity in ancestors:
                yield _ignored(path, "link to a folder that contains it")
            else:
                yield from _walk(folder / entry.name, f"{path}/", ancestors | {identity})
        elif not _leads_to(entry.is_file) and not entry.is_symlink():
            yield _ignored(path, "not a regular file")
        elif not _may_be_image(entry):
            yield _ignored(path, "not an image by name and content")
        else:
            yield _source_file(entry, path)


def _entries(folder: Path) -> "list[os.DirEntry[str]]":
    """The entries of a folder. One that cannot be listed is an error: it may hold any number of images."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except PermissionError as error:
        msg = f"no permission to list the folder {text_path(str(folder))}. Give it, or move the folder out of SOURCE."
        raise UsageError(msg) from error
    except OSError as error:
        msg = f"cannot list {text_path(str(folder))}: {error.strerror}. Run the same command again once the disk or the network is repaired."
        raise ConversionError(msg) from error


def _leads_to(is_kind: Callable[[], bool]) -> bool:
    """Whether a link leads to something of a kind. A link in a circle leads to nothing."""
    try:
        return is_kind()
    except OSError:
        return False


def _source_file(entry: "os.DirEntry[str]", path: str) -> SourceFile:
    try:
        status = entry.stat()
    except OSError:  # a broken or circular link: reading it will say which
        return SourceFile(path, 0, 0)
    return SourceFile(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _system_reason(entry: "os.DirEntry[str]") -> str | None:
    if entry.name.startswith("."):
        return "hidden"
    if entry.name.lower() in SYSTEM_FILES or entry.name in SYSTEM_FOLDERS:
        return "written by the operating system"
    return None


def _may_be_image(entry: "os.DirEntry[str]") -> bool:
    extension = os.path.splitext(entry.name)[1][1:].lower()  # noqa: PTH122 - ten million times
    if extension in IMAGE_EXTENSIONS:
        return True
    if extension in SIDECAR_EXTENSIONS or not _leads_to(entry.is_file):
        return False
    try:
        with os.fdopen(open_regular(entry.path), "rb", buffering=0) as stream:
            return stream.read(16).startswith(IMAGE_STARTS)
    except (OSError, ImageError):
        return False


def _ignored(path: str, why: str) -> Reject:
    return Reject(text_path(path), "not_an_image", f"ignored: {why}", handling="ignored")


def _identity(place: "Path | os.DirEntry[str]") -> tuple[int, int]:
    status = place.stat()
    return status.st_dev, status.st_ino
