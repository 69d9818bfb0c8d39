"""Tells the user why a conversion was not published, and leaves the whole lists in the folder of the job."""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from typing import Any

from fitfeed.converters.duplicate_pair import DuplicatePair
from fitfeed.converters.rejects import Reject, to_json_lines
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.outcome import Outcome
from fitfeed.schemas.errors import DuplicateImagesError, SplitLeakError, TooManyRejectsError
from fitfeed.schemas.manifest import REJECTS_NAME
from fitfeed.schemas.storage.place import Place

SHOWN_PAIRS = 5
PAIRS_NAME = "pairs.jsonl"
KEPT = "the finished shards are kept, so that takes seconds"


def write_lists(work: WorkFolder, rejects: Iterable[Reject], pairs: Iterable[DuplicatePair]) -> None:
    """Writes all rejects and all pairs of copies, for a conversion that is not published.

    They stay until the conversion is continued or another one begins.

    Args:
        work: The folder of the job.
        rejects: All rejects, with what was ignored.
        pairs: All pairs of images with the same pixels.

    Raises:
        OSError: If they cannot be written.
    """
    lines = (
        json.dumps({"path": pair.paths[0], "of": pair.paths[1], "kind": pair.kind}) + "\n" for pair in pairs
    )
    work.root.write(PAIRS_NAME, "".join(lines).encode())
    work.root.write(REJECTS_NAME, to_json_lines(rejects).encode())


def require_published(outcome: Outcome, *, statistics_split: str, folder: Place) -> None:
    """Raises unless the dataset was published.

    Args:
        outcome: What publication decided.
        statistics_split: The split that must not be empty.
        folder: The folder of the job, which has the whole lists.

    Raises:
        SplitLeakError: If an image is in two splits.
        DuplicateImagesError: If an image is twice in a split, and the options say `fail`.
        TooManyRejectsError: If too many files were rejected, or no image is left.
    """
    if outcome.status == "leaks":
        raise SplitLeakError(*_leaks(outcome, folder.address(PAIRS_NAME)), details=_details(outcome, folder))
    if outcome.status == "duplicates":
        raise DuplicateImagesError(
            *_duplicates(outcome, folder.address(PAIRS_NAME)), details=_details(outcome, folder)
        )
    if outcome.status == "too_many_rejects":
        lines = _too_many_rejects(outcome, folder.address(REJECTS_NAME))
        raise TooManyRejectsError(*lines, details=_details(outcome, folder))
    if outcome.status == "nothing_left":
        msg = f"no image of split {statistics_split!r} could be converted ({_reasons(outcome)}); nothing was published. The first:"
        listed = f"{folder.address(REJECTS_NAME)} lists all."
        raise TooManyRejectsError(msg, *_first_rejects(outcome), listed, details=_details(outcome, folder))


def _leaks(outcome: Outcome, pairs_file: str) -> list[str]:
    return [
        f"images with the same pixels as an image of another split: {outcome.copies['across_splits']}; nothing was published. The first:",
        *_first_pairs(outcome, "split_leak"),
        f"{pairs_file} lists all pairs.",
        f"Remove one of each pair from the source and run the same command again, {_way_on(outcome)}or accept them with --allow-leaks: {KEPT}.",
    ]


def _way_on(outcome: Outcome) -> str:
    return "give --duplicates drop, which keeps the first of each by path, " if outcome.may_drop_leaks else ""


def _duplicates(outcome: Outcome, pairs_file: str) -> list[str]:
    return [
        f"images with the same pixels as another one of their split: {outcome.copies['within']} ({outcome.copies['label_conflicts']} under another label), "
        f"and --duplicates fail was given; nothing was published. The first:",
        *_first_pairs(outcome, "label_conflict", "duplicate"),
        f"Remove them from the source, or give --duplicates drop or keep: {KEPT}. {pairs_file} lists all pairs.",
    ]


def _too_many_rejects(outcome: Outcome, rejects_file: str) -> list[str]:
    rejected = sum(outcome.rejects.values())
    return [
        f"{rejected} files were rejected ({_reasons(outcome)}), and max_bad allows {outcome.allowed}; nothing was published. The first:",
        *_first_rejects(outcome),
        f"{rejects_file} lists all.",
        f"Mend them, or leave them out with --max-bad {rejected}: {KEPT}.",
    ]


def _reasons(outcome: Outcome) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in outcome.rejects.items())


def _first_rejects(outcome: Outcome) -> list[str]:
    return [f"  {reject.path}: {reject.reason}: {reject.detail}" for reject in outcome.first_rejects]


def _first_pairs(outcome: Outcome, *kinds: str) -> list[str]:
    pairs: Sequence[tuple[str, str]] = [pair.paths for pair in outcome.pairs if pair.kind in kinds]
    return [f"  {copy} = {first}" for copy, first in pairs[:SHOWN_PAIRS]]


def _details(outcome: Outcome, folder: Place) -> dict[str, Any]:
    """The same for programs, with the files that have the whole lists."""
    return {
        "rejects": outcome.rejects,
        "allowed": outcome.allowed,
        "first_rejects": [dataclasses.asdict(reject) for reject in outcome.first_rejects],
        "rejects_file": folder.address(REJECTS_NAME),
        "copies": outcome.copies,
        "first_pairs": [dataclasses.asdict(pair) for pair in outcome.pairs],
        "pairs_file": folder.address(PAIRS_NAME),
    }
