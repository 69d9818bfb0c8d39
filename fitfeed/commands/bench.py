"""`fitfeed bench DATASET`."""

import argparse
import sys
from typing import Any

from fitfeed.commands.help_format import HelpFormat
from fitfeed.commands.option_values import check_number, parse_size
from fitfeed.output.terminal import print_json, print_lines

EPILOG = """\
example:
  fitfeed bench flowers/ --image-size 224 --augment "RandomResizedCrop()"
"""

DTYPES = ("float32", "bfloat16", "float16", "uint8")
"""The first is the default."""


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Adds the command's options."""
    parser = subparsers.add_parser(
        "bench",
        help="measure how fast a dataset feeds training, and what limits",
        description="Measure how fast this machine feeds a dataset, what limits, and what would help.",
        epilog=EPILOG,
        formatter_class=HelpFormat,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "dataset", metavar="DATASET", help="dataset folder, or its address: gs://, s3://, az://"
    )
    parser.add_argument("--split", metavar="S", help="default: train, or the only one")
    parser.add_argument("--batch-size", type=int, metavar="N", help="examples per batch; default: 32")
    parser.add_argument(
        "--image-size",
        type=parse_size,
        metavar="N|HxW",
        help="default: as stored, or 224 where sizes differ",
    )
    parser.add_argument(
        "--augment",
        metavar="SPEC",
        help="as in Python: Name(literals), ...; default: none",
    )
    parser.add_argument(
        "--dtype",
        choices=DTYPES,
        default=DTYPES[0],
        metavar="TYPE",
        help=f"{', '.join(DTYPES)}; default: {DTYPES[0]}",
    )
    parser.add_argument(
        "--processes",
        type=int,
        metavar="N",
        help="workers, 0: threads; default: as a long run has",
    )
    parser.add_argument(
        "--model",
        metavar="FILE|NAME",
        help="say whether fit will wait: resnet50, mine.keras",
    )
    parser.add_argument("--need", type=int, metavar="N", help="say what would reach N images/s")
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
