"""The findings of a verification, and the report that they make."""

import dataclasses
from collections import Counter
from collections.abc import Iterable

from fitfeed.schemas.strict_json import JsonObject

FINDINGS_PER_FILE = 1000
"""Findings that are kept for a file. A file that was replaced has one for each example."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        file: Name of the file that is wrong, in the dataset's folder.
        kind: What is wrong with it; see `KINDS`.
        detail: One sentence for a person.
        offset: Byte of the file at which the wrong part begins.
        example: Row of the split's index.
        key: Key of that example.
    """

    file: str
    kind: str
    detail: str
    offset: int | None = None
    example: int | None = None
    key: str | None = None


KINDS = {
    "manifest": "the manifest is not what was published",
    "incomplete": "the conversion has not finished",
    "missing": "a file is missing, or may not be opened",
    "extra": "a file looks like a part of the dataset, but is not",
    "unreadable": "the disk or the system refuses to read a file",
    "swapped": "a file holds the content of another one",
    "truncated": "a file is too short",
    "appended": "a file is whole, but something follows",
    "size": "a file has another size and other content",
    "sha256": "a file has other content",
    "memory": "a file is whole on disk, but was not when first read",
    "payload": "an example's image has other bytes",
    "record": "an example's record has other bytes around its image",
    "framing": "a TFRecord header is wrong",
    "structure": "an HDF5 file is not built as fitfeed builds it",
    "index": "the index contradicts the manifest or the shards",
    "disagrees": "whole files contradict each other",
    "statistics": "the statistics contradict the index",
    "rejects": "the list of rejects contradicts the manifest",
    "more": "more findings in the same file, left out",
}


class Findings:
    """Collects findings, a limited number for each file."""

    def __init__(self) -> None:
        """Starts with none."""
        self.kept: list[Finding] = []
        self.left_out: Counter[str] = Counter()
        self._count: Counter[str] = Counter()

    def add(self, finding: Finding) -> None:
        """Adds a finding."""
        if self._count[finding.file] < FINDINGS_PER_FILE:
            self._count[finding.file] += 1
            self.kept.append(finding)
        else:
            self.left_out[finding.file] += 1

    def extend(self, found: Iterable[Finding]) -> None:
        """Adds findings."""
        for finding in found:
            self.add(finding)

    def all(self) -> tuple[Finding, ...]:
        """All findings that were kept, in order, and for each file how many were left out."""
        more = [
            Finding(file=file, kind="more", detail=f"at least {count} more findings, left out")
            for file, count in self.left_out.items()
            if count
        ]
        return (*self.kept, *more)


@dataclasses.dataclass(frozen=True, kw_only=True)
class BesideReport:
    """A file beside a dataset, which is not a part of it.

    Attributes:
        file: Its name.
        damage: What is wrong with it, or None. The dataset is whole all the same.
    """

    file: str
    damage: str | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
    """The outcome of a verification.

    Attributes:
        findings: All that is wrong.
        fingerprint: Fingerprint of the dataset; None if its manifest is not whole.
        files, bytes, examples: How many were read and compared.
        beside: The files beside the dataset that are there and known. They may be missing.
    """

    findings: tuple[Finding, ...]
    fingerprint: str | None = None
    files: int = 0
    bytes: int = 0
    examples: int = 0
    beside: tuple[BesideReport, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def to_dict(self) -> JsonObject:
        """The report as JSON: `ok`, `findings`, `checked`, `beside`."""
        return {
            "ok": self.ok,
            "findings": [dataclasses.asdict(finding) for finding in self.findings],
            "checked": {
                "fingerprint": self.fingerprint,
                "files": self.files,
                "bytes": self.bytes,
                "examples": self.examples,
            },
            "beside": [dataclasses.asdict(table) for table in self.beside],
        }
