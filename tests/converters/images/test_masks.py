"""Masks: indices, not colours; moved as their image is; refused with a reason."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fitfeed.converters.images.decode import decode_image
from fitfeed.converters.images.masks import decode_mask, encode_mask
from fitfeed.converters.images.resize import resize, resize_mask
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import ImageError

VALUES = np.arange(12, dtype=np.uint8).reshape(3, 4) % 4
PALETTE = [200, 0, 0, 0, 200, 0, 0, 0, 200, 9, 9, 9]


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def palette(values: npt.NDArray[np.uint8]) -> Image.Image:
    image = Image.fromarray(values)
    image.putpalette(PALETTE)
    return image


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (saved(Image.fromarray(VALUES)), VALUES),
        (saved(palette(VALUES)), VALUES),
        (saved(palette(VALUES), bits=2), VALUES),
        (saved(palette(VALUES), transparency=0), VALUES),
        (saved(palette(VALUES), "GIF"), VALUES),
        (saved(palette(VALUES), "BMP"), VALUES),
        (saved(Image.fromarray(VALUES > 1)), (VALUES > 1).astype(np.uint8)),
        (saved(Image.fromarray(VALUES.astype(np.uint16))), VALUES),
        (saved(Image.fromarray(VALUES), "TIFF"), VALUES),
    ],
    ids=["grey", "palette", "2 bits", "transparent", "gif", "bmp", "bilevel", "16 bits", "tiff"],
)
def test_values_come_out_as_they_are(data: bytes, expected: npt.NDArray[np.uint8]) -> None:
    mask = decode_mask(data, ConvertOptions())
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, expected[:, :, np.newaxis])


@pytest.mark.parametrize(
    ("data", "reason", "message"),
    [
        (saved(Image.new("RGB", (4, 4))), "label_invalid", r"colors or transparency \(PNG of mode RGB\)"),
        (saved(Image.new("RGBA", (4, 4))), "label_invalid", "mode RGBA"),
        (saved(Image.new("LA", (4, 4))), "label_invalid", "mode LA"),
        (saved(Image.new("CMYK", (4, 4)), "JPEG"), "label_invalid", "mode CMYK"),
        (saved(Image.new("F", (4, 4)), "TIFF"), "label_invalid", "mode F"),
        (saved(Image.fromarray(np.full((4, 4), 300, np.uint16))), "label_invalid", "the value 300"),
        (b"", "empty_file", "no bytes"),
        (b"text", "not_an_image", "no known image format"),
        (saved(Image.effect_noise((64, 64), 90))[:-600], "truncated", "truncated"),
    ],
    ids=range(9),
)
def test_what_is_no_mask(data: bytes, reason: str, message: str) -> None:
    with pytest.raises(ImageError, match=message) as caught:
        decode_mask(data, ConvertOptions())
    assert caught.value.reason == reason


SMOOTH = Image.fromarray(np.add.outer(np.arange(40), np.arange(30)).astype(np.uint8))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (saved(SMOOTH, "JPEG", quality=100), "JPEG"),
        (saved(SMOOTH, "TIFF", compression="jpeg"), "TIFF with JPEG compression"),
        (saved(SMOOTH, "JPEG2000", irreversible=True, quality_layers=[20]), "lossy JPEG 2000"),
    ],
    ids=["jpeg", "tiff", "jpeg 2000"],
)
def test_numbers_in_lossy_files_are_taken_only_by_name(data: bytes, kind: str) -> None:
    with pytest.raises(ImageError, match=f"^{kind} changes values.*--lossy-masks accept") as caught:
        decode_mask(data, ConvertOptions())
    assert caught.value.reason == "label_invalid"
    accepted = decode_mask(data, ConvertOptions(lossy_masks="accept"))
    with Image.open(io.BytesIO(data)) as image:
        np.testing.assert_array_equal(accepted[:, :, 0], np.asarray(image))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF", "PPM", "JPEG2000", "TGA"])
def test_numbers_in_lossless_files_are_those_that_were_saved(kind: str) -> None:
    np.testing.assert_array_equal(
        decode_mask(saved(SMOOTH, kind), ConvertOptions())[:, :, 0], np.asarray(SMOOTH)
    )


@given(st.integers(1, 65_535), st.booleans(), st.data())
def test_a_pgm_has_the_numbers_of_its_file_whatever_its_brightest_value(
    maxval: int, in_text: bool, data: st.DataObject
) -> None:
    """Pillow scales them to its own brightest value."""
    values = data.draw(st.lists(st.integers(0, min(maxval, 255)), min_size=6, max_size=6))
    if in_text:
        file = f"P2 3 2 {maxval} {' '.join(map(str, values))}\n".encode()
    else:
        file = f"P5 3 2 {maxval}\n".encode() + np.array(values, ">u2" if maxval > 255 else "u1").tobytes()
    assert decode_mask(file, ConvertOptions()).ravel().tolist() == values


def test_a_bomb_is_refused_as_for_images() -> None:
    with pytest.raises(ImageError, match="more than the 100 allowed"):
        decode_mask(saved(Image.new("L", (11, 10))), ConvertOptions(max_pixels=100))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_image_and_mask_are_turned_each_by_its_own_orientation(orientation: int) -> None:
    """Both end upright: the image by its tag, the mask, saved upright, without one."""
    rng = np.random.default_rng(0)
    stored = rng.integers(0, 256, (3, 5), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(Image.fromarray(stored), exif=exif)
    image = decode_image(data, ConvertOptions(channels=1)).pixels
    np.testing.assert_array_equal(decode_mask(data, ConvertOptions()), image)
    upright = decode_mask(saved(Image.fromarray(image[:, :, 0])), ConvertOptions())
    assert encode_mask(upright, image.shape[:2], ConvertOptions())[0]
    if orientation > 4:
        with pytest.raises(
            ImageError, match="it is 5 x 3 pixels, and its image 3 x 5, both upright"
        ) as caught:
            encode_mask(stored[:, :, np.newaxis], image.shape[:2], ConvertOptions())
        assert caught.value.reason == "mask_mismatch"


SIDES = st.integers(1, 40)


@given(SIDES, SIDES, SIDES, SIDES)
def test_nearest_is_pillows(height: int, width: int, to_height: int, to_width: int) -> None:
    mask = np.random.default_rng(height).integers(0, 256, (height, width, 1), np.uint8)
    got = resize_mask(mask, ConvertOptions(size=(to_height, to_width), fit="stretch"))[:, :, 0]
    expected = Image.fromarray(mask[:, :, 0]).resize((to_width, to_height), Image.Resampling.NEAREST)
    different = got != np.asarray(expected)
    # Where a centre falls exactly between two pixels, Pillow's floating point decides either way.
    centers_y = (np.arange(to_height) + 0.5) * height / to_height
    centers_x = (np.arange(to_width) + 0.5) * width / to_width
    tie_y, tie_x = (np.isclose(c, np.round(c), atol=1e-9) for c in (centers_y, centers_x))
    assert not (different & ~tie_y[:, np.newaxis] & ~tie_x).any()


@given(SIDES, SIDES, SIDES, SIDES, st.sampled_from(["shorter", "cover", "contain", "stretch"]))
def test_a_mask_goes_where_its_image_goes(
    height: int, width: int, to_height: int, to_width: int, fit: str
) -> None:
    options = ConvertOptions(size=(to_height, to_width), fit=fit, channels=1, background=(0, 0, 0))  # type: ignore[arg-type]
    half = np.zeros((height, width, 1), np.uint8)
    half[height // 2 :, width // 2 :] = 255
    image, mask = resize(half, options), resize_mask(half, options)
    assert mask.shape == image.shape
    # An area or bilinear mean that is nearly black or white shows pixels of that one value only.
    assert set(np.unique(mask)) <= {0, 255}
    certain = (image == 0) | (image == 255)
    assert (mask == image)[certain].all()


@pytest.mark.parametrize("encoding", ["png", "raw"])
def test_storage_is_lossless(encoding: str) -> None:
    options = ConvertOptions(size=(6, 8), fit="stretch", encoding=encoding)  # type: ignore[arg-type]
    payload, _ = encode_mask(VALUES[:, :, np.newaxis], (3, 4), options)
    expected = VALUES.repeat(2, axis=0).repeat(2, axis=1)
    if encoding == "raw":
        assert payload == expected.tobytes()
    else:
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(payload))), expected)


def test_whatever_the_file_is_it_is_a_mask_or_refused(nasty: Path) -> None:
    """Also files that no mask should be: none raises anything else, and none is a picture of colours."""
    refused, taken = 0, 0
    for path in sorted(path for path in nasty.rglob("*") if path.is_file()):
        try:
            mask = decode_mask(path.read_bytes(), ConvertOptions(lossy_masks="accept"))
        except ImageError:
            refused += 1
            continue
        taken += 1
        assert mask.dtype == np.uint8
        assert mask.shape[2] == 1
        with Image.open(path) as image:
            assert len(image.getbands()) == 1
    assert refused > 60
    assert taken > 15
