"""Checks a whole dataset: its files, the content of each, and that they agree."""

import dataclasses
import functools
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from fitfeed.converters.verify.fetching import Fetching
from fitfeed.converters.verify.guarded import SplitShard, read_columns
from fitfeed.converters.verify.index import check_keys, check_rows, check_split
from fitfeed.converters.verify.reading import CHUNK_BYTES, Reading
from fitfeed.converters.verify.rejects import check_rejects
from fitfeed.converters.verify.report import BesideReport, Finding, Findings, Report
from fitfeed.converters.verify.rows import ShardRows, rows_of_split
from fitfeed.converters.verify.tfrecord import examine_tfrecord
from fitfeed.schemas.errors import DamagedDatasetError, IncompleteDatasetError, UsageError
from fitfeed.schemas.files import RefusedFileError, damaged_file, open_plain
from fitfeed.schemas.index import Index
from fitfeed.schemas.manifest import (
    MANIFEST_NAME,
    WORK_FOLDER,
    Manifest,
    parse_manifest,
    read_manifest_text,
)
from fitfeed.schemas.manifest_parts import File
from fitfeed.schemas.processes.guarded_calls import GuardedCalls
from fitfeed.schemas.sharding import DATASET_PATTERNS
from fitfeed.schemas.side_tables import DUPLICATES_NAME, SIDE_TABLES, SOURCES_NAME, read_pairs, read_sources
from fitfeed.schemas.storage.failures import failures_named
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.text import shortened
from fitfeed.schemas.tfds_beside import read_if_ours
from fitfeed.schemas.tfds_info import TFDS_NAMES, tfds_files


class VerifyProgress(Protocol):
    """Receives how far a verification is."""

    def start(self, *, files: int, total_bytes: int) -> None:
        """Called after the manifest was read."""

    def update(self, read_bytes: int) -> None:
        """Called with the size of each piece that was read."""


def verify_dataset(
    folder: str | os.PathLike[str] | Place, *, progress: VerifyProgress | None = None
) -> Report:
    """Checks everything against everything.

    Each file is read once, from end to end. The SHA-256 in the manifest show which file is damaged. All other checks
    show where, and find contradictions between files that were not changed. It takes memory for the largest image,
    the manifest, and 16 bytes for each example.

    Args:
        folder: The dataset: its folder, or its address in a store. No file outside it is read, whatever its files say.
        progress: Receives the progress.

    Raises:
        NotFoundError: If the folder does not exist.
        UsageError: If it is not a dataset, or of a version that this fitfeed does not read.
    """
    place = open_place(folder, "DATASET")
    try:
        text, _ = read_manifest_text(place)
        manifest = parse_manifest(place, text)
    except (DamagedDatasetError, IncompleteDatasetError) as error:
        kind = "manifest" if isinstance(error, DamagedDatasetError) else "incomplete"
        return Report(findings=(Finding(file=MANIFEST_NAME, kind=kind, detail=str(error)),))
    with failures_named("cannot read DATASET", place, UsageError):
        return _Verification(place, manifest, text, progress).run()


