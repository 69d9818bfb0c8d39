"""HEIC: named with what decodes it, and decoded where that is installed."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fitfeed.converters.images.decode import DecodedImage, decode_image
from fitfeed.converters.images.encode import encode_image
from fitfeed.converters.images.heif import NO_DECODER, heif_formats, is_heif
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import ImageError
from fitfeed.schemas.errors import TooManyRejectsError
from fitfeed.schemas.payload import payload_format
from tests.without_beam import convert

PHOTO = Path(__file__).parents[2] / "data" / "nasty" / "formats" / "photo.heic"
TURNED = Path(__file__).parents[2] / "data" / "heic" / "turned-p3.heic"
"""A gradient of 64 x 40 pixels in Display P3, to be turned by 90 degrees."""


@pytest.fixture
def without_decoder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if pi-heif were not installed."""
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    heif_formats.cache_clear()
    yield
    monkeypatch.undo()
    heif_formats.cache_clear()


def decoded(path: Path, options: ConvertOptions | None = None) -> DecodedImage:
    pytest.importorskip("pi_heif")
    return decode_image(path.read_bytes(), options or ConvertOptions())


@pytest.mark.usefixtures("without_decoder")
def test_without_a_decoder_it_is_named_with_what_installs_one() -> None:
    with pytest.raises(ImageError, match=r"HEIC needs a decoder .* pip install 'fitfeed\[heif\]'") as caught:
        decode_image(PHOTO.read_bytes(), ConvertOptions())
    assert caught.value.reason == "unsupported_format"
    assert caught.value.detail == NO_DECODER  # it is compared, so it must not be shortened


def test_the_extra_that_the_message_names_is_there() -> None:
    text = (Path(__file__).parents[3] / "pyproject.toml").read_text()
    assert '\nheif = ["pi-heif' in text


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\0\0\0\x18ftypheic", True),
        (b"\0\0\0\x18ftypmif1", True),
        (b"\0\0\0\x18ftypavif", False),
        (b"\0\0\0\x18ftypcrx ", False),
        (b"", False),
    ],
)
def test_it_is_known_by_its_first_bytes(data: bytes, expected: bool) -> None:
    assert is_heif(data) is expected


def test_after_the_decoder_is_installed_the_same_command_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The finished shards of the first run are kept, but not what it says of files that it could not decode."""
    (tmp_path / "photos" / "a").mkdir(parents=True)
    (tmp_path / "photos" / "a" / "1.heic").write_bytes(PHOTO.read_bytes())
    (tmp_path / "photos" / "a" / "2.jpg").write_bytes(
        (PHOTO.parents[1] / "jpeg/baseline_rgb.jpg").read_bytes()
    )
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    heif_formats.cache_clear()
    with pytest.raises(TooManyRejectsError, match=r"fitfeed\[heif\]"):
        convert(tmp_path / "photos", tmp_path / "dataset")
    monkeypatch.undo()
    heif_formats.cache_clear()
    pytest.importorskip("pi_heif")
    again = convert(tmp_path / "photos", tmp_path / "dataset")
    assert again.manifest.splits["train"].examples == 2


def test_pixels_are_upright_and_of_the_right_colors() -> None:
    found = decoded(TURNED)
    assert found.facts.format == "HEIF"
    assert found.facts.profile == "Display P3"
    assert found.pixels.shape == (64, 40, 3)
    top_down = np.arange(64)[:, np.newaxis] * 3
    expected = np.stack(
        np.broadcast_arrays((39 - np.arange(40)) * 6, top_down, 255 - top_down), axis=2
    )  # turned clockwise
    assert np.abs(found.pixels - expected).mean() < 4
    converted = decoded(TURNED, ConvertOptions(color="srgb"))
    assert np.abs(converted.pixels.astype(int) - found.pixels).max() > 10


def test_it_is_kept_without_loss_and_widened() -> None:
    found = decoded(PHOTO)
    payload, _ = encode_image(found, PHOTO.read_bytes(), ConvertOptions())
    assert payload_format(payload) == "png"
    assert found.pixels.std() > 20
    deep = decoded(PHOTO, ConvertOptions(depth=16))
    assert np.array_equal(deep.pixels, found.pixels.astype(np.uint16) * 257)


def test_large_ones_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(ImageError, match="is more than the 16383 allowed; --max-pixels 16384 takes it"):
        decoded(PHOTO, ConvertOptions(max_pixels=16_383))


@pytest.mark.parametrize("cut", [20, 100, 400, 2000, -1])
def test_damage_is_named(cut: int) -> None:
    pytest.importorskip("pi_heif")
    with pytest.raises(ImageError) as caught:
        decode_image(PHOTO.read_bytes()[:cut], ConvertOptions())
    assert caught.value.reason in ("truncated", "corrupt")
