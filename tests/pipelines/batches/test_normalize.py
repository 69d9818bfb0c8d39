import warnings
from pathlib import Path
from typing import Any

import keras
import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest

from fitfeed.pipelines import Dataset
from fitfeed.pipelines.arrays.pixel_loops import _compiled
from fitfeed.pipelines.batches.normalize import KINDS, NormalizeKind, Normalizer, shift_and_scale
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.statistics import ChannelStatistics


def statistics(channels: int = 3) -> ChannelStatistics:
    random = np.random.default_rng(0)
    histogram = np.zeros((channels, 256), np.int64)
    for channel in range(channels):
        histogram[channel] += np.bincount(
            random.normal(100 + 20 * channel, 30, 5000).clip(3, 250).astype(int), minlength=256
        )
    return ChannelStatistics(histogram)


def reference(kind: str | None, stats: ChannelStatistics, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    x: npt.NDArray[np.float64] = pixels.astype(np.float64)
    low, high = np.array(stats.min, float), np.array(stats.max, float)
    shift, scale = np.zeros(len(low)), np.ones(len(low))
    match kind:
        case "zscore":
            shift, scale = np.array(stats.mean), np.array(stats.std)
        case "minmax":
            shift, scale = low, high - low
        case "unit":
            scale = np.full(len(low), 255.0)
        case "symmetric":
            shift = scale = np.full(len(low), 127.5)
    return (x - shift) / scale


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", [*KINDS, None])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(np.float32, 0), (np.float16, 2**-11), (ml_dtypes.bfloat16, 2**-8)]
)
def test_equals_float64(channels: int, kind: str | None, dtype: Any, tolerance: float) -> None:
    stats = statistics(channels)
    pixels = np.random.default_rng(1).integers(0, 256, (2, 31, 47, channels), dtype=np.uint8)
    batch = np.zeros(pixels.shape, dtype)
    normalizer = Normalizer(kind, stats, dtype=dtype)
    for image, out in zip(pixels, batch, strict=True):
        normalizer(image, out)
    assert np.allclose(batch.astype(np.float64), reference(kind, stats, pixels), rtol=tolerance, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_keras_layer_agrees_and_loads_without_us(
    kind: NormalizeKind, flowers: Dataset, tmp_path: Path
) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (2, 8, 9, 3), dtype=np.uint8)
    layer = flowers.normalization(kind)
    assert type(layer) is keras.layers.Normalization
    expected = reference(kind, flowers.statistics, pixels)
    assert np.allclose(layer(pixels), expected, atol=1e-5)
    model = keras.Sequential([keras.Input((8, 9, 3), dtype="uint8"), layer])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert np.allclose(loaded(pixels), expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["zscore", "minmax"])
def test_constant_channel_is_finite_and_warns(kind: str) -> None:
    histogram = np.zeros((3, 256), np.int64)
    histogram[0, 10:20], histogram[1, 77], histogram[2, :10] = 1, 10, 1
    stats = ChannelStatistics(histogram)
    with pytest.warns(UserWarning, match=r"channel 1 \(always 77\)"):
        shift, scale = shift_and_scale(kind, stats)
    assert shift[1] == 77
    assert scale[1] == 1
    with pytest.warns(UserWarning, match="channel 1"):
        normalizer = Normalizer(kind, stats, dtype=np.float32)
    out = np.full((4, 4, 3), np.nan, np.float32)
    normalizer(np.full((4, 4, 3), 77, np.uint8), out)
    assert np.isfinite(out).all()
    assert (out[..., 1] == 0).all()


def test_no_warning_without_reason() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in KINDS:
            shift_and_scale(kind, statistics())


def test_unknown_kind(flowers: Dataset) -> None:
    with pytest.raises(UsageError, match=r"Received: 'mean'\. Use one of: 'zscore'"):
        flowers.normalization("mean")  # type: ignore[arg-type]


@pytest.mark.parametrize("pixels", [np.uint8, np.uint16])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_what_is_loaded_is_what_images_of_the_depth_need(pixels: Any, dtype: Any) -> None:
    stats = ChannelStatistics(np.ones((3, np.iinfo(pixels).max + 1), np.int64))
    normalizer = Normalizer("unit", stats, dtype=dtype)
    _compiled.cache_clear()
    normalizer.load()
    assert _compiled.cache_info().misses == 1
    normalizer(np.zeros((8, 8, 3), pixels), np.empty((8, 8, 3), dtype))
    assert _compiled.cache_info().misses == 1
