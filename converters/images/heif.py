"""HEIC, the photographs of telephones: decoded by pi-heif if it is installed, else named.

pi-heif is libheif and libde265 without any encoder, 4 MB under the LGPL. It is an extra, because most folders have no HEIC.
"""

from functools import cache

BRANDS = (
    *(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
    *(b"mif1", b"msf1"),
)
"""What comes after `ftyp` in a file of HEIC, or of HEIF with an image of any kind."""

NO_DECODER = (
    "HEIC needs a decoder that is not installed: pip install 'fitfeed[heif]' and run the same command again, "
    "or convert it to JPEG or PNG first"
)
DAMAGED = "damaged HEIC, or of a kind that libheif does not decode"


def is_heif(data: bytes) -> bool:
    """Whether a file says that it is HEIC or HEIF."""
    return data[4:8] == b"ftyp" and data[8:12] in BRANDS


@cache
def heif_formats() -> tuple[str, ...]:
    """The formats of Pillow that decode HEIC; none if pi-heif is not installed.

    The first call registers it. It decodes the pixels only, without thumbnails and depth images, and on one CPU: there is
    one process for each.
    """
    try:
        import pi_heif

        pi_heif.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)
    except ImportError:
        return ()
    return ("HEIF",)
