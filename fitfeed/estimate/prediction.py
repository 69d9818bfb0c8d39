"""What a sample says of the whole source. Pure functions of what was measured."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from fitfeed.estimate.interval import Interval, mean_interval
from fitfeed.estimate.ways import Way
from fitfeed.pipelines.stages.feed_rates import Machinery
from fitfeed.pipelines.stages.stage_times import StageTimes
from fitfeed.pipelines.stages.verdict import judge, ways_to


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What one way to store the source would cost and bring.

    Attributes:
        way: The way.
        bytes: On the disk.
        seconds: Of the conversion.
        images_per_second: When training on it.
        fits_in_memory: Whether later epochs find it there. If not, the disk counts.
        psnr: Decibels, median; None: nothing is lost.
        ssim: Median; None: nothing is lost, or images are too small for it.
        times: What the stages of feeding take.
        machinery: What executes them.
    """

    way: Way
    bytes: Interval
    seconds: Interval
    images_per_second: Interval
    fits_in_memory: bool
    psnr: float | None
    ssim: float | None
    times: StageTimes
    machinery: Machinery


def predict_bytes(image_bytes: Sequence[float], *, images: int) -> Interval:
    """Bytes on the disk.

    Args:
        image_bytes: Of an image, by part.
        images: How many the source has.
    """
    return mean_interval(image_bytes).times(images)


def predict_seconds(
    image_s: Sequence[float], *, images: int, read_s: float, is_far: bool, workers: int, start_s: float
) -> Interval:
    """Seconds of a conversion.

    Args:
        image_s: Of a worker for an image, by part.
        images: How many the source has.
        read_s: Seconds to read a file where the source is.
        is_far: Whether that is a store, from which files are read ahead.
        workers: Worker processes.
        start_s: What a conversion takes besides its images.
    """
    if is_far:
        each = mean_interval([max(read_s, seconds) for seconds in image_s])
    else:
        each = mean_interval(image_s).plus(read_s)
    return each.times(images / min(workers, images)).plus(start_s)


def predict_rate(rate: float, part_s: Sequence[float], *, cold_rate: float, fits_in_memory: bool) -> Interval:
    """Images per second when training.

    The whole was measured on all images of the sample. How far other images would change it is told by the CPU time of parts.

    Args:
        rate: Measured.
        part_s: CPU seconds of an image, by part.
        cold_rate: What the disk delivers.
        fits_in_memory: Whether it need not, after the first epoch.
    """
    mean = statistics.mean(part_s)
    found = mean_interval([seconds / mean for seconds in part_s]).inverse().times(rate)
    if fits_in_memory:
        return found
    return Interval(
        value=min(found.value, cold_rate), low=min(found.low, cold_rate), high=min(found.high, cold_rate)
    )


def recommend(predictions: Sequence[Prediction], need: float) -> Prediction | None:
    """The way that reaches a need: the files as they are if they do, else the one with the fewest bytes; None if none does.

    Args:
        predictions: Of all ways.
        need: Images per second. Where an interval has it, that is not enough.
    """
    enough = [each for each in predictions if each.images_per_second.low >= need]
    return min(enough, key=lambda each: (each.way.encoding != "keep", each.bytes.value), default=None)


def fastest(predictions: Sequence[Prediction]) -> Prediction:
    """The way with the most images per second; of those that are nearly as fast, the one with the fewest bytes."""
    most = max(each.images_per_second.value for each in predictions)
    near = [each for each in predictions if each.images_per_second.high >= most]
    return min(near, key=lambda each: each.bytes.value)


def missing(prediction: Prediction, need: float) -> list[str]:
    """What would reach a need that nothing reaches: actions without full stops; none if nothing is known that would."""
    rate = prediction.images_per_second.value
    verdict = judge(prediction.times, prediction.machinery, measured_rate=rate)
    return ways_to(need, prediction.times, prediction.machinery, verdict)
