"""`fitfeed report DATASET -o FILE.html`."""

import argparse
import sys
from typing import Any

from fitfeed.commands.help_format import HelpFormat
from fitfeed.output.terminal import print_json, print_lines

EPILOG = """\
examples:
  fitfeed report flowers/ -o flowers.html
  fitfeed report gs://bucket/flowers -o flowers.html --source photos/

The page needs no network and no program: open it in a browser, or send it to
somebody. It has small pictures of the dataset in it.
"""


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Adds the command's options."""
    parser = subparsers.add_parser(
        "report",
        help="write a page that shows what is in a dataset",
        description="Write one HTML page that shows what is in a dataset (samples, classes, sizes,\npixels, duplicates, rejects), how its splits differ, and what is worth a look.",
        epilog=EPILOG,
        formatter_class=HelpFormat,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "dataset", metavar="DATASET", help="dataset folder, or its address: gs://, s3://, az://"
    )
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="page to write: .html")
    parser.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="[NAME=]SOURCE",
        help="what it was converted from, for pictures of rejected files; once for each source",
    )
    parser.add_argument(
        "--json", action="store_true", help="print file, bytes and what is worth a look, as JSON"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress, no summary")


def run(options: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    from fitfeed.commands.output_file import PAGE_TYPES, output_file
    from fitfeed.output.byte_size import human_bytes
    from fitfeed.output.progress import phase_progress

    path = output_file(options.output, PAGE_TYPES)
    from fitfeed.pipelines import open_dataset
    from fitfeed.report.page import report_page

    with phase_progress(sys.stderr, "making the page", quiet=options.quiet):
        page = report_page(open_dataset(options.dataset), options.dataset, sources=options.source)
        size = page.save(path)
    if options.json:
        print_json({"file": options.output, "bytes": size, "findings": page.findings}, indent=1)
    elif not options.quiet:
        lines = [f"{options.output}: {human_bytes(size)}. Open it in a browser.", *page.findings]
        print_lines(lines, sys.stderr)
    return 0
