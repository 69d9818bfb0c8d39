"""Recognizes camera raw files and DICOM, which nothing here decodes, so that they are called what they are.

Most raw files are TIFF inside, and Pillow opens the first picture in them: a thumbnail of 160 x 120 pixels.
"""

import os

from PIL import Image

EXTENSIONS = frozenset(
    [
        *("3fr", "arw", "cr2", "cr3", "crw", "dng", "erf", "iiq", "kdc", "mef", "mos", "mrw", "nef"),
        *("nrw", "orf", "pef", "raf", "rw2", "rwl", "sr2", "srf", "srw", "x3f"),
    ]
)
"""Of files of cameras, but for `.raw`, which may be anything. What has such a name is never taken for a picture, whatever is in it."""

STARTS = {
    b"IIRO": "ORF",
    b"IIRS": "ORF",
    b"MMOR": "ORF",
    b"IIU\0": "RW2",
    b"FUJIFILMCCD-RAW": "RAF",
    b"FOVb": "X3F",
}
CR2_PLACE, CR3_PLACE, DICOM_PLACE = slice(8, 10), slice(4, 12), slice(128, 132)
DNG_VERSION, SUB_DIRECTORIES, PHOTOMETRIC = 50706, 330, 262
"""Tags of TIFF and DNG. A camera's own pixels are in a directory below the first one."""

COLOR_FILTER_ARRAY, LINEAR_RAW = 32803, 34892
REDUCED, SUBFILE_TYPE = 1, 254

DICOM_BYTES = 132
"""So much of a file says whether it is DICOM."""

DICOM = "DICOM cannot be decoded here; convert it to 16-bit PNG first, for example by pydicom, and name its white by --white"


def raw_by_name(path: str) -> str | None:
    """Why a file with this name is not decoded; None if it may be an image."""
    extension = os.path.splitext(path)[1][1:].lower()  # noqa: PTH122 - ten million times
    if extension not in EXTENSIONS:
        return None
    return f"{_develop(extension.upper())}, or leave such files out with --exclude '*{os.path.splitext(path)[1]}'"  # noqa: PTH122


def raw_by_content(data: bytes) -> str | None:
    """Why a file that begins like this is not decoded; None if it may be an image."""
    if data[:4] in (b"II*\0", b"MM\0*"):
        return _develop("CR2") if data[CR2_PLACE] == b"CR" else None
    if data[CR3_PLACE] == b"ftypcrx ":
        return _develop("CR3")
    return next((_develop(kind) for start, kind in STARTS.items() if data.startswith(start)), None)


def raw_by_tags(image: Image.Image) -> str | None:
    """Why an opened TIFF is not decoded; None if it is an image.

    The first picture of DNG, NEF, ARW and others is a thumbnail, which says so, and others are in directories below it.
    """
    tags = getattr(image, "tag_v2", None)
    if image.format != "TIFF" or tags is None:
        return None
    if DNG_VERSION in tags:
        return _develop("DNG")
    raw = tags.get(PHOTOMETRIC) in (COLOR_FILTER_ARRAY, LINEAR_RAW)
    thumbnail = tags.get(SUBFILE_TYPE) == REDUCED and SUB_DIRECTORIES in tags
    return _develop("TIFF with a thumbnail first") if raw or thumbnail else None


def is_dicom(data: bytes) -> bool:
    """Whether a file begins like DICOM (PS3.10, section 7.1)."""
    return data[DICOM_PLACE] == b"DICM"


def _develop(kind: str) -> str:
    return f"camera raw ({kind}) cannot be decoded here; develop it to JPEG or to TIFF of 16 bits first"
