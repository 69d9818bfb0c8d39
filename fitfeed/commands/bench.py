"""`fitfeed bench DATASET`."""

import argparse
import sys
from typing import Any

from fitfeed.commands.option_values import check_number, parse_size
from fitfeed.output.terminal import print_json, print_lines

EPILOG = """\
examples:
  fitfeed bench flowers/
      what each stage of feeding costs, what limits, and the one change that would help most
  fitfeed bench flowers/ --image-size 224 --augment "RandomResizedCrop(), RandomFlip('horizontal')"
      the same with the pipeline of your training
  fitfeed bench flowers/ --model resnet50
      whether fit will wait for images on this machine; also --model mine.keras
  fitfeed bench flowers/ --need 5000 -o bench.html
      what would reach 5,000 images/s, and a page with bars

The table has, for each stage, how many images per second all workers make of it, its CPU time for an image, and how near that
is to the floor: the same library on the same bytes, with nothing around it. 1 is as fast as this machine can. A gain that is
"measured" was tried on 64 images in memory. Other programs that run meanwhile make all of it slower.
"""

DTYPES = ("float32", "bfloat16", "float16", "uint8")


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Adds the command's options."""
    parser = subparsers.add_parser(
        "bench",
        help="measure what each stage of feeding costs, what limits, and what would help",
        description="Measure how fast this machine feeds a dataset: each stage, what limits, and the change that would help most.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "dataset", metavar="DATASET", help="dataset folder, or its address: gs://, s3://, az://"
    )
    feeding = parser.add_argument_group("the pipeline, as in make_pipeline")
    feeding.add_argument("--split", metavar="S", help="default: train, or the only one")
    feeding.add_argument("--batch-size", type=int, metavar="N", help="examples per batch; default: 32")
    feeding.add_argument(
        "--image-size",
        type=parse_size,
        metavar="N|HxW",
        help="of the batch; default: as stored, or 224 where images are stored in different sizes",
    )
    feeding.add_argument(
        "--augment",
        metavar="SPEC",
        help="augmentations as in Python, with literal arguments and commas between",
    )
    feeding.add_argument(
        "--dtype",
        choices=DTYPES,
        default="float32",
        help="of the batch; uint8 is not normalized; default: float32",
    )
    feeding.add_argument(
        "--processes",
        type=int,
        metavar="N",
        help="worker processes, 0 for threads; default: what a long run has",
    )
    asked = parser.add_argument_group("what it is for")
    asked.add_argument(
        "--model",
        metavar="FILE.keras|NAME",
        help="whether fit will wait: a saved model, or a name such as resnet50",
    )
    asked.add_argument("--need", type=int, metavar="N", help="what would reach N images/s")
    parser.add_argument(
        "--seconds", type=float, default=4.0, metavar="S", help="measure the whole so long; default: 4"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="also write a page with bars: .html")
    parser.add_argument("--json", action="store_true", help="print all as JSON")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(options: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    from fitfeed.commands.output_file import PAGE_TYPES, output_file, writing
    from fitfeed.pipelines.needed_package import check_installed

    path = None if options.output is None else output_file(options.output, PAGE_TYPES)
    check_number(options, "batch_size", 1)
    check_number(options, "processes", 0)
    check_number(options, "need", 1)
    check_number(options, "seconds", 0.1, 3600)
    check_installed("tensorflow", by="this command")
    if options.model is not None:
        from fitfeed.bench.model_step import check_backend, check_model_name

        check_model_name(options.model)
        check_backend()
    from fitfeed.bench.bench_page import bench_page
    from fitfeed.bench.bench_text import bench_json, bench_lines
    from fitfeed.bench.plan import make_plan
    from fitfeed.bench.run import STEPS, run_bench
    from fitfeed.output.progress import step_progress
    from fitfeed.pipelines import open_dataset
    from fitfeed.preview.augment_spec import parse_augment
    from fitfeed.schemas.files import atomic_write

    augment = [] if options.augment is None else parse_augment(options.augment)
    dataset = open_dataset(options.dataset)
    plan = make_plan(
        dataset,
        split=options.split,
        batch_size=options.batch_size,
        image_size=options.image_size,
        augment=augment,
        dtype=options.dtype,
        processes=options.processes,
    )
    with step_progress(sys.stderr, STEPS, quiet=options.quiet) as progress:
        result = run_bench(
            dataset, plan, model=options.model, need=options.need, seconds=options.seconds, progress=progress
        )
    if options.json:
        print_json(bench_json(result, options.dataset), indent=1)
    else:
        print_lines(bench_lines(result, options.dataset))
    if path is not None:  # after the answer, which took minutes and needs no room on a disk
        with writing(path):
            atomic_write(path, bench_page(result, options.dataset).encode())
        if not options.quiet and not options.json:
            print_lines([f"{options.output}: open it in a browser."], sys.stderr)
    return 0
