"""Digests of exact pixels, and hashes of looks."""

import io
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fitfeed.converters.duplicates import image_hashes
from fitfeed.converters.duplicates.image_hashes import (
    ImageHashes,
    dhash,
    pixel_digest,
    thumbnail,
)
from fitfeed.converters.duplicates.near_duplicates import DISTANCE
from fitfeed.schemas.payload import Pixels


def perceptual_hash(pixels: Pixels) -> bytes:
    return dhash(thumbnail(pixels))


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 3]))
def test_one_changed_bit_or_another_shape_changes_the_digest(seed: int, channels: int) -> None:
    generator = np.random.default_rng(seed)
    height, width = generator.integers(1, 20, 2)
    pixels = generator.integers(0, 256, (height, width, channels), np.uint8)
    changed = pixels.copy()
    changed.reshape(-1)[generator.integers(pixels.size)] ^= 1 << generator.integers(8)
    digest = pixel_digest(pixels)
    assert len(digest) == 16
    assert pixel_digest(pixels.copy()) == digest
    assert pixel_digest(changed) != digest
    if height != width:
        assert pixel_digest(pixels.reshape(width, height, channels)) != digest


def test_digest_is_of_shape_and_pixels_as_documented() -> None:
    pixels = np.arange(24, dtype=np.uint16).reshape(2, 4, 3) * 2000
    content = struct.pack("<3I", 2, 4, 3) + pixels.astype("<u2").tobytes()
    assert pixel_digest(pixels) == xxhash.xxh3_128(content).digest()
    assert pixel_digest(pixels.astype(">u2")) == pixel_digest(pixels)


def test_round_trip() -> None:
    image_hashes = ImageHashes()
    images = [np.full((3, 4, 1), value, np.uint8) for value in range(5)]
    for image in images:
        image_hashes.add(image)
    taken = image_hashes.columns()
    digests, hashes = taken.digests, taken.hashes
    assert digests.shape == hashes.shape == (5, 2)
    assert [row.tobytes() for row in digests] == [pixel_digest(image) for image in images]
    assert not hashes.any()  # flat: nothing becomes brighter anywhere
    assert ImageHashes().columns().digests.shape == (0, 2)


def test_hashes_taken_at_once_are_those_taken_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_hashes, "MAX_THUMBNAILS", 4)
    generator = np.random.default_rng(0)
    images = [generator.integers(0, 256, (20, 30, 3), np.uint8) for _ in range(11)]
    taken = ImageHashes()
    for image in images:
        taken.add(image)
    assert [row.tobytes() for row in taken.columns().hashes] == [perceptual_hash(image) for image in images]


def test_hash_says_where_it_becomes_brighter() -> None:
    steps = np.arange(0, 252, 3).astype(np.uint8)
    ramp = np.repeat(steps[np.newaxis, :, np.newaxis], 60, axis=0)
    assert perceptual_hash(ramp) == b"\xff" * 8 + b"\0" * 8
    assert perceptual_hash(np.ascontiguousarray(ramp[:, ::-1])) == b"\0" * 16
    assert perceptual_hash(np.ascontiguousarray(ramp.swapaxes(0, 1))) == b"\0" * 8 + b"\xff" * 8


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 1, 1), (1, 20_000, 1), (20_000, 1, 3)])
def test_odd_shapes_have_a_hash(shape: tuple[int, int, int]) -> None:
    assert len(perceptual_hash(np.zeros(shape, np.uint8))) == 16


def distance(one: Pixels, other: Pixels) -> tuple[int, int]:
    bits = np.frombuffer(perceptual_hash(one), "<u8") ^ np.frombuffer(perceptual_hash(other), "<u8")
    right, down = (word.bit_count() for word in bits.tolist())
    return right, down


def reencoded(pixels: Pixels, quality: int) -> Pixels:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def test_photographs_look_like_their_copies_and_not_like_each_other(clothing: Path) -> None:
    files = sorted((clothing / "train").rglob("*.jpg"))[::4]
    pixels = [np.asarray(Image.open(file)) for file in files]
    halved = [
        np.asarray(cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
        for image in pixels
    ]
    same = [max(distance(image, reencoded(image, 60))) <= DISTANCE for image in pixels]
    small = [max(distance(image, half)) <= DISTANCE for image, half in zip(pixels, halved, strict=True)]
    others = [
        max(distance(image, other)) <= DISTANCE
        for image, other in zip(pixels, pixels[1:] + pixels[:1], strict=True)
    ]
    assert sum(same) >= 0.98 * len(same)
    assert sum(small) >= 0.9 * len(small)
    assert not any(others)
