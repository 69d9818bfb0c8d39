"""`fitfeed convert SOURCE DATASET`: turns images into a dataset."""

import argparse
import dataclasses
import sys
from typing import TYPE_CHECKING, Any, get_args

from fitfeed.commands.help_format import HelpFormat
from fitfeed.commands.option_values import parse_max_bad, parse_separator
from fitfeed.schemas.errors import UsageError

if TYPE_CHECKING:
    from fitfeed.beam_jobs import ConversionResult, PlannedConversion

EPILOG = """\
examples:
  fitfeed convert photos/ flowers/
      photos/<class>/*.jpg, or photos/<train|validation|test>/<class>/*.jpg
  fitfeed convert photos/ flowers/ --size 256 --split train=0.9,validation=0.1
      shorter side 256 pixels, as JPEG; split by hash, so images may be added
  fitfeed convert photos/ flowers/ --format hdf5 --encoding raw --size 224 \\
      --fit cover
      pixels of one shape in HDF5: most bytes, no decoding when training
  fitfeed convert photos/ flowers/ --labels labels.csv --label-column species \\
      --label-column height_cm:float
      labels from a table whose column path, file or image names the images
  fitfeed convert scans.csv scans/ --label-column lesion:mask --group patient \\
      --split train=0.8,validation=0.2
      the table is the source; each image keeps its mask, and no patient is in
      two splits
  fitfeed convert photos/ flowers/ --max-bad 1% --duplicates drop
      one bad file in a hundred is tolerated, and of images with the same pixels
      only one is taken; flowers/rejects.jsonl names all of them
  fitfeed convert more/ more-flowers/ --classes-from flowers/ --drop-classes hat
      classes with the numbers of flowers/; pictures of hats are left out
  fitfeed convert flowers/ folds/ --split a=0.5,b=0.5
      a dataset is a source, too: its images and labels as they are stored
  fitfeed convert photos/ site2/ old=flowers/ all/
      several sources are one dataset, with keys such as cat/1.jpg,
      site2/cat/1.jpg, old/cat/1.jpg
  fitfeed convert photos/ flowers/ --append
      adds the images that flowers/ does not have yet, in further shards
  fitfeed convert gs://bucket/photos gs://bucket/flowers --runner dask -- \\
      --dask_client_address=tcp://10.0.0.5:8786
      the same dataset, made by the workers of a cluster

If it is stopped, the same command continues. Options after -- go to Beam.
"""


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Adds the command's options."""
    parser = subparsers.add_parser(
        "convert",
        help="turn a folder of images into a dataset",
        description="Turn a folder of images into sharded TFRecord or HDF5 with exact statistics.",
        epilog=EPILOG,
        formatter_class=HelpFormat,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "source",
        metavar="SOURCE",
        nargs="+",
        help="folder with a folder of images per class, a table (.csv, .tsv, .txt, .jsonl), or a dataset; several "
        "are merged; NAME=SOURCE names one",
    )
    parser.add_argument("dataset", metavar="DATASET", help="folder to make, or its address in a store")
    parser.add_flags = _add_flags  # the options take 0.2 s to import, which other commands need not wait for


