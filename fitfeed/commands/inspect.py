"""`fitfeed inspect PATH [PATH...]`."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fitfeed.commands.help_format import HelpFormat
from fitfeed.output.terminal import columns_of_bars, print_json, print_lines

if TYPE_CHECKING:
    from fitfeed.converters.inspect.far_file import FileInStore
    from fitfeed.schemas.storage.place import Place
    from fitfeed.schemas.strict_json import JsonObject

EPILOG = """\
examples:
  fitfeed inspect flowers/           a dataset, and how to train on it
  fitfeed inspect flowers/ --json    the same as one JSON document
  fitfeed inspect some.tfrecord      any TFRecord (also gzip) or HDF5 file, and
                                     Python that reads it
  fitfeed inspect shards/            each such file of a folder on a line
"""


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Adds the command's options."""
    parser = subparsers.add_parser(
        "inspect",
        help="say what is in a dataset, or in any TFRecord or HDF5 file",
        description="Say what is in a dataset, or in TFRecord or HDF5 files of any program.",
        epilog=EPILOG,
        formatter_class=HelpFormat,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="dataset folder, TFRecord or HDF5 file; a pattern or a folder of such files; or the address of one of these, but no pattern: gs://, s3://, az://",
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help='read whole files, however long it takes; of a large one, a part is read otherwise, and counts say "at least"',
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(options: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    from fitfeed.converters.inspect.file_list import files_and_datasets
    from fitfeed.schemas.storage.place import Place

    paths = files_and_datasets(options.paths)
    status = 0
    if len(paths) > 1:
        from fitfeed.commands.inspect_several import inspect_several

        document, lines, status = inspect_several(paths, full=options.full, quiet=options.quiet)
    elif isinstance(path := paths[0], Place) or (isinstance(path, Path) and path.is_dir()):
        document, lines = _dataset(path, quiet=options.quiet)
    else:
        document, lines = _file(path, full=options.full, quiet=options.quiet)
    if options.json:
        print_json(document, indent=1)
    else:
        print_lines(lines)
    return status


def _dataset(path: "Path | Place", *, quiet: bool) -> tuple["JsonObject", list[str]]:
    from fitfeed.output.dataset_json import describe
    from fitfeed.output.dataset_text import dataset_lines
    from fitfeed.output.progress import phase_progress
    from fitfeed.schemas.manifest import read_manifest

    with phase_progress(sys.stderr, "inspecting", quiet=quiet):
        manifest = read_manifest(path)
    return describe(manifest), dataset_lines(str(path), manifest, columns=columns_of_bars())


def _file(path: "Path | FileInStore", *, full: bool, quiet: bool) -> tuple["JsonObject", list[str]]:
    from fitfeed.converters.inspect.detect import guarded_calls, inspect_with
    from fitfeed.output.progress import reading_progress

    with (
        guarded_calls(full=full) as guarded,
        reading_progress(sys.stderr, "inspecting", quiet=quiet) as progress,
    ):
        told = bytes_done(progress, path) if full else None
        report = inspect_with(guarded, path, full=full, progress=told)
    from fitfeed.converters.inspect.own_shards import own_shard
    from fitfeed.output.foreign_text import report_lines

    own = own_shard(path, report)
    document, lines = report.to_dict(), report_lines(path, report)
    if own is not None:
        document = {**document, "dataset": own._asdict()}
        lines.insert(1, own.note)
    return document, lines


def bytes_done(progress: Any, path: "Path | FileInStore") -> Callable[[int], None] | None:
    """What receives how many bytes of a file were read, and shows it.

    Args:
        progress: Shows bytes; None: nothing is shown.
        path: The file.
    """
    if progress is None:
        return None
    from fitfeed.converters.inspect.file_list import size_of

    size = size_of(path) or 0
    progress.start(files=1, total_bytes=size)
    shown = 0

    def receive(done: int) -> None:
        nonlocal shown
        if shown < done <= size:  # what is compressed inside HDF5 may be more
            progress.update(done - shown)
            shown = done

    return receive
