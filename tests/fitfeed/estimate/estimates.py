"""An estimate that nobody has measured."""

from pathlib import Path
from typing import Any

from fitfeed.estimate.interval import Interval
from fitfeed.estimate.prediction import Prediction
from fitfeed.estimate.run import Estimate
from fitfeed.estimate.sample import SourceSample
from fitfeed.estimate.start import ConversionStart
from fitfeed.estimate.ways import Way
from fitfeed.pipelines.stages.feed_rates import Machinery
from fitfeed.pipelines.stages.stage_times import StageTimes


def about(value: float) -> Interval:
    """Five percent more or less."""
    return Interval(value=value, low=0.95 * value, high=1.05 * value)


def made_prediction(
    way: Way, *, stored: float, rate: float, seconds: float = 60.0, **others: Any
) -> Prediction:
    """One way."""
    given: dict[str, Any] = {
        "fits_in_memory": True,
        "psnr": None,
        "ssim": None,
        "times": StageTimes.of(decode=1.9 / rate, batch=0.1 / rate),
        "machinery": Machinery(cpus=2, workers=2, machine_cpus=2),
    }
    return Prediction(
        way=way,
        bytes=about(stored),
        seconds=about(seconds),
        images_per_second=about(rate),
        **{**given, **others},
    )


def made_predictions() -> list[Prediction]:
    """Photographs as they are, and smaller ones in three encodings."""
    return [
        made_prediction(Way(encoding="keep"), stored=5e9, rate=900),
        made_prediction(Way(encoding="jpeg", side=256), stored=1e9, rate=2500, psnr=39.51, ssim=0.981),
        made_prediction(Way(encoding="png", side=256), stored=6e9, rate=700, seconds=9000),
        made_prediction(
            Way(encoding="raw", side=256), stored=2e10, rate=6000, fits_in_memory=False, seconds=1200
        ),
    ]


def made_estimate(**changed: Any) -> Estimate:
    """All of them."""
    sample = SourceSample(
        folder=Path("/nowhere"),
        parts=["train"],
        singles=[],
        copied=94,
        unreadable=2,
        images=40_000,
        source_bytes=5_000_000_000,
        read_s=0.001,
        is_far=False,
    )
    given: dict[str, Any] = {
        "sample": sample,
        "rejected": 1,
        "start": ConversionStart(seconds=2.5, is_measured=True),
        "stored_side": 480,
        "image_size": (224, 224),
        "cpus": 2,
        "predictions": made_predictions(),
        "load": 0.1,
        "seconds": 42.0,
    }
    return Estimate(**{**given, **changed})
