"""`fitfeed estimate SOURCE`."""

import argparse
import sys
from typing import Any

from fitfeed.commands.help_format import HelpFormat
from fitfeed.commands.option_values import check_number, parse_sides, parse_size
from fitfeed.output.terminal import print_json, print_lines

EPILOG = """\
examples:
  fitfeed estimate photos/ --need 2500
  fitfeed estimate photos/ --image-size 160 --augment "RandomResizedCrop()"

A sample is copied to TMPDIR, converted and fed in each way, in about a minute.
"""

MIN_SAMPLES = 16


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Adds the command's options."""
    parser = subparsers.add_parser(
        "estimate",
        help="say what each way to store images would cost and bring",
        description="Convert a sample of SOURCE in several ways, and say what each costs and brings.",
        epilog=EPILOG,
        formatter_class=HelpFormat,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="folder of images, table that names them, or dataset",
    )
    parser.add_argument("--need", type=int, metavar="N", help="images/s that the training takes")
    parser.add_argument(
        "--sizes",
        type=parse_sides,
        default=[],
        metavar="N,...",
        help="as for convert --size; default: two with room for a crop",
    )
    parser.add_argument(
        "--image-size",
        type=parse_size,
        metavar="N|HxW",
        help="of the batch; default: 224, or less if images are",
    )
    parser.add_argument(
        "--augment",
        metavar="SPEC",
        help="as in Python: Name(literals), ...; default: none",
    )
    parser.add_argument("--quality", type=int, default=90, metavar="Q", help="of JPEG; default: 90")
    parser.add_argument(
        "--samples", type=int, default=96, metavar="N", help="images to measure, about; default: 96"
    )
    parser.add_argument(
        "--seconds", type=float, default=1.0, metavar="S", help="feed each way so long; default: 1"
    )
    parser.add_argument("--json", action="store_true", help="print all as JSON")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(options: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    check_number(options, "need", 1, 10**9)
    check_number(options, "samples", MIN_SAMPLES, 100_000)
    check_number(options, "quality", 1, 100)
    check_number(options, "seconds", 0.1, 3600)
    from fitfeed.pipelines.needed_package import check_installed

    check_installed("tensorflow", by="this command")  # it feeds each way by `make_pipeline`
    from fitfeed.estimate.estimate_text import estimate_json, estimate_lines
    from fitfeed.estimate.run import STEPS, run_estimate
    from fitfeed.output.progress import step_progress
    from fitfeed.preview.augment_spec import parse_augment

    augment = [] if options.augment is None else parse_augment(options.augment)
    with step_progress(sys.stderr, STEPS, quiet=options.quiet) as progress:
        estimate = run_estimate(
            options.source,
            samples=options.samples,
            sides=options.sizes,
            image_size=options.image_size,
            augment=augment,
            quality=options.quality,
            seconds=options.seconds,
            progress=progress,
        )
    if options.json:
        print_json(estimate_json(estimate, options.source, need=options.need), indent=1)
    else:
        print_lines(estimate_lines(estimate, options.source, need=options.need))
    return 0
