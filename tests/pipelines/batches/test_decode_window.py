"""Decoding less than the whole image: never seen, where only rows are left out; close, where it is scaled."""

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fitfeed.pipelines import CenterCrop, Dataset, RandomFlip, RandomResizedCrop, make_pipeline, open_dataset
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.augment.cpu.resample import CropResize
from fitfeed.pipelines.batches.decode_window import MARGIN, decode_window_of
from fitfeed.schemas.payload import Pixels
from tests.pipelines.build_dataset import Example, Format, build_dataset, encoded, picture
from tests.pipelines.image_loading import Loading

FORMATS: tuple[Format, ...] = ("tfrecord", "hdf5")
COUNT = 24
SIZE = (24, 30)
AUGMENT = [RandomResizedCrop(), RandomFlip()]


def large_example(number: int) -> Example:
    """60 to 500 pixels a side: cropped and shrunk, some are decoded at each of the scales."""
    height, width = 60 + number * 67 % 440, 60 + number * 101 % 440
    pixels = picture(number, height, width)
    file = io.BytesIO()
    if number % 6 == 4:
        Image.fromarray(pixels).save(file, "PNG")
    elif number % 6 == 3:
        Image.fromarray(pixels).save(file, "JPEG", restart_marker_rows=1)
    elif number % 6 == 5:
        Image.fromarray(pixels).save(file, "JPEG", progressive=True)
    else:
        subsampling = ("444", "422", "420")[number % 6]
        file.write(simplejpeg.encode_jpeg(pixels, quality=90, colorsubsampling=subsampling))
    return encoded(f"class{number % 3}/image{number:04}", number % 3, file.getvalue())


@pytest.fixture(scope="module")
def photos() -> list[Example]:
    return [large_example(number) for number in range(COUNT)]


@pytest.fixture(scope="module")
def albums(tmp_path_factory: pytest.TempPathFactory, photos: list[Example]) -> dict[Format, Dataset]:
    root = tmp_path_factory.mktemp("albums")
    return {f: open_dataset(build_dataset(root / f, {"train": photos}, format=f)) for f in FORMATS}


def program() -> Program:
    return Program(AUGMENT, image_size=SIZE, seed=5)


def load(dataset: Dataset, *, threads: int = 2, payloads: list[bytes] | None = None) -> npt.NDArray[Any]:
    return Loading(dataset, program(), batch_size=COUNT, threads=threads).load(3, np.arange(COUNT), payloads)


def whole(dataset: Dataset, photos: list[Example]) -> list[Pixels]:
    """The same images, from wholly decoded ones."""
    index = dataset.records("train").index
    compiled = program().compile(3, np.arange(COUNT), heights=index.height, widths=index.width)
    return [program().render(photo.pixels, compiled, i, size=SIZE) for i, photo in enumerate(photos)]


def scales(dataset: Dataset) -> list[int]:
    index = dataset.records("train").index
    compiled = program().compile(3, np.arange(COUNT), heights=index.height, widths=index.width)
    return [decode_window_of(passes).shrink for passes in compiled.passes]


def test_same_bits_however_they_are_read(albums: dict[Format, Dataset]) -> None:
    first = load(albums["tfrecord"], threads=1)
    assert {1, 2, 4, 8} <= set(scales(albums["tfrecord"]))
    for dataset in albums.values():
        payloads = [dataset.records("train").encoded(i) for i in range(COUNT)]
        for threads in (1, 8):
            assert np.array_equal(load(dataset, threads=threads), first)
            assert np.array_equal(load(dataset, threads=threads, payloads=payloads), first)


@pytest.mark.slow
def test_same_bits_after_a_restart_and_in_either_access(albums: dict[Format, Dataset]) -> None:
    def images(dataset: Dataset, access: Any) -> dict[bytes, bytes]:
        batches = make_pipeline(
            open_dataset(dataset.path),
            "train",
            batch_size=8,
            image_size=SIZE,
            augment=AUGMENT,
            output="dict",
            access=access,
            start=(2, 0),
        )
        return {
            key: image.tobytes()
            for batch in batches
            for key, image in zip(batch["key"].numpy(), batch["image"].numpy(), strict=True)
        }

    first = images(albums["tfrecord"], "indexed")
    assert len(first) == COUNT
    assert all(
        images(dataset, access) == first for dataset in albums.values() for access in ("indexed", "stream")
    )