class _Verification:
    """One verification and what it has found so far."""

    def __init__(
        self, place: Place, manifest: Manifest, text: bytes, progress: VerifyProgress | None
    ) -> None:
        self._place, self._manifest, self._text, self._progress = place, manifest, text, progress
        self._known = {entry.sha256: entry.file for entry in manifest.files()}
        self._findings, self._guarded = Findings(), GuardedCalls()
        self._fetching = Fetching(place, [entry.file for entry in manifest.files()])
        self._indexes: list[tuple[str, Index]] = []
        self._files = self._bytes = self._examples = 0

    def run(self) -> Report:
        listed = self._manifest.files()
        if self._progress is not None:
            self._progress.start(files=len(listed), total_bytes=sum(entry.bytes for entry in listed))
        with self._fetching:
            self._findings.extend(self._check_text_of_manifest())
            self._findings.extend(self._extra_files(listed))
            with self._guarded, self._manifest_file() as path:
                for name in self._manifest.splits:
                    self._check_split(name, str(path))
            self._findings.extend(check_keys(self._indexes))
            self._check_rejects()
        return Report(
            findings=self._findings.all(),
            fingerprint=self._manifest.fingerprint,
            files=self._files,
            bytes=self._bytes,
            examples=self._examples,
            beside=(*_tables_beside(self._place), *_tfds_files_beside(self._place, self._manifest)),
        )

    @contextmanager
    def _manifest_file(self) -> Iterator[Path]:
        """The manifest that was checked, as a file for the process that reads columns: the dataset may have another one by then."""
        with TemporaryDirectory(prefix="fitfeed-") as folder:
            path = Path(folder, MANIFEST_NAME)
            path.write_bytes(self._text)
            yield path

    def _check_text_of_manifest(self) -> Iterator[Finding]:
        """Compares the text of the manifest. It may be changed although it means the same, such as 1.0 for 1."""
        text, published = self._text, self._manifest.to_json().encode()
        if text != published:
            same = zip(text, published, strict=False)
            offset = next((at for at, (a, b) in enumerate(same) if a != b), min(len(text), len(published)))
            detail = "it means the same as what was published, but its text is different"
            yield Finding(file=MANIFEST_NAME, kind="manifest", detail=detail, offset=offset)

    def _extra_files(self, listed: list[File]) -> Iterator[Finding]:
        if self._place.area().has_folder(WORK_FOLDER):
            return  # an append is running or was interrupted: its files may be in place already
        names = {entry.file for entry in listed}
        for name in sorted(self._place.area().names(DATASET_PATTERNS) - names):
            detail = "it is not a part of this dataset"
            yield Finding(file=shortened(name), kind="extra", detail=detail)

    def _check_split(self, name: str, manifest_file: str) -> None:
        split = self._manifest.splits[name]
        with self._open(split.index) as reading:  # until the end: another process reads this file, too
            index, index_is_whole = self._read_index(reading, split.index, split.examples)
            if index is not None:
                self._indexes.append((split.index.file, index))
                self._findings.extend(check_split(index, name, self._manifest))
            index_file = "" if reading is None else str(reading.path)
            all_rows = rows_of_split(self._manifest, name, index, index_is_whole=index_is_whole)
            for number, rows in enumerate(all_rows):
                self._findings.extend(check_rows(rows, number=number, file=split.index.file))
                shard = SplitShard(manifest_file, index_file, name, number)
                self._check_shard(rows, shard, split.index.file)

    def _read_index(self, reading: Reading | None, entry: File, examples: int) -> tuple[Index | None, bool]:
        """The index of a split, or None if its rows cannot be used; and whether its file is whole."""
        if reading is None:
            return None, False
        file_finding = self._read(reading)
        try:
            index = self._index_of(reading)
        except DamagedDatasetError as error:
            if file_finding is None:
                self._findings.add(Finding(file=entry.file, kind="index", detail=str(error)))
            return None, False
        if len(index) != examples:
            detail = f"it has {len(index)} rows, the manifest counts {examples} examples"
            self._findings.add(Finding(file=entry.file, kind="index", detail=detail))
            return None, False
        return index, file_finding is None

    def _index_of(self, reading: Reading) -> Index:
        address = self._place.address(reading.entry.file)
        return Index(address, self._manifest.features.label_kinds, stream=reading.stream)

    def _check_shard(self, rows: ShardRows, shard: SplitShard, index_file: str) -> None:
        local = Findings()
        with self._open(rows.shard) as reading:
            if reading is None:
                return
            if self._manifest.format == "tfrecord":
                file_finding = self._read(reading, examine_tfrecord(reading, rows), local)
            else:
                file_finding = self._check_hdf5(reading, rows, shard, local)
        self._examples += rows.shard.examples
        blamed = list(_attributed(local.kept, file_finding, rows, index_file))
        self._findings.extend(blamed)
        if blamed:
            self._findings.left_out.update({blamed[-1].file: local.left_out[rows.shard.file]})

    def _check_hdf5(
        self, reading: Reading, rows: ShardRows, shard: SplitShard, local: Findings
    ) -> Finding | None:
        from fitfeed.converters.verify.hdf5 import examine_images  # imports h5py

        formats: list[str] = []
        file_finding = self._read(reading, examine_images(reading, rows, formats), local)
        if rows.index is not None and len(formats) == rows.shard.examples:
            read_columns(shard, reading.path, rows, formats, local, self._guarded)
        return file_finding

    def _check_rejects(self) -> None:
        with self._open(self._manifest.rejects_file) as reading:
            if reading is not None:
                local = Findings()
                self._read(reading, check_rejects(reading, self._manifest), local)
                self._findings.extend(local.kept)

    @contextmanager
    def _open(self, entry: File) -> Iterator[Reading | None]:
        """A file to read, or None if that is a finding."""
        reading = None
        with ExitStack() as opened:
            try:
                path = opened.enter_context(self._fetching.file(entry.file))
                stream = opened.enter_context(open_plain(path, buffering=CHUNK_BYTES))
                again = functools.partial(self._place.as_file, entry.file)
                reading = Reading(path, entry, self._count, stream, again)
            except (FileNotFoundError, RefusedFileError) as error:
                damaged = damaged_file(self._place.address(entry.file), error)
                self._findings.add(Finding(file=entry.file, kind="missing", detail=str(damaged)))
            except OSError as error:
                self._findings.add(_unreadable(entry, error, None))
            yield reading

    def _read(
        self, reading: Reading, checks: Iterable[Finding] = (), local: Findings | None = None
    ) -> Finding | None:
        """Reads a file to its end with the checks for its kind, and returns what is wrong with it."""
        self._files += 1
        try:
            (self._findings if local is None else local).extend(checks)
            file_finding = reading.finish(self._known)
        except OSError as error:
            file_finding = _unreadable(reading.entry, error, reading.position)
        if file_finding is not None:
            self._findings.add(file_finding)
        return file_finding

    def _count(self, read_bytes: int) -> None:
        self._bytes += read_bytes
        if self._progress is not None:
            self._progress.update(read_bytes)


