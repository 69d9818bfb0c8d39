"""A payload that claims another size than its row is refused before any decoder asks for memory."""

from typing import Any

import cv2
import numpy as np
import pytest
import simplejpeg
from PIL.PngImagePlugin import PngImageFile

from fitfeed.schemas.payload import FULL, DecodeWindow, claimed_size, decode_payload, decode_window
from tests.deep import noise, png
from tests.forged import SIDE, header_chunk, jpeg_claiming, png_claiming
from tests.pipelines.build_dataset import picture

FORGED = [
    pytest.param(jpeg_claiming(SIDE, SIDE), 8, 3, id="JPEG"),
    pytest.param(jpeg_claiming(SIDE, SIDE, subsampling="444"), 8, 1, id="JPEG as gray"),
    pytest.param(png_claiming(SIDE, SIDE), 8, 3, id="PNG"),
    pytest.param(png_claiming(SIDE, SIDE, color=0, rows=8), 8, 1, id="mask"),
    pytest.param(png_claiming(SIDE, SIDE, depth=1, color=3), 8, 1, id="palette"),
    pytest.param(png_claiming(SIDE, SIDE, depth=16), 16, 3, id="PNG of 16 bits"),
    pytest.param(png_claiming(2**31 - 1, 2**31 - 1, depth=16), 16, 1, id="more than 64 bits"),
]
WINDOWS = [FULL, DecodeWindow(shrink=8), DecodeWindow(stop=4), DecodeWindow(2, 6, 2)]


@pytest.fixture
def no_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever decodes pixels fails the test."""

    def decode(*arguments: Any, **options: Any) -> None:
        pytest.fail("a decoder was asked")

    monkeypatch.setattr(simplejpeg, "decode_jpeg", decode)
    monkeypatch.setattr(cv2, "imdecode", decode)
    monkeypatch.setattr(PngImageFile, "load", decode)


@pytest.mark.usefixtures("no_decoder")
@pytest.mark.parametrize(("payload", "depth", "channels"), FORGED)
def test_no_decoder_sees_a_forged_size(payload: bytes, depth: Any, channels: int) -> None:
    assert len(payload) < 1000 or depth == 8
    options: dict[str, Any] = {"size": (8, 8), "channels": channels, "depth": depth}
    with pytest.raises(ValueError, match=r"its header says \d+ x \d+ pixels, but the index says 8 x 8"):
        decode_payload(payload, **options)
    for window in WINDOWS:
        with pytest.raises(ValueError, match="but the index says 8 x 8"):
            decode_window(payload, window, **options)


def test_the_size_of_a_header() -> None:
    assert claimed_size(jpeg_claiming(SIDE, 7)) == (SIDE, 7)
    assert claimed_size(png_claiming(5, SIDE)) == (5, SIDE)
    assert claimed_size(simplejpeg.encode_jpeg(picture(1, 30, 40))) == (30, 40)
    assert claimed_size(png(noise(6, 9, 1))) == (6, 9)


@pytest.mark.parametrize("payload", [b"", b"raw", png(noise(6, 9, 1))[:30], jpeg_claiming(9, 9)[:100]])
def test_what_has_no_header_has_no_size(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a JPEG or PNG payload|[Pp]remature|JPEG"):
        claimed_size(payload)


@pytest.mark.parametrize("depth", [8, 16])
def test_a_second_header_does_not_count(depth: Any) -> None:
    """Pillow takes the last one. The first says 6 x 9, as the index does."""
    samples = noise(6, 9, 3) if depth == 16 else noise(6, 9, 3).astype(np.uint8)
    whole = png(samples)
    second = header_chunk(SIDE, SIDE, depth=depth)
    for payload in (whole[:33] + second + whole[33:], whole[:8] + second + whole[8:]):
        with pytest.raises(ValueError, match=r"not a whole PNG|or not a whole one|but the index says 6 x 9"):
            decode_payload(payload, size=(6, 9), channels=3, depth=depth)


def test_bytes_that_libjpeg_passes_over_do_not_mislead() -> None:
    """A marker without a length, before the frame: `rows_of` takes what follows for a length."""
    payload = simplejpeg.encode_jpeg(picture(1, 96, 80))
    forged = payload[:2] + b"\xff\xd0" + payload[2:]
    assert claimed_size(forged) == (96, 80)
    pixels, first, _ = decode_window(forged, DecodeWindow(stop=8), size=(96, 80), channels=3)
    assert (first, pixels.shape[1:]) == (0, (80, 3))
    assert np.array_equal(pixels[:8], simplejpeg.decode_jpeg(payload)[:8])
