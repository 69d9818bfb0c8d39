"""`fitfeed verify DATASET`."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from fitfeed.commands.help_format import HelpFormat
from fitfeed.output.terminal import print_json, print_lines

if TYPE_CHECKING:
    from fitfeed.converters.verify import Finding, Report

EPILOG = """\
examples:
  fitfeed verify flowers/           name each file, example and byte at fault
  fitfeed verify flowers/ --json    as one document: ok, findings, checked

exit status: 0 whole; 5 damaged, incomplete, or with files that do not belong to
it; 2 no dataset there
"""

SHOWN_FINDINGS = 20


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Adds the command's options."""
    parser = subparsers.add_parser(
        "verify",
        help="check every file, example and count of a dataset",
        description="Check a dataset: every file's SHA-256, every example's CRC-32C, and manifest,\nindex, records and statistics against each other.",
        epilog=EPILOG,
        formatter_class=HelpFormat,
    )
    parser.set_defaults(run=run)
    parser.add_argument("dataset", metavar="DATASET", help="dataset folder")
    parser.add_argument("--json", action="store_true", help="print one JSON document, with all findings")
    parser.add_argument("--quiet", action="store_true", help="no progress, and no summary of a whole dataset")


def run(options: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    from fitfeed.converters.verify import verify_dataset
    from fitfeed.output.progress import reading_progress
    from fitfeed.schemas.errors import DamagedDatasetError

    with reading_progress(sys.stderr, "verifying", quiet=options.quiet) as progress:
        report = verify_dataset(options.dataset, progress=progress)
    if options.json:
        print_json(report.to_dict())
    elif not (options.quiet and report.ok):
        print_lines(report_lines(options.dataset, report))
    return 0 if report.ok else DamagedDatasetError.exit_status


def report_lines(name: str, report: "Report") -> list[str]:
    """What a person wants to know of a verification.

    Args:
        name: The dataset's folder as the user wrote it.
        report: What was found.
    """
    from fitfeed.output.byte_size import human_bytes

    checked = f"{report.files} files with {report.examples} examples, {human_bytes(report.bytes)}, were read"
    if report.ok:
        beside = ", ".join(table.file for table in report.beside if table.damage is None)
        known = [f"beside it {beside}: known, not a part of the dataset"] if beside else []
        whole = [f"{name} is whole: {checked}", f"fingerprint {report.fingerprint}"]
        return [*whole, *known, *_damage_beside(report)]
    if report.fingerprint is None:
        return [finding.detail for finding in report.findings]
    findings = report.findings
    extra = [finding.file for finding in findings if finding.kind == "extra"]
    state = (
        "is whole, but has files that do not belong to it" if len(extra) == len(findings) else "is damaged"
    )
    lines = [f"{name} {state}: {checked}, findings: {len(findings)}", ""]
    lines += [finding_line(finding) for finding in findings[:SHOWN_FINDINGS]]
    if len(findings) > SHOWN_FINDINGS:
        lines.append(f"and {len(findings) - SHOWN_FINDINGS} more; --json lists them all")
    damaged = sorted({finding.file for finding in findings if finding.kind != "extra"})
    restore = f"Restore {_few(damaged)} from a copy, or convert again with --overwrite."
    remove = f"Remove {_few(extra)}: programs that read all files of a pattern would read them, too."
    ways = [*([restore] if damaged else []), *([remove] if extra else [])]
    return [*lines, *_damage_beside(report), "", *ways]


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _damage_beside(report: "Report") -> list[str]:
    """What is wrong with tables that are not a part of the dataset."""
    return [table.damage for table in report.beside if table.damage is not None]


def finding_line(finding: "Finding") -> str:
    """A finding on one line: file, what is wrong, where."""
    where = [] if finding.offset is None else [f"byte {finding.offset}"]
    if finding.example is not None:
        where.append(f"example {finding.example}" + (f" ({finding.key!r})" if finding.key else ""))
    place = f" at {', '.join(where)}" if where else ""
    return f"{finding.file}: {finding.kind}{place}: {finding.detail}"
