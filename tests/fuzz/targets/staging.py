"""The staging area of an interrupted conversion, in which a stranger has changed, replaced and linked files.

An input is a JSON document: where the staging area comes from, and a list of edits. Then the conversion goes on. Nothing
beside the dataset may be read or changed, and the dataset must be that of a conversion that nobody has disturbed; or the
conversion is refused in one line, and is right once the staging area is removed.
"""

import contextlib
import json
import os
import random
import shutil
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
from PIL import Image

from fitfeed.converters.options import ConvertOptions
from fitfeed.schemas.errors import FitfeedError
from fitfeed.schemas.manifest import WORK_FOLDER
from tests.folders import contents
from tests.fuzz.mutate_json import Pairs, damaged_json, dumped
from tests.fuzz.target import Target, expect
from tests.fuzz.watch_folder import touched_in
from tests.without_beam import convert

OPTIONS = ConvertOptions(shards=2)
DAY = 86_400 * 10**9
PRIVATE = "private.png"
TEMPORARY = f"thesis.tmp-{'0' * 32}"
BEGINNINGS = ("own", "append", "copied", "strange")
"""Our own conversion, in place; our own append to a dataset; a copy of the first; a copy of a conversion of other pictures,
with all names, sizes and times the same."""

SHARD = "train-00000-of-00002.tfrecord"
PLACES = (
    *(
        ".work",
        ".work/lock",
        ".work/other",
        "JOB",
        "JOB/job.json",
        "JOB/begun",
        "JOB/outcome.json",
        "JOB/sources.arrow",
    ),
    *(
        "JOB/plans",
        "JOB/results",
        "JOB/shards",
        "JOB/quarantine",
        "JOB/kept",
        "JOB/plans/00000.json",
        "JOB/plans/00001.json",
    ),
    *("JOB/results/00000.json", "JOB/results/00001.json", "JOB/quarantine/00000.json", f"JOB/shards/{SHARD}"),
    *(
        f"JOB/kept/{SHARD}",
        f"JOB/{TEMPORARY}",
        f"JOB/shards/{TEMPORARY}",
        "JOB/train.index.arrow",
        "JOB/rejects.jsonl",
    ),
    *(SHARD, "train.index.arrow", "sources.arrow", "duplicates.arrow", "rejects.jsonl", "manifest.json"),
)
"""Below the dataset; JOB is the folder of the job."""

TARGETS = (
    "canary",
    f"canary/{PRIVATE}",
    f"canary/{TEMPORARY}",
    "canary/plans",
    "source",
    ".",
    "nothing",
    "/dev/zero",
)
"""Where links lead, from beside the dataset."""

Edit = list[Any]


def whole() -> list[bytes]:
    """No edits at all."""
    return [json.dumps({"beginning": beginning, "edits": []}).encode() for beginning in BEGINNINGS]


def damage(corpus: Sequence[bytes], chance: random.Random) -> bytes:
    """Adds edits to those of an input."""
    content = json.loads(chance.choice(corpus))
    edits = [_edit(chance) for _ in range(chance.choice((1, 1, 2, 3, 5)))]
    return json.dumps({"beginning": chance.choice(BEGINNINGS), "edits": [*content["edits"], *edits]}).encode()


def _edit(chance: random.Random) -> Edit:
    place = chance.choice(PLACES)
    kind = chance.choice(
        (
            "json",
            "json",
            "json",
            "flip",
            "truncate",
            "remove",
            "link",
            "link",
            "hardlink",
            "copy",
            "folder",
            "pipe",
        )
    )
    if kind == "json":
        files = [name for name in PLACES if name.endswith(".json")]
        return [kind, chance.choice(files), chance.randrange(1 << 32)]
    if kind in ("link", "hardlink"):
        return [kind, place, chance.choice(TARGETS)]
    if kind == "copy":
        return [kind, place, chance.choice(PLACES)]
    return [kind, place, chance.randrange(1 << 16)]


def apply_edit(dataset: Path, job: Path, edit: Edit) -> None:
    """Does one edit. One that is not possible any more, or would itself leave the dataset, does nothing."""
    kind, name, value = edit
    path = _place(dataset, job, name)
    if not path.parent.resolve().is_relative_to(dataset.resolve()):
        return
    if kind in ("json", "set", "flip", "truncate") and not (_is_plain(path) and path.stat().st_size):
        return
    with contextlib.suppress(OSError, ValueError):
        EDITS[kind](path, value if kind != "copy" else _place(dataset, job, value))


def _place(dataset: Path, job: Path, name: str) -> Path:
    return job / name.removeprefix("JOB").lstrip("/") if name.startswith("JOB") else dataset / name


def _json(path: Path, seed: int) -> None:
    """Edits values as `mutate_json` does, half of the time with what leads to the private picture."""
    chance = random.Random(seed)
    text = path.read_bytes()
    if chance.random() < 0.5:
        found = [f"../canary/{PRIVATE}", "../../../escaped.tfrecord", f"../canary/{TEMPORARY}"]
        content = json.loads(text, object_pairs_hook=Pairs)
        for at, (key, value) in enumerate(content):
            if chance.random() < 0.3:
                content[at] = (
                    key,
                    [chance.choice(found), *value[1:]] if type(value) is list else chance.choice(found),
                )
        path.write_text(dumped(content))
    else:
        path.write_bytes(damaged_json([text], chance))


def _set(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **value}))


def _flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position % len(content)] ^= 1 << position % 8
    path.write_bytes(content)


def _truncate(path: Path, length: int) -> None:
    os.truncate(path, length % (path.stat().st_size + 1))