def test_left_out_rows_are_never_seen(
    albums: dict[Format, Dataset], photos: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fitfeed.pipelines.batches.decode_window.SHRINKS", ())
    assert np.array_equal(load(albums["tfrecord"]), whole(albums["tfrecord"], photos))


def test_scaled_decoding_is_near_resizing_by_area(
    albums: dict[Format, Dataset], photos: list[Example]
) -> None:
    index = albums["hdf5"].records("train").index
    compiled = program().compile(3, np.arange(COUNT), heights=index.height, widths=index.width)
    for image, photo, view, scale in zip(
        load(albums["hdf5"]), photos, compiled.views, scales(albums["hdf5"]), strict=True
    ):
        if scale == 1:
            continue
        top, left, height, width = map(round, view.box)
        crop = photo.pixels[top : top + height, left : left + width]
        averaged = cv2.resize(crop, SIZE[::-1], interpolation=cv2.INTER_AREA)
        if view.flip_code is not None:
            averaged = cv2.flip(averaged, view.flip_code)
        assert np.abs(image - averaged.astype(float)).mean() < 6


def test_a_scaled_image_lies_where_the_whole_one_does(tmp_path: Path) -> None:
    y, x = np.mgrid[0:640, 0:800]  # a ramp shows any shift: one pixel of the output is 3 to 5 grey levels
    ramp = np.stack([x * 255 / 800, y * 255 / 640, (x + y) * 255 / 1440], axis=-1).astype(np.uint8)
    payload = simplejpeg.encode_jpeg(ramp, quality=98, colorsubsampling="444")
    dataset = open_dataset(build_dataset(tmp_path / "d", {"train": [encoded("a", 0, payload)]}, shards=1))
    batch = next(
        iter(
            make_pipeline(
                dataset,
                "train",
                batch_size=1,
                image_size=(40, 50),
                augment=[CenterCrop(400, 500)],
                normalize=None,
                dtype="float32",
            )
        )
    )
    expected = cv2.resize(ramp[120:520, 150:650].astype(np.float32), (50, 40), interpolation=cv2.INTER_AREA)
    difference = batch[0].numpy()[0] - expected
    assert np.abs(difference).max() < 2.5  # rounded twice, to 8 bits
    assert np.abs(difference.mean(axis=(0, 1))).max() < 0.4  # a shift by 1/8 of an output pixel would be 0.6


sides = st.integers(1, 500)
edges = st.floats(0.5, 5000)


@given(top=st.floats(0, 5000), height=edges, width=edges, out_height=sides, out_width=sides)
def test_what_is_needed(top: float, height: float, width: float, out_height: int, out_width: int) -> None:
    view = CropResize(box=(top, 3.5, height, width), flip=(False, True), size=(out_height, out_width))
    first, stop, shrink = decode_window_of([view])
    small = view.within(first, shrink)
    assert small.box == tuple(edge / shrink for edge in (top - first, *view.box[1:]))
    assert (small.size, small.flip) == (view.size, view.flip)
    assert first == 0 or MARGIN <= small.box[0] < MARGIN + 1
    assert stop is not None
    assert (stop - first) / shrink >= small.box[0] + small.box[2] + MARGIN - 1e-9
    assert stop <= top + height + MARGIN * shrink + 1
    assert shrink in (1, 2, 4, 8)
    if shrink > 1:  # so much is left that nothing is enlarged
        assert small.box[2] >= out_height
        assert small.box[3] >= out_width
    if shrink < 8:  # and the next scale would leave too little
        assert height < 2 * shrink * out_height or width < 2 * shrink * out_width