def _tables_beside(place: Place) -> Iterator[BesideReport]:
    """Looks at the tables that are not a part of the dataset. A damaged one is named, and harms nothing."""
    there = place.area().names(SIDE_TABLES)  # a link counts, too, whatever it leads to
    for name, read in ((SOURCES_NAME, read_sources), (DUPLICATES_NAME, read_pairs)):
        if name in there:
            try:
                read(place)
            except DamagedDatasetError as error:
                yield BesideReport(file=name, damage=str(error))
            else:
                yield BesideReport(file=name, damage=None)


def _tfds_files_beside(place: Place, manifest: Manifest) -> Iterator[BesideReport]:
    """Compares the files for TensorFlow Datasets with what follows from the manifest. Files of others are left alone."""
    expected = tfds_files(manifest)
    for name in TFDS_NAMES:
        published = expected.get(name, b"")
        damage = None
        try:
            content = read_if_ours(place, name, at_most=len(published) + 1)
        except OSError as error:
            content, damage = None, f"{place.address(name)} cannot be read: {error.strerror or error}"
        if content and content != published:
            damage = f"{place.address(name)} is not what follows from {MANIFEST_NAME}, so TensorFlow Datasets may read the dataset wrongly. Delete it: it is not a part of the dataset."
        if content or damage is not None:
            yield BesideReport(file=name, damage=damage)


def _unreadable(entry: File, error: OSError, offset: int | None) -> Finding:
    detail = f"it cannot be read: {error.strerror or error}"
    return Finding(file=entry.file, kind="unreadable", detail=detail, offset=offset)


def _attributed(
    found: Iterable[Finding], file_finding: Finding | None, rows: ShardRows, index_file: str
) -> Iterator[Finding]:
    """Attributes findings to the file that was changed, if the SHA-256 show which one it was."""
    index_is_damaged = rows.index is not None and not rows.index_is_whole
    for finding in found:
        if file_finding is None and index_is_damaged and finding.kind != "structure":
            detail = f"{rows.shard.file} is whole, yet there: {finding.detail}"
            yield dataclasses.replace(finding, file=index_file, kind="index", detail=detail, offset=None)
        elif file_finding is None:
            kind = "structure" if finding.kind == "structure" else "disagrees"
            yield dataclasses.replace(finding, kind=kind)
        elif file_finding.kind == "memory":
            yield dataclasses.replace(finding, kind="memory")
        elif file_finding.kind != "swapped":
            kind = "record" if finding.kind == "disagrees" else finding.kind
            yield dataclasses.replace(finding, kind=kind)
