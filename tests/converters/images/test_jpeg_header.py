"""The fast way to decode a JPEG gives the same verdict and the same pixels as asking Pillow first."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from fitfeed.converters.images import decode
from fitfeed.converters.images.decode import DecodedImage, decode_image
from fitfeed.converters.images.jpeg_header import PROGRESSIVE, JpegHeader, ordinary_jpeg
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import ImageError
from tests.effort import tries
from tests.fuzz.mutate import mutated

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
NASTY = Path(__file__).parents[2] / "data" / "nasty"


def written(mode: str = "RGB", **options: object) -> bytes:
    rows, columns = np.mgrid[0:37, 0:53]
    pixels = np.stack([rows * 6, columns * 4, rows ^ columns], axis=2).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, "JPEG", **options)
    return stream.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("progressive", [False, True])
def test_ordinary_files_are_read(mode: str, progressive: bool) -> None:
    profile = bytes(range(256)) * 600  # three segments
    data = written(mode, progressive=progressive, comment=b"by hand", icc_profile=profile)
    header = ordinary_jpeg(data)
    assert header is not None
    assert header == JpegHeader(37, 53, components=len(mode), frame=header.frame, profile=profile)
    assert (header.frame == PROGRESSIVE) == progressive


def test_a_profile_is_joined_from_its_parts_as_pillow_joins_them() -> None:
    profile = bytes(range(256)) * 600
    data = written(icc_profile=profile)
    swapped, missing = bytearray(data), bytearray(data)
    first = data.index(b"ICC_PROFILE\0") + len(b"ICC_PROFILE\0")
    second = data.index(b"ICC_PROFILE\0", first) + len(b"ICC_PROFILE\0")
    swapped[first], swapped[second] = 2, 1
    missing[first + 1] = 4
    for changed in (data, bytes(swapped), bytes(missing)):
        header = ordinary_jpeg(changed)
        assert header is not None
        with Image.open(io.BytesIO(changed)) as image:
            assert header.profile == image.info["icc_profile"]


def test_what_changes_the_picture_is_left_to_pillow() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert ordinary_jpeg(written(exif=exif)) is None
    assert ordinary_jpeg(written(xmp=b'<x tiff:Orientation="6"/>')) is None
    assert ordinary_jpeg(written("CMYK")) is None
    for name in ("mpo_two_pictures", "lossless_sof3_8bit", "arithmetic", "bogus_empty_jfif_segment"):
        assert ordinary_jpeg((NASTY / "jpeg" / f"{name}.jpg").read_bytes()) is None


def test_damaged_headers_are_left_to_pillow() -> None:
    data = written()
    end = data.index(b"\xff\xda") + 14  # of the header of a scan of three components
    assert ordinary_jpeg(data[:end]) is not None
    for length in range(end):
        assert ordinary_jpeg(data[:length]) is None


def verdict(data: bytes, options: ConvertOptions) -> DecodedImage | tuple[str, str]:
    try:
        return decode_image(data, options)
    except ImageError as error:
        return error.reason, error.detail


def test_verdicts_and_pixels_are_the_same(monkeypatch: pytest.MonkeyPatch, clothing: Path) -> None:
    corpus = [path.read_bytes() for path in sorted(NASTY.glob("*/*.jp*g"))]
    corpus += [path.read_bytes() for path in sorted(clothing.glob("test/*/*.jpg"))[:3]]
    corpus += [written(icc_profile=SRGB), written(icc_profile=SRGB + bytes(140_000))]
    corpus += [written(mode, progressive=way) for mode in ("RGB", "L") for way in (False, True)]
    small = [data for data in corpus if 0 < len(data) < 30_000]
    ordinary_ones = [data for data in small if ordinary_jpeg(data) is not None]
    damaged = [mutated(small + 4 * ordinary_ones, seed=4, number=number) for number in range(tries(1500))]
    ordinary = 0
    for options in (ConvertOptions(max_pixels=2_000_000), ConvertOptions(max_pixels=40_000, channels=1)):
        for data in [*corpus, *damaged]:
            fast = verdict(data, options)
            with monkeypatch.context() as patch:
                patch.setattr(decode, "ordinary_jpeg", lambda data: None)
                slow = verdict(data, options)
            ordinary += ordinary_jpeg(data) is not None and isinstance(fast, DecodedImage)
            if isinstance(slow, DecodedImage):
                assert isinstance(fast, DecodedImage)
                np.testing.assert_array_equal(fast.pixels, slow.pixels)
                assert (fast.keepable, fast.facts) == (slow.keepable, slow.facts)
            else:
                assert fast == slow
    assert ordinary > len(damaged) / 5
