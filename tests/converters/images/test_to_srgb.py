"""Colors of other profiles: converted as the definition says, in NumPy; left alone where they are sRGB; refused if broken."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from fitfeed.converters.images import to_srgb
from fitfeed.converters.images.decode import DecodedImage, decode_image
from fitfeed.converters.images.encode import encode_image
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import ImageError
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.payload import Pixels, payload_format
from tests.deep import noise, png
from tests.effort import tries
from tests.icc import (
    ADOBE_RGB,
    DISPLAY_P3,
    PROPHOTO,
    SRGB,
    Matrix,
    gray_profile,
    ink_profile,
    matrix_profile,
)

TO_SRGB = ConvertOptions(color="srgb")
WIDE = {
    "adobe": (ADOBE_RGB, 2.19921875),
    "p3": (DISPLAY_P3, 2.19921875),
    "prophoto": (PROPHOTO, 1.80078125),
    "linear": (SRGB, 1.0),
}
"""Gammas have 8 bits after the point in a profile."""

ADOBE = matrix_profile(*WIDE["adobe"], "Adobe RGB (1998)")
REAL_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def encoded(linear: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The curve of sRGB (IEC 61966-2-1)."""
    clipped = np.clip(linear, 0, 1)
    curved: npt.NDArray[Any] = np.where(
        clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055
    )
    return curved


def by_definition(pixels: Pixels, primaries: Matrix, gamma: float) -> npt.NDArray[Any]:
    """Colors of a matrix and a curve in sRGB, in float64: 0..255, not rounded."""
    xyz = (pixels / 255) ** gamma @ np.array(primaries)
    linear: npt.NDArray[Any] = xyz @ np.linalg.inv(np.array(SRGB))
    return encoded(linear) * 255


def colors(seed: int = 0, *shape: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape or (16, 24, 3), np.uint8)


