"""The first bytes of files, by which formats are recognized."""

JPEG = b"\xff\xd8\xff"
"""The start-of-image marker and the first byte of the marker that follows it (ITU-T T.81, B.2.1)."""

PNG = b"\x89PNG\r\n\x1a\n"
PNG_START = PNG[:4]
"""The signature of a PNG that was destroyed by translating its line ends."""

GIF_START = b"GIF8"
GIF = (GIF_START + b"7a", GIF_START + b"9a")
BMP = b"BM"
TIFF = (b"II*\0", b"MM\0*")
RIFF = b"RIFF"
"""The container of WebP, in which the bytes 8 to 11 are `WEBP`."""

JPEG_2000 = b"\0\0\0\x0cjP"
JPEG_XL = b"\0\0\0\x0cJXL "
JPEG_XL_CODESTREAM = b"\xff\x0a"
HDF5 = b"\x89HDF\r\n\x1a\n"
GZIP = b"\x1f\x8b"