def _remove(path: Path, _: int) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _replace(make: Callable[[Path, Any], object]) -> Callable[[Path, Any], None]:
    def replace(path: Path, value: Any) -> None:
        if os.path.lexists(path):
            _remove(path, 0)
        path.parent.mkdir(parents=True, exist_ok=True)
        make(path, value)

    return replace


def _copy(path: Path, other: Path) -> None:
    if _is_plain(other):
        shutil.copy2(other, path)


def _beside(path: Path) -> Path:
    """The folder that has the dataset."""
    return next(parent for parent in path.parents if parent.name == "dataset").parent


EDITS: dict[str, Callable[[Path, Any], object]] = {
    "json": _json,
    "set": _set,
    "flip": _flip,
    "truncate": _truncate,
    "remove": _remove,
    "link": _replace(lambda path, target: path.symlink_to(_beside(path) / target)),
    "hardlink": _replace(lambda path, target: path.hardlink_to(_beside(path) / target)),
    "copy": _replace(_copy),
    "folder": _replace(lambda path, _: path.mkdir()),
    "pipe": _replace(lambda path, _: os.mkfifo(path)),
}


def _pictures(folder: Path, *, seed: int, count: int = 6) -> Path:
    """Pictures of the same names, sizes and times for every seed. Only their pixels differ."""
    chance = np.random.default_rng(seed)
    for name in range(count):
        path = folder / f"class {name % 2}" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(chance.integers(0, 256, (9, 7, 3), np.uint8)).save(path, compress_level=0)
        os.utime(path, ns=(DAY, DAY))
    return folder


class _KilledError(Exception):
    """Ends a conversion before publication."""


def _leave_unfinished(source: Path, dataset: Path, *, append: bool = False) -> None:
    """Writes all shards, and ends before publication."""
    with (
        mock.patch("tests.without_beam.publish", side_effect=_KilledError),
        contextlib.suppress(_KilledError),
    ):
        _convert(source, dataset, append=append)


class _References(NamedTuple):
    """What conversions that nobody disturbs make."""

    new: dict[str, bytes]
    appended: dict[str, bytes]


@cache
def _prepared(folder: Path) -> _References:
    """Makes the source, what can be copied, and what stays beside it all."""
    source = _pictures(folder / "source", seed=0, count=4)
    _convert(source, folder / "base")
    shutil.copytree(folder / "base", folder / "appended")
    _pictures(source, seed=0)
    _convert(source, folder / "appended", append=True)
    _convert(source, folder / "reference")
    _leave_unfinished(source, folder / "copied")
    _leave_unfinished(_pictures(folder / "strangers" / "source", seed=1), folder / "strange")
    (folder / "canary" / "plans").mkdir(parents=True)
    shutil.copyfile(_pictures(folder / "private", seed=2) / "class 0" / "0.png", folder / "canary" / PRIVATE)
    for name in (TEMPORARY, f"plans/{TEMPORARY}", "plans/00000.json", "lock", "job.json"):
        (folder / "canary" / name).write_text("{}")
    return _References(contents(folder / "reference"), contents(folder / "appended"))


def check(data: bytes, folder: Path) -> None:
    """Begins a conversion, makes the edits, and lets it go on."""
    with mock.patch("os.fsync"):  # the machine does not stop here, and it is most of the time
        _check(json.loads(data), folder)


def _check(content: dict[str, Any], folder: Path) -> None:
    references = _prepared(folder)
    source, dataset, canary = folder / "source", folder / "dataset", folder / "canary"
    beginning, append = content["beginning"], content["beginning"] == "append"
    shutil.rmtree(dataset, ignore_errors=True)
    if not append and beginning != "own":
        shutil.copytree(folder / beginning, dataset)
    elif append:
        shutil.copytree(folder / "base", dataset)
    if append or beginning == "own":
        _leave_unfinished(source, dataset, append=append)
    (job,) = (path for path in (dataset / WORK_FOLDER).iterdir() if path.is_dir())
    for edit in content["edits"]:
        if not append or edit[1].startswith((WORK_FOLDER, "JOB")):  # the dataset itself is for `verify`
            apply_edit(dataset, job, edit)
    before = _beside_state(folder)
    with touched_in(canary) as touched:
        refusal = _convert(source, dataset, append=append)
    expect(not touched, f"outside of the dataset: {touched}")
    after = _beside_state(folder)
    expect(before == after, f"changed beside the dataset: {before} {after}")
    if refusal is not None:
        expect(refusal.isprintable() and refusal, f"not one line: {refusal!r}")
        _remove(dataset / WORK_FOLDER if append else dataset, 0)
        again = _convert(source, dataset, append=append)
        expect(again is None, f"refused without a staging area: {again}")
    expect(contents(dataset) == references[append], "another dataset was published")


def _convert(source: Path, dataset: Path, *, append: bool = False) -> str | None:
    """Converts; returns the message if it is refused."""
    try:
        convert(source, dataset, None if append else OPTIONS, append=append)
    except FitfeedError as error:
        return str(error)
    return None


def _beside_state(folder: Path) -> tuple[set[str], Any, Any]:
    return {path.name for path in folder.iterdir()}, _state(folder / "canary"), _state(folder / "source")


def _state(folder: Path) -> list[tuple[str, int, int, int, bytes]]:
    """All that a write would change in a folder."""
    found = []
    for path in sorted([folder, *folder.rglob("*")]):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found.append((path.name, status.st_mode, status.st_mtime_ns, status.st_size, content))
    return found


STAGING = Target("staging", whole, check, damage)


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