def saved(image: Image.Image | npt.NDArray[Any], kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(stream, kind, **options)
    return stream.getvalue()


def decoded(data: bytes, **options: Any) -> DecodedImage:
    return decode_image(data, ConvertOptions(**{"color": "srgb", **options}))


@given(st.sampled_from(sorted(WIDE)), st.integers(0, 1000))
@settings(max_examples=tries(100))
def test_colors_are_those_of_the_definition(name: str, seed: int) -> None:
    primaries, gamma = WIDE[name]
    pixels = colors(seed)
    profile = matrix_profile(primaries, gamma, name)
    found = decoded(saved(pixels, icc_profile=profile))
    assert np.abs(found.pixels - by_definition(pixels, primaries, gamma)).max() <= 1.6
    assert found.facts.profile == name
    stored = decoded(saved(pixels, icc_profile=profile), color="stored").pixels
    assert np.array_equal(stored, pixels)
    assert np.abs(stored.astype(int) - found.pixels).max() > 10


@pytest.mark.parametrize(
    ("kind", "options"),
    [("JPEG", {}), ("JPEG", {"progressive": True, "exif": b""}), ("TIFF", {}), ("WEBP", {"lossless": True})],
)
def test_every_way_through_decoding_converts(kind: str, options: dict[str, Any]) -> None:
    """An ordinary JPEG does not pass through Pillow."""
    smooth = np.asarray(Image.fromarray(colors(1, 4, 6, 3)).resize((24, 16), Image.Resampling.BILINEAR))
    for orientation in (1, 6):
        exif = Image.Exif()
        exif[0x0112] = orientation
        extra = {**options, "exif": exif} if orientation > 1 else options
        data = saved(smooth, kind, icc_profile=ADOBE, **extra)
        plain = decoded(data, color="stored").pixels
        found = decoded(data)
        assert np.abs(found.pixels - by_definition(plain, *WIDE["adobe"])).max() <= 1.6
        assert found.facts.orientation == orientation


def test_converted_images_are_kept_without_loss() -> None:
    data = saved(colors(), "JPEG", icc_profile=ADOBE)
    found = decode_image(data, TO_SRGB)
    payload, pixels = encode_image(found, data, TO_SRGB)
    assert payload_format(payload) == "png"
    with Image.open(io.BytesIO(payload)) as image:
        assert np.array_equal(np.asarray(image), found.pixels)
        assert "icc_profile" not in image.info
    assert np.array_equal(pixels, found.pixels)


SAME = {
    "LittleCMS": REAL_SRGB,
    "none": b"",
    "gamma 2.2": matrix_profile(SRGB, 2.2, "looks like sRGB"),
}


@pytest.mark.parametrize("name", ["LittleCMS", "none"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_what_is_srgb_already_keeps_its_bytes(name: str, kind: str) -> None:
    extra = {"icc_profile": SAME[name]} if SAME[name] else {}
    for pixels in (colors(), colors()[:, :, 0]):  # gray with a profile of colors is common
        data = saved(pixels, kind, **extra)
        found = decode_image(data, TO_SRGB)
        assert found.keepable
        assert encode_image(found, data, TO_SRGB)[0] == data


def test_what_is_srgb_is_found_by_its_colors_and_not_by_its_name() -> None:
    """Gamma 2.2 is darker in the shadows, whatever it is called; and any name may have the curve of sRGB."""
    named = matrix_profile(ADOBE_RGB, 2.2, "sRGB IEC61966-2.1")
    assert not decoded(saved(colors(), icc_profile=named)).keepable
    assert not decoded(saved(colors(), icc_profile=SAME["gamma 2.2"])).keepable


@pytest.mark.parametrize("gamma", [1.0, 1.80078125, 2.19921875])
@pytest.mark.parametrize("channels", [1, 3])
def test_gray_has_its_own_curve(gamma: float, channels: int) -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    data = saved(levels, "TIFF", icc_profile=gray_profile(gamma, "Dot Gain"))
    expected = encoded((levels / 255) ** gamma) * 255
    found = decoded(data, channels=channels).pixels
    assert found.shape == (16, 16, channels)
    assert np.abs(found - expected[:, :, np.newaxis]).max() <= 1.6


def test_gray_of_16_bits_is_converted_after_it_has_8() -> None:
    samples = noise(8, 8, 1)[:, :, 0] >> np.uint16(4)
    data = saved(Image.fromarray(samples), "TIFF", icc_profile=gray_profile(1.0, "linear"))
    plain = decoded(data, white=4095, color="stored").pixels
    expected = encoded(plain / 255) * 255
    found = decoded(data, white=4095)
    assert np.abs(found.pixels - expected).max() <= 1.6
    assert found.facts.depth == 16


def test_transparency_stays_and_the_background_is_not_converted() -> None:
    pixels = np.dstack([colors(), np.full((16, 24), 255, np.uint8)])
    pixels[:, ::2, 3] = 0
    data = saved(Image.fromarray(pixels), icc_profile=ADOBE)
    found = decoded(data, background=(200, 30, 90)).pixels
    assert (found[:, ::2] == (200, 30, 90)).all()
    expected = by_definition(pixels[:, 1::2, :3], *WIDE["adobe"])
    assert np.abs(found[:, 1::2] - expected).max() <= 1.6
    palette = Image.fromarray(colors()).quantize(8)
    data = saved(palette, icc_profile=ADOBE, transparency=0)
    found = decoded(data, background=(200, 30, 90)).pixels
    clear = np.asarray(palette) == 0
    assert (found[clear] == (200, 30, 90)).all()
    expected = by_definition(np.asarray(palette.convert("RGB"))[~clear], *WIDE["adobe"])
    assert np.abs(found[~clear] - expected).max() <= 1.6


def test_inks_are_converted_by_their_own_profile() -> None:
    inks = np.zeros((1, 256, 4), np.uint8)
    inks[0, :, 3] = np.arange(256)
    data = saved(
        Image.fromarray(inks, "CMYK"), "TIFF", compression="tiff_lzw", icc_profile=ink_profile("press")
    )
    found = decoded(data).pixels[0].astype(int)
    assert (found[0] == 255).all()
    assert (found[255] <= 3).all()
    assert np.abs(found[128] - 119).max() <= 3  # L* = 50
    assert (np.diff(found, axis=0) <= 1).all()


BROKEN = {
    "no profile at all": b"x" * 300,
    "cut off": ADOBE[:150],
    "empty curves": ADOBE.replace(b"curv", b"CURV"),
    "of inks": ink_profile("press"),
    "of gray": gray_profile(2.0, "gray"),
    "a link between devices": ADOBE[:12] + b"link" + ADOBE[16:],
    "of Lab": ADOBE[:16] + b"Lab " + ADOBE[20:],
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_profile_that_cannot_be_applied_rejects_its_image(name: str, kind: str) -> None:
    data = saved(colors(), kind, icc_profile=BROKEN[name])
    with pytest.raises(ImageError, match=r"color profile .*--color stored takes its pixels") as caught:
        decoded(data)
    assert caught.value.reason == "unsupported_format"
    assert decoded(data, color="stored").keepable


def test_large_profiles_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(to_srgb, "MAX_PROFILE_BYTES", len(ADOBE) - 1)
    with pytest.raises(ImageError, match=f"has {len(ADOBE)} bytes, more than"):
        decoded(saved(colors(), icc_profile=ADOBE))


def converted_or_refused(profile: bytes) -> object:
    try:
        found = to_srgb.pixels_to_srgb(colors(), profile)
    except ImageError as error:
        return error.reason
    return found.shape, found.dtype


@given(st.sampled_from([ADOBE, REAL_SRGB, gray_profile(2.0, "gray"), ink_profile("press")]), st.data())
@settings(max_examples=tries(300))
def test_damaged_profiles_convert_or_are_refused(profile: bytes, data: st.DataObject) -> None:
    content = bytearray(profile)
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(content) - 1))
        content[start : start + 4] = data.draw(st.binary(min_size=1, max_size=4) | st.just(b"\xff" * 4))
    found = converted_or_refused(bytes(content))
    assert found == "unsupported_format" or found == ((16, 24, 3), np.dtype(np.uint8))


def test_16_bits_are_refused_and_other_options_are_not() -> None:
    with pytest.raises(UsageError, match=r"--color srgb converts .* 8 bits.*--depth 16"):
        ConvertOptions(color="srgb", depth=16)
    assert decoded(png(noise(4, 5, 3))).pixels.shape == (4, 5, 3)
    assert "color" not in ConvertOptions().to_json()
    assert ConvertOptions.from_json(TO_SRGB.to_json()) == TO_SRGB