def _add_flags(parser: argparse.ArgumentParser) -> None:
    from fitfeed.commands.convert_flags import (
        ARRANGED,
        CHOSEN,
        CLASSES,
        FROM_TABLE,
        STORED,
        USED,
        add_option_flags,
    )

    add_option_flags(parser, USED)
    _add_used_flags(parser)
    add_option_flags(parser.add_argument_group("how images are stored"), STORED)
    arranged = parser.add_argument_group("how examples are arranged")
    add_option_flags(arranged, ARRANGED)
    chosen = parser.add_argument_group("which files are taken")
    add_option_flags(chosen, CHOSEN)
    chosen.add_argument(
        "--leave-out",
        metavar="FILE",
        help="list of images to leave out, one a line by its key: its path below SOURCE",
    )
    classes = parser.add_argument_group("how classes are called and numbered")
    add_option_flags(classes, CLASSES)
    classes.add_argument(
        "--classes-from",
        metavar="DATASET",
        help="as --classes, with those of a dataset, so that both give a class the same number",
    )
    arranged.add_argument(
        "--split-list",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="text file that lists the images of a split, a path or name a line; may be repeated. "
        "Images in no list go to train, or are left out if there is a list for it",
    )
    table = parser.add_argument_group("labels from a table")
    table.add_argument(
        "--table-encoding",
        metavar="NAME",
        help="encoding of the table, for example cp1252; default: utf-8, or what its byte order mark says",
    )
    table.add_argument(
        "--table-separator",
        metavar="CHARACTER",
        type=parse_separator,
        help="what separates the columns of the table, for example ';', tab or space; default: comma, semicolon, tab or | is found",
    )
    add_option_flags(table, FROM_TABLE)
    _add_run_flags(parser.add_argument_group("how it runs"))


def _add_used_flags(parser: argparse.ArgumentParser) -> None:
    """Those that most people need: they are on the first screen of the help."""
    parser.add_argument(
        "--labels",
        metavar="TABLE",
        help="table with a row for each image of SOURCE; or none: images have no labels",
    )
    parser.add_argument(
        "--max-bad",
        type=parse_max_bad,
        default=0,
        metavar="N|P%",
        help="files that may be rejected; default: 0",
    )
    parser.add_argument("--dry-run", action="store_true", help="check everything, say what would be done")
    replacing = parser.add_mutually_exclusive_group()
    replacing.add_argument("--overwrite", action="store_true", help="replace a complete dataset")
    replacing.add_argument(
        "--append",
        action="store_true",
        help="add to a complete dataset the images of SOURCE that it does not have, with its own options",
    )


def _add_run_flags(group: "argparse._ArgumentGroup") -> None:
    from fitfeed.converters.link_report import Links

    group.add_argument(
        "--allow-leaks",
        action="store_true",
        help="publish even if an image, or a group, is in two splits; otherwise that is exit status 4",
    )
    group.add_argument(
        "--links",
        choices=get_args(Links),
        default="follow",
        help="links that lead out of SOURCE: follow and count them, or refuse a SOURCE that has any; default: follow",
    )
    group.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="processes of the local run; default: the CPUs this process may use",
    )
    group.add_argument(
        "--timeout",
        type=float,
        default=300,
        metavar="SECONDS",
        help="longest time that decoding one image may take, else it is rejected; 0: no limit; default: 300",
    )
    group.add_argument(
        "--runner",
        default="local",
        metavar="NAME",
        help="local (default): all CPUs of this machine; dataflow, flink, spark, dask or prism: that engine, whose options "
        "follow after --; or any runner of Beam by its own name",
    )
    group.add_argument(
        "--detach",
        action="store_true",
        help="end as soon as the runner has the job, which goes on; the same command follows it",
    )
    group.add_argument(
        "--check-content",
        action="store_true",
        help="read every file that the dataset has already, and compare its bytes; otherwise only those whose size or times are others",
    )
    group.add_argument("--json", action="store_true", help="print one JSON document instead of the summary")
    group.add_argument("--quiet", action="store_true", help="no progress, no summary")


