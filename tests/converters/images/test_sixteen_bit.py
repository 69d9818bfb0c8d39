"""Images of 16 bits: exact values, whatever the file, held against readers that we did not write."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from fitfeed.converters.images.decode import decode_image
from fitfeed.converters.images.encode import encode_image
from fitfeed.converters.images.resize import resize
from fitfeed.converters.images.sixteen_bit import composite, encode_png, to_luma, to_uint16
from fitfeed.converters.images.white import MAX_VALUE
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import ImageError
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.payload import Pixels, claimed_size, decode_payload
from tests.deep import Samples, chunk, noise, png, tiff, transparent, turned
from tests.effort import tries

DEEP = ConvertOptions(depth=16)
GRAY = ConvertOptions(depth=16, channels=1)
WHITE = (255, 255, 255)


def by_tensorflow(data: bytes, channels: int = 0) -> Samples:
    return np.asarray(tf.io.decode_png(data, channels=channels, dtype=tf.uint16).numpy(), np.uint16)


def decoded(data: bytes, options: ConvertOptions = DEEP) -> Pixels:
    pixels = decode_image(data, options).pixels
    assert pixels.dtype == np.uint16
    assert pixels.flags.c_contiguous
    return pixels


def stored(data: bytes, options: ConvertOptions = DEEP) -> bytes:
    return encode_image(decode_image(data, options), data, options)[0]


def by_floats(samples: Samples, background: tuple[int, int, int] = WHITE) -> Samples:
    """Composited as the definition says, in float64."""
    alpha = samples[..., -1:] / 65_535
    mixed = samples[..., :-1] * alpha + np.array(background) * 257 * (1 - alpha)
    return np.floor(mixed + 0.5).astype(np.uint16)


@pytest.mark.parametrize("name", ["basn0g16.png", "basn2c16.png", "oi9n2c16.png"])
@pytest.mark.parametrize("channels", [1, 3])
def test_hostile_png_files_keep_all_bits(nasty: Path, name: str, channels: int) -> None:
    data = (nasty / "png" / name).read_bytes()
    theirs = by_tensorflow(data)
    ours = decoded(data, ConvertOptions(depth=16, channels=3 if channels == 3 else 1))
    if theirs.shape[2] == 3 and channels == 1:
        luma = theirs @ np.array([19_595, 38_470, 7_471]) / 65_536
        assert np.abs(ours[..., 0] - luma).max() <= 0.5
    else:
        assert np.array_equal(ours, np.broadcast_to(theirs, (*theirs.shape[:2], channels)))
    assert len(np.unique(theirs & 255)) > 1  # there are lower bits to lose


@pytest.mark.parametrize("name", ["basn4a16.png", "basi6a16.png"])
def test_hostile_png_files_with_alpha(nasty: Path, name: str) -> None:
    data = (nasty / "png" / name).read_bytes()
    background = (255, 128, 0)
    ours = decoded(data, ConvertOptions(depth=16, background=background))
    assert np.array_equal(ours, by_floats(by_tensorflow(data), background))


def test_hostile_files_of_other_formats(nasty: Path) -> None:
    tif = (nasty / "formats" / "16bit_gray.tif").read_bytes()
    with Image.open(nasty / "formats" / "16bit_gray.tif") as image:
        start = image.tag_v2[273][0]  # type: ignore[attr-defined]
        order = "<u2" if tif[:2] == b"II" else ">u2"
    values = np.frombuffer(tif, order, 64 * 64, start).reshape(64, 64, 1)
    assert np.array_equal(decoded(tif, GRAY), values)
    # The same picture, lossless in both.
    jp2 = decoded((nasty / "formats" / "gray16.jp2").read_bytes(), GRAY)
    assert np.array_equal(jp2, values)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_png(count: int) -> None:
    samples = noise(20, 30, count)
    ours = decoded(png(samples))
    assert np.array_equal(by_tensorflow(png(samples)), samples)
    expected = samples if count in (1, 3) else by_floats(samples)
    assert np.array_equal(ours, np.broadcast_to(expected, (20, 30, 3)))


def test_a_transparent_value_is_composited() -> None:
    gray, color = noise(9, 8, 1), noise(9, 8, 3)
    ours = decoded(png(gray, transparent(int(gray[3, 4, 0]))), ConvertOptions(depth=16, background=(1, 2, 3)))
    expected = np.where(gray == gray[3, 4], np.array([1, 2, 3]) * 257, gray)
    assert np.array_equal(ours, expected)
    ours = decoded(png(color, transparent(*color[3, 4].tolist())))
    color[3, 4] = MAX_VALUE
    assert np.array_equal(ours, color)
    # And so it is where 8 bits are kept.
    shallow = decode_image(png(gray, transparent(int(gray[3, 4, 0]))), ConvertOptions()).pixels
    assert np.array_equal(shallow, np.broadcast_to(np.where(gray == gray[3, 4], 255, gray >> 8), (9, 8, 3)))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_tiff(order: str, count: int, orientation: int) -> None:
    samples = noise(6, 9, count)
    upright: Any = samples
    if orientation >= 5:
        upright = upright.swapaxes(0, 1)
    upright = upright[
        :: -1 if orientation in (3, 4, 7, 8) else 1, :: -1 if orientation in (2, 3, 6, 7) else 1
    ]
    data = tiff(samples, order=order, orientation=orientation)
    assert np.array_equal(decoded(data), np.broadcast_to(upright, (*upright.shape[:2], 3)))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("count", [1, 3])
def test_a_turned_png(orientation: int, count: int) -> None:
    samples = noise(6, 9, count)
    ours = decoded(png(samples, turned(orientation)), GRAY if count == 1 else DEEP)
    theirs = decode_image(png((samples >> 8).astype(np.uint8), turned(orientation)), ConvertOptions())
    assert np.array_equal(np.broadcast_to(ours >> 8, (*ours.shape[:2], 3)), theirs.pixels)
    assert np.array_equal(np.sort(ours, axis=None), np.sort(samples, axis=None))
    data = png(samples, turned(orientation))
    assert (stored(data) == data) == (orientation == 1)


def test_tiff_with_more_samples() -> None:
    samples = noise(6, 9, 4)
    assert np.array_equal(decoded(tiff(samples, extra=2)), by_floats(samples))
    assert np.array_equal(decoded(tiff(samples, extra=0)), samples[..., :3])
    white_is_zero = tiff(samples[..., :1], photometric=0)
    assert np.array_equal(decoded(white_is_zero, GRAY), MAX_VALUE - samples[..., :1])
    shallow = decode_image(white_is_zero, ConvertOptions(channels=1)).pixels
    assert np.array_equal(shallow, (MAX_VALUE - samples[..., :1]) >> 8)


@pytest.mark.parametrize("data", [tiff(noise(6, 9, 3), planar=True), tiff(noise(6, 9, 4), extra=1)])
def test_what_two_decoders_read_differently_is_refused(data: bytes) -> None:
    with pytest.raises(
        ImageError, match=r"two decoders read differently .*TIFF.*--depth 8 takes it"
    ) as error:
        decode_image(data, DEEP)
    assert error.value.reason == "unsupported_format"
    assert decode_image(data, ConvertOptions()).pixels.shape == (6, 9, 3)


def test_8_bits_are_widened(nasty: Path, clothing: Path) -> None:
    photo = sorted(clothing.glob("train/hat/*.jpg"))[0].read_bytes()
    palette = (nasty / "png" / "basn3p08.png").read_bytes()
    for data in (photo, palette, png(np.arange(256, dtype=np.uint8).reshape(16, 16, 1))):
        shallow = decode_image(data, ConvertOptions()).pixels
        assert np.array_equal(decoded(data), shallow.astype(np.int64) * 257)
    assert decoded(png(np.uint8([[[0], [255]]]))).ravel().tolist() == [0, 0, 0, 65_535, 65_535, 65_535]  # type: ignore[arg-type]


def test_alpha_of_8_bits_is_composited_in_16() -> None:
    samples = np.random.default_rng(1).integers(0, 256, (30, 40, 4), np.uint8)
    assert np.array_equal(decoded(png(samples)), by_floats(to_uint16(samples)))


@given(hnp.arrays(np.uint16, st.tuples(st.integers(1, 5), st.integers(1, 5), st.sampled_from([2, 4]))))
def test_compositing_is_rounded_once(samples: Samples) -> None:
    exact = samples[..., :-1].astype(object) * samples[..., -1:].astype(object) + 128 * 257 * (
        MAX_VALUE - samples[..., -1:].astype(object)
    )
    expected = [int(2 * value + MAX_VALUE) // (2 * MAX_VALUE) for value in exact.ravel()]
    ours = composite(samples, (128, 128, 128))
    assert np.array_equal(ours, np.broadcast_to(np.reshape(expected, exact.shape), ours.shape))


@given(hnp.arrays(np.uint16, st.tuples(st.integers(1, 5), st.integers(1, 5), st.just(3))))
def test_gray_is_the_nearest(colors: Samples) -> None:
    exact = colors @ np.array([19_595, 38_470, 7_471], np.int64) / 65_536
    assert np.abs(to_luma(colors)[..., 0] - exact).max() <= 0.5
    gray = np.repeat(colors[..., :1], 3, axis=2)
    assert np.array_equal(to_luma(gray), colors[..., :1])


def test_large_images_are_done_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = noise(50, 7, 4)
    whole, gray = composite(samples, (9, 99, 200)), to_luma(samples[..., :3])
    monkeypatch.setattr("fitfeed.converters.images.white.PIXELS_AT_ONCE", 20)
    assert np.array_equal(composite(samples, (9, 99, 200)), whole)
    assert np.array_equal(to_luma(samples[..., :3]), gray)


@settings(max_examples=tries(50))
@given(hnp.arrays(np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3]))))
def test_png_is_lossless_for_tensorflow_and_for_us(pixels: Samples) -> None:
    payload, channels = encode_png(pixels), pixels.shape[2]
    assert np.array_equal(by_tensorflow(payload), pixels)
    size = pixels.shape[:2]
    assert np.array_equal(decode_payload(payload, size=size, channels=channels, depth=16), pixels)
    ours = decode_payload(payload, size=size, channels=3, depth=16)
    assert ours.flags.writeable
    assert np.array_equal(ours, np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


PLAIN = png(noise(6, 9, 3))
KEPT = [
    PLAIN,
    png(noise(6, 9, 1)),
    png(noise(6, 9, 3), chunk(b"gAMA", (22_222).to_bytes(4, "big"))),
    png(noise(6, 9, 3), chunk(b"sBIT", bytes([10, 10, 10])), chunk(b"sRGB", b"\0")),
]
CHANGED = [
    png(noise(6, 9, 2)),
    png(noise(6, 9, 3), transparent(1, 2, 3)),
    png(noise(6, 9, 3).astype(np.uint8)),
    png(noise(6, 9, 3), turned(6)),
    tiff(noise(6, 9, 3)),
]


@pytest.mark.parametrize("data", KEPT)
def test_what_every_reader_decodes_is_kept(data: bytes) -> None:
    assert stored(data) == data
    theirs = by_tensorflow(data, channels=3)
    assert np.array_equal(theirs, decoded(data))
    assert np.array_equal(theirs, decode_payload(data, size=(6, 9), channels=3, depth=16))


def test_hostile_files_are_kept_where_they_may_be(nasty: Path) -> None:
    for name, kept in {"basn0g16": True, "basn2c16": True, "oi9n2c16": True, "basi6a16": False}.items():
        data = (nasty / "png" / f"{name}.png").read_bytes()
        assert (stored(data) == data) is kept
        assert np.array_equal(by_tensorflow(stored(data), channels=3), decoded(data))


@pytest.mark.parametrize("data", CHANGED)
def test_all_else_is_encoded_anew(data: bytes) -> None:
    payload = stored(data)
    assert payload != data
    assert np.array_equal(by_tensorflow(payload, channels=3), decoded(data))


def test_colors_are_not_kept_as_gray() -> None:
    assert np.array_equal(by_tensorflow(stored(PLAIN, GRAY)), decoded(PLAIN, GRAY))
    assert stored(png(noise(6, 9, 1)), GRAY) == png(noise(6, 9, 1))


@pytest.mark.parametrize("cut", [0, 7, 30, 100, -13, -1])
def test_a_damaged_payload_is_no_image(cut: int) -> None:
    with pytest.raises(
        ValueError,
        match=r"not a JPEG or PNG payload|not a PNG payload of 16 bits with 3 channels, or not a whole one",
    ):
        decode_payload(PLAIN[:cut], size=(6, 9), channels=3, depth=16)


def test_a_payload_of_another_kind_is_no_image(clothing: Path) -> None:
    photo = sorted(clothing.glob("train/hat/*.jpg"))[0].read_bytes()
    flipped = bytearray(PLAIN)
    flipped[60] ^= 1
    for data in (photo, bytes(flipped), png(noise(2, 2, 3).astype(np.uint8)), png(noise(2, 2, 4))):
        with pytest.raises(ValueError, match="16 bits"):
            decode_payload(data, size=claimed_size(data), channels=3, depth=16)
    for data in (b"", b"raw"):
        with pytest.raises(ValueError, match="not a JPEG or PNG payload"):
            decode_payload(data, size=(6, 9), channels=3, depth=16)
    with pytest.raises(ValueError, match="with 1 channels"):
        decode_payload(PLAIN, size=(6, 9), channels=1, depth=16)


def test_sides_that_opencv_does_not_take() -> None:
    long = png(noise(1, (1 << 20) + 1, 1) & np.uint16(0xFF00))
    with pytest.raises(ImageError, match="1048577 x 1 pixels as stored is more than the 1048576 a side"):
        stored(long, GRAY)
    with pytest.raises(ValueError, match="16 bits"):
        decode_payload(long, size=(1, (1 << 20) + 1), channels=1, depth=16)
    raw = ConvertOptions(depth=16, channels=1, encoding="raw", size=(1, 8), fit="stretch")
    assert len(stored(long, raw)) == 16


def by_areas(pixels: Pixels, height: int, width: int) -> Any:
    """Means of areas, as two matrix products in float64."""

    def weights(old: int, new: int) -> Any:
        edges = np.arange(new + 1) * old / new
        starts = np.arange(old)
        return (
            np.clip(np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts), 0, None)
            * new
            / old
        )

    rows, columns = weights(pixels.shape[0], height), weights(pixels.shape[1], width)
    return np.einsum("ij,jkc,lk->ilc", rows, pixels.astype(np.float64), columns)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(30, 40), (45, 61), (60, 80), (17, 79), (7, 5)])
def test_shrinking_is_within_one_level_of_the_mean(channels: int, size: tuple[int, int]) -> None:
    pixels = noise(60, 80, channels)
    options = ConvertOptions(depth=16, size=size, fit="stretch", channels=1 if channels == 1 else 3)
    ours = resize(pixels, options)
    assert ours.dtype == np.uint16
    assert np.abs(ours - by_areas(pixels, *size)).max() <= 1.01


def test_enlarging_interpolates_in_16_bits() -> None:
    ramp = np.linspace(0, 65_535, 11).round().astype(np.uint16).reshape(1, 11, 1)
    ours = resize(ramp, ConvertOptions(depth=16, channels=1, size=(1, 44), fit="stretch"))
    places = np.clip((np.arange(44) + 0.5) / 4 - 0.5, 0, 10)
    assert np.abs(ours.ravel() - np.interp(places, np.arange(11), ramp.ravel())).max() <= 1


@pytest.mark.parametrize(("channels", "pad"), [(3, [257, 514, 771]), (1, [466])])
def test_padding_has_the_background(channels: Any, pad: list[int]) -> None:
    options = ConvertOptions(
        depth=16, channels=channels, size=(20, 20), fit="contain", background=(1, 2, 3), encoding="raw"
    )
    data = png(noise(10, 20, 3))
    pixels = np.frombuffer(stored(data, options), "<u2").reshape(20, 20, channels)
    assert pixels[0, 0].tolist() == pad
    assert np.array_equal(pixels[5:15], decoded(data, options))


def test_raw_is_little_endian() -> None:
    options = ConvertOptions(depth=16, encoding="raw", size=(6, 9))
    assert np.array_equal(tf.io.decode_raw(stored(PLAIN, options), tf.uint16).numpy(), decoded(PLAIN).ravel())


def test_options() -> None:
    assert ConvertOptions(depth=16).encoding == "keep"
    assert ConvertOptions(depth=16, size=(9, 9)).encoding == "png"
    with pytest.raises(UsageError, match=r"'jpeg' has 8 bits.*--encoding keep, png or raw with --depth 16"):
        ConvertOptions(depth=16, encoding="jpeg")
    with pytest.raises(UsageError, match="depth must be one of 8, 16"):
        ConvertOptions(depth=12)  # type: ignore[arg-type]
    assert "depth" not in ConvertOptions().to_json()
    assert ConvertOptions.from_json(ConvertOptions(depth=16).to_json()) == ConvertOptions(depth=16)
