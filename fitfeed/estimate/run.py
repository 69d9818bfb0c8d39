"""The whole estimate, step by step."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fitfeed.bench.load import load_of_each_cpu
from fitfeed.estimate.compare import Fidelity, compare
from fitfeed.estimate.convert_sample import COUNTED_SINGLES, ConvertedSample, convert_sample
from fitfeed.estimate.feeding import measure_feeding, shorter_side
from fitfeed.estimate.prediction import Prediction, predict_bytes, predict_rate, predict_seconds
from fitfeed.estimate.sample import SourceSample, take_sample
from fitfeed.estimate.start import ConversionStart, conversion_start
from fitfeed.estimate.ways import Way, usual_sides, ways_for
from fitfeed.schemas.cpus import available_cpus
from fitfeed.schemas.memory import available_memory

SAMPLES, SIDE, SECONDS = 96, 224, 1.0
"""Images of a sample, the side of images in a batch, and how long the whole of each way is measured."""

STEPS = ("listing", "sample", "start", "keep", "jpeg", "smaller png", "smaller jpeg", "smaller raw")
"""What an estimate does, in this order, as progress names it."""

Progress = Callable[[str], None]
"""Told which of `STEPS` begins, and again and again that it goes on."""

NOTHING_LOST = Fidelity(psnr=None, ssim=None)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What was found.

    Attributes:
        sample: What was measured.
        rejected: How many files of the sample cannot be converted.
        start: What a conversion takes besides its images.
        stored_side: The shorter side of the images as they are, median.
        image_size: (height, width) of a batch.
        cpus: That this process may use.
        predictions: Of each way.
        load: Programs that wanted a CPU in the minute before, for each CPU of the machine.
        seconds: How long all this took.
    """

    sample: SourceSample
    rejected: int
    start: ConversionStart
    stored_side: int
    image_size: tuple[int, int]
    cpus: int
    predictions: list[Prediction]
    load: float
    seconds: float


def run_estimate(
    source: str,
    *,
    samples: int = SAMPLES,
    sides: Sequence[int] = (),
    image_size: tuple[int, int] | None = None,
    augment: Sequence[Any] = (),
    quality: int = 90,
    seconds: float = SECONDS,
    progress: Progress = lambda step: None,
) -> Estimate:
    """Converts a sample of a source in several ways, and measures each.

    Temporary files are in a folder of their own, below `TMPDIR`, and are removed at the end.

    Args:
        source: A folder of images, a table that names them, or a dataset, here or in a store.
        samples: How many images to take, about.
        sides: Sizes to look at; empty: those that leave a random crop some room.
        image_size: (height, width) of a batch; None: 224, or that of the images if they are smaller.
        augment: Augmentations of the training.
        quality: Of JPEG.
        seconds: How long the whole pipeline of each way is measured.
        progress: Told what is being done.

    Raises:
        NotFoundError, UsageError: If the source is not there or not what it must be, or no image of it can be converted.
        ConversionError: If reading or writing failed.
    """
    began, load = time.monotonic(), load_of_each_cpu()
    workers = available_cpus()
    # After Ctrl-C, what a conversion has started may write a moment longer than it.
    with tempfile.TemporaryDirectory(prefix="fitfeed-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        sample = take_sample(
            source,
            folder / "sample",
            count=samples,
            singles=workers + COUNTED_SINGLES,
            progress=progress,
        )
        progress("start")
        start = conversion_start(folder / "start")
        progress("keep")
        keep, jpeg = Way(encoding="keep"), Way(encoding="jpeg", quality=quality)
        kept = convert_sample(sample, keep, folder / "keep", workers=workers)
        stored_side = shorter_side(kept.dataset, kept.parts)
        if image_size is None:
            image_size = (min(SIDE, stored_side),) * 2
        sides = sides or usual_sides(image_side=max(image_size), stored_side=stored_side)

        def predict(way: Way, converted: ConvertedSample, originals: Path | None, step: str) -> Prediction:
            fed = measure_feeding(
                converted.dataset,
                converted.parts,
                image_size=image_size,
                augment=augment,
                seconds=seconds,
                progress=lambda: progress(step),
            )
            fidelity = (
                NOTHING_LOST if originals is None else compare(converted.dataset, originals, converted.parts)
            )
            stored = predict_bytes(converted.image_bytes, images=sample.images)
            fits = stored.value < available_memory()
            return Prediction(
                way=way,
                bytes=stored,
                seconds=predict_seconds(
                    converted.image_s,
                    images=sample.images,
                    read_s=sample.read_s,
                    is_far=sample.is_far,
                    workers=workers,
                    start_s=start.seconds,
                ),
                images_per_second=predict_rate(
                    fed.rate, fed.part_s, cold_rate=fed.cold_rate, fits_in_memory=fits
                ),
                fits_in_memory=fits,
                psnr=fidelity.psnr,
                ssim=fidelity.ssim,
                times=fed.times,
                machinery=fed.machinery,
            )

        predictions = [predict(keep, kept, None, "keep")]
        progress("jpeg")
        as_jpeg = convert_sample(sample, jpeg, folder / "jpeg", workers=workers)
        predictions.append(predict(jpeg, as_jpeg, kept.dataset, "jpeg"))
        for way in ways_for(sides, quality=quality):
            step = f"smaller {way.encoding}"
            progress(step)
            target = folder / f"{way.encoding}-{way.side}"
            converted = convert_sample(sample, way, target, workers=workers)
            originals = folder / f"png-{way.side}" if way.encoding == "jpeg" else None
            predictions.append(predict(way, converted, originals, step))
    return Estimate(
        sample=sample,
        rejected=kept.rejected,
        start=start,
        stored_side=stored_side,
        image_size=image_size,
        cpus=workers,
        predictions=sorted(predictions, key=_by_size),
        load=load,
        seconds=time.monotonic() - began,
    )


def _by_size(prediction: Prediction) -> tuple[float, int]:
    """Images as they are come first, then larger ones before smaller ones."""
    way = prediction.way
    side = -(way.side or 0) if way.side else -1e9
    return side, ("keep", "jpeg", "png", "raw").index(way.encoding)
