"""The first bytes of files, by which their formats are told."""

JPEG = b"\xff\xd8\xff"
"""The start-of-image marker and the first byte of the marker that follows it (ITU-T T.81, B.2.1)."""

PNG = b"\x89PNG\r\n\x1a\n"
PNG_START = PNG[:4]
"""What is left of the signature of a PNG whose line ends were translated, which destroys it."""

GIF_START = b"GIF8"
GIF = (GIF_START + b"7a", GIF_START + b"9a")
BMP = b"BM"
TIFF = (b"II*\0", b"MM\0*")
RIFF = b"RIFF"
"""The container of WebP, of which the bytes 8 to 11 say `WEBP`."""

JPEG_2000 = b"\0\0\0\x0cjP"
JPEG_XL = b"\0\0\0\x0cJXL "
JPEG_XL_CODESTREAM = b"\xff\x0a"
HDF5 = b"\x89HDF\r\n\x1a\n"
GZIP = b"\x1f\x8b"