def run(arguments: argparse.Namespace) -> int:
    """Converts, or says what would be converted."""
    from fitfeed.beam_jobs import convert, plan_conversion
    from fitfeed.converters.sources.given_source import parse_source
    from fitfeed.output.progress import planning_progress, progress_for

    sources, options = [parse_source(text) for text in arguments.source], _given_options(arguments)
    if arguments.passed_on and arguments.runner == "local":
        msg = f"options after -- go to a Beam runner, and the local run takes none. Received: {' '.join(arguments.passed_on)}. Add --runner NAME, or leave them out."
        raise UsageError(msg)
    given: dict[str, Any] = {
        "labels": arguments.labels,
        "split_lists": _split_lists(arguments.split_list),
        "leave_out": arguments.leave_out,
        "max_bad": arguments.max_bad,
        "allow_leaks": arguments.allow_leaks,
        "links": arguments.links,
        "table_encoding": arguments.table_encoding,
        "table_separator": arguments.table_separator,
        "workers": arguments.workers,
        "timeout_s": arguments.timeout,
        "runner": arguments.runner,
        "runner_arguments": arguments.passed_on,
        "overwrite": arguments.overwrite,
        "append": arguments.append,
        "check_content": arguments.check_content,
        "detach": arguments.detach,
    }
    if arguments.dry_run:
        with planning_progress(sys.stderr, quiet=arguments.quiet) as reading:
            planned = plan_conversion(sources, arguments.dataset, options, **given, progress=reading)
        _print_plan(arguments, planned)
        return 0
    with progress_for(sys.stderr, quiet=arguments.quiet) as progress:
        conversion = convert(sources, arguments.dataset, options, **given, progress=progress)
    _print_result(arguments, conversion)
    return 0


def _split_lists(given: list[str]) -> dict[str, str]:
    """Reads each `NAME=FILE` of `--split-list`."""
    lists: dict[str, str] = {}
    for text in given:
        name, _, file = text.partition("=")
        if not name or not file or name in lists:
            msg = f"--split-list takes NAME=FILE, such as test=test.txt, and each split once. Received: {', '.join(given)}"
            raise UsageError(msg)
        lists[name] = file
    return lists


def _given_options(arguments: argparse.Namespace) -> dict[str, object]:
    """The options that were given. The others have their defaults or, with `--append`, those of the dataset."""
    from fitfeed.commands.class_lists import classes_of_dataset
    from fitfeed.commands.convert_flags import given_options

    given = given_options(arguments)
    if arguments.classes_from is not None:
        if arguments.classes is not None:
            msg = f"--classes and --classes-from both name the classes. Received: --classes {arguments.classes} --classes-from {arguments.classes_from}. Give one of them."
            raise UsageError(msg)
        given["classes"] = classes_of_dataset(arguments.classes_from)
    return given


def _print_result(arguments: argparse.Namespace, conversion: "ConversionResult") -> None:
    from fitfeed.output.dataset_json import describe
    from fitfeed.output.summary import comparison_document, conversion_lines
    from fitfeed.output.terminal import print_json, print_lines

    if conversion.running and arguments.json:
        print_json({"running": conversion.running})
    elif conversion.running:
        line = f"{conversion.running} converts into {arguments.dataset}. The same command without --detach follows it."
        print_lines([line])
    elif arguments.json:
        document: dict[str, Any] = {
            **describe(conversion.manifest),
            "up_to_date": conversion.up_to_date,
            "duplicate_pairs": [dataclasses.asdict(pair) for pair in conversion.duplicates],
            "links": dataclasses.asdict(conversion.links),
            "warnings": conversion.warnings,
            "unnamed": conversion.unnamed,
            "ignored_extensions": conversion.ignored_extensions,
            **comparison_document(conversion.comparison, conversion.gone),
            "near_duplicates": conversion.near_duplicates and dataclasses.asdict(conversion.near_duplicates),
            **(
                {}
                if conversion.added is None
                else {"added": conversion.added, "new_classes": conversion.new_classes}
            ),
            "seconds": round(conversion.seconds, 3),
            "images_per_second": round(conversion.files / conversion.seconds, 1),
        }
        print_json(document)
    elif not arguments.quiet:
        print_lines(conversion_lines(conversion, arguments.dataset))


def _print_plan(arguments: argparse.Namespace, planned: "PlannedConversion") -> None:
    from fitfeed.output.summary import dry_run_document, dry_run_lines
    from fitfeed.output.terminal import print_json, print_lines

    if arguments.json:
        print_json(dry_run_document(planned))
    else:
        print_lines(dry_run_lines(planned, arguments.dataset))
