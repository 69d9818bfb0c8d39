"""The answer of `fitfeed estimate` on a terminal, and as JSON."""

import math
import shlex
from collections.abc import Iterator

from fitfeed.bench.load import MAX_LOAD
from fitfeed.estimate.interval import Interval
from fitfeed.estimate.prediction import Prediction, fastest, missing, recommend
from fitfeed.estimate.run import Estimate
from fitfeed.output.byte_size import human_bytes
from fitfeed.output.table import aligned
from fitfeed.schemas.strict_json import JsonObject


def estimate_lines(estimate: Estimate, source: str, *, need: int | None) -> list[str]:
    """The table, and what to choose, as lines.

    Args:
        estimate: What was found.
        source: As the user wrote it.
        need: Images per second that are asked for; None: none.
    """
    sample, (height, width) = estimate.sample, estimate.image_size
    cpus = f"{estimate.cpus} CPU{'s' if estimate.cpus > 1 else ''}"
    return [
        f"{source}: {sample.images:,} images, {human_bytes(sample.source_bytes)}; measured on {sample.copied} of them, with {cpus}",
        f"images/s: batches of {height} x {width}, float32; in brackets the range of nine in ten samples",
        "",
        *aligned(_table(estimate)),
        "",
        *_notes(estimate),
        *_choice(estimate, source, need),
    ]


def estimate_json(estimate: Estimate, source: str, *, need: int | None) -> JsonObject:
    """The same as a document."""
    sample = estimate.sample
    chosen = None if need is None else recommend(estimate.predictions, need)
    return {
        "source": source,
        "images": sample.images,
        "source_bytes": sample.source_bytes,
        "sampled": sample.copied,
        "unreadable": sample.unreadable,
        "rejected": estimate.rejected,
        "median_shorter_side": estimate.stored_side,
        "image_size": list(estimate.image_size),
        "cpus": estimate.cpus,
        "conversion_start_seconds": estimate.start.seconds,
        "conversion_start_measured": estimate.start.is_measured,
        "ways": [_way_json(each) for each in estimate.predictions],
        "fastest": estimate.predictions.index(fastest(estimate.predictions)),
        "need": None
        if need is None
        else {
            "images_per_second": need,
            "recommended": None if chosen is None else estimate.predictions.index(chosen),
            "missing": [] if chosen is not None else missing(fastest(estimate.predictions), need),
        },
        "load_before": estimate.load,
        "seconds": estimate.seconds,
    }


def duration(seconds: float) -> str:
    """A duration for a person."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes / 60:.1f} h"


def _way_json(prediction: Prediction) -> JsonObject:
    way = prediction.way
    return {
        "encoding": way.encoding,
        "size": way.side,
        "options": way.flags,
        "bytes": _interval_json(prediction.bytes),
        "conversion_seconds": _interval_json(prediction.seconds),
        "images_per_second": _interval_json(prediction.images_per_second),
        "fits_in_memory": prediction.fits_in_memory,
        "psnr": prediction.psnr,
        "ssim": prediction.ssim,
    }


def _interval_json(interval: Interval) -> JsonObject:
    return {"value": interval.value, "low": interval.low, "high": interval.high}


def _table(estimate: Estimate) -> list[list[str]]:
    rows = [["options", "size", "on disk", "conversion", "images/s", "", "PSNR", "SSIM"]]
    for each in estimate.predictions:
        rate = each.images_per_second
        rows.append(
            [
                each.way.flags or "(none)",
                "as it is" if each.way.side is None else str(each.way.side),
                human_bytes(round(each.bytes.value)),
                duration(each.seconds.value),
                f"{rate.value:,.0f}",
                f"[{rate.low:,.0f} to {rate.high:,.0f}]" + ("" if each.fits_in_memory else ", from the disk"),
                "-" if each.psnr is None else f"{each.psnr:.1f} dB",
                "-" if each.ssim is None else f"{each.ssim:.3f}",
            ]
        )
    return rows


def _notes(estimate: Estimate) -> Iterator[str]:
    sample = estimate.sample
    bad = sample.unreadable + estimate.rejected
    if bad:
        percent = math.ceil(100 * bad / (sample.copied + sample.unreadable))
        yield (
            f"{bad} of {sample.copied + sample.unreadable} files cannot be read or converted. `fitfeed convert` says why, "
            f"and takes the others with --max-bad {percent}% or more."
        )
    if not estimate.start.is_measured:
        yield (
            "How long a conversion takes to start could not be measured: converting one tiny picture failed. "
            f"The table counts {estimate.start.seconds:.1f} s for it."
        )
    if estimate.load > MAX_LOAD:
        yield (
            f"Other programs were busy ({estimate.load:.1f} for each CPU), so conversion and training are faster than this. "
            "Estimate again on a quiet machine."
        )


def _choice(estimate: Estimate, source: str, need: int | None) -> Iterator[str]:
    best = fastest(estimate.predictions)
    if need is None:
        yield f"Fastest: {_said(best, source)}"
        yield "Say how many images/s the training takes, and this names the way to choose: --need N."
        return
    chosen = recommend(estimate.predictions, need)
    if chosen is not None:
        why = (
            "the files can stay as they are" if chosen.way.encoding == "keep" else "the fewest bytes that do"
        )
        yield f"For {need:,} images/s, {why}: {_said(chosen, source)}"
        return
    yield f"No way surely reaches {need:,} images/s on this machine. Fastest: {_said(best, source)}"
    for way in missing(best, need):
        yield f"  it would with: {way}"


def _said(prediction: Prediction, source: str) -> str:
    flags = f" {prediction.way.flags}" if prediction.way.flags else ""
    return f"fitfeed convert {shlex.quote(source)} DATASET{flags}"
