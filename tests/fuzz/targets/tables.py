"""Tables of labels, as SOURCE: a plan of images below the source, or a refusal."""

import random
import tempfile
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from PIL import Image

from fitfeed.beam_jobs.plan import plan_conversion
from fitfeed.converters.options import ConvertOptions
from fitfeed.schemas.errors import FitfeedError
from tests.fuzz.mutate import damaged
from tests.fuzz.mutate_json import damaged_json
from tests.fuzz.target import Target, expect
from tests.labelled import COLUMNS, make_source

OPTIONS = (
    ConvertOptions(label_columns=COLUMNS, split_column="set"),
    ConvertOptions(label_columns=("note:text", "species:class"), group="gardener"),
    ConvertOptions(label_columns=("species:class",)),
    ConvertOptions(label_columns=("région:mask", "petals:int"), path_column="path", split_column="set"),
)

CELLS = (
    *(
        "",
        "../private.png",
        "/etc/passwd",
        "/dev/zero",
        "file:///etc/passwd",
        "C:\\x.png",
        "pictures/../../private.png",
    ),
    *(
        "\0",
        "\x1b]0;x\a",
        "\u202e",
        "\x9b",
        "=1+1",
        "nan",
        "inf",
        "1e999",
        "-0",
        "9" * 5000,
        "1_000",
        "٣",
        "[]",
        ";;",
        "None",
    ),
    *(
        "x" * 70_000,
        '"',
        '""',
        '"a,b"',
        "a\nb",
        "\r",
        "train",
        "validation",
        "link/private.png",
        "pictures/out.png",
        "pictures",
        ".",
    ),
)


def whole() -> list[bytes]:
    """A table with a label of every kind, as CSV in two encodings and as JSON lines."""
    with tempfile.TemporaryDirectory() as folder:
        make_source(Path(folder))
        plain, lines = ((Path(folder) / name).read_bytes() for name in ("labels.csv", "labels.jsonl"))
        return [plain, plain.decode("utf-8-sig").encode("utf-16"), lines]


def damage(corpus: Sequence[bytes], chance: random.Random) -> bytes:
    """Damages cells, rows and columns of a CSV table, values of a line of JSON, or bytes."""
    data = chance.choice(corpus)
    if chance.random() < 0.3:
        return damaged([data], chance)
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    if lines[at].startswith(b"{"):
        lines[at] = damaged_json([lines[at]], chance).replace(b"\n", b" ")
    else:
        lines[at] = _damaged_row(lines[at], chance)
    if chance.random() < 0.2:
        lines.insert(chance.randrange(len(lines)), chance.choice(lines))
    return b"\n".join(lines)


def _damaged_row(row: bytes, chance: random.Random) -> bytes:
    cells = row.split(b",")
    at = chance.randrange(len(cells))
    edit = chance.choice(("cell", "cell", "cell", "remove", "twice", "swap"))
    if edit == "cell":
        cells[at] = chance.choice(CELLS).encode()
    elif edit == "remove":
        del cells[at]
    elif edit == "twice":
        cells.insert(at, cells[at])
    else:
        chance.shuffle(cells)
    return b",".join(cells)


@cache
def _source(folder: Path) -> Path:
    """A source, beside it a private picture, and in it links that lead out."""
    source = folder / "source"
    source.mkdir()
    make_source(source)
    Image.new("RGB", (9, 9)).save(folder / "private.png")
    (source / "link").symlink_to("..")
    (source / "pictures" / "out.png").symlink_to("../../private.png")
    return source


def check(data: bytes, folder: Path) -> None:
    """Plans a conversion of it, as CSV and as JSON lines. Links that lead out are refused, so nothing may be outside."""
    source = _source(folder)
    options = OPTIONS[zlib.crc32(data) % len(OPTIONS)]
    for name in ("table.csv", "table.jsonl"):
        (source / name).write_bytes(data)
        try:
            planned = plan_conversion(source / name, folder / "dataset", options, max_bad=1.0, links="refuse")
        except FitfeedError as error:
            expect(
                error.exit_status in (2, 3, 4) and str(error).isprintable(), f"{error.exit_status}: {error}"
            )
            continue
        keys: set[str] = set()
        for shard in planned.plan.shards:
            expect(keys.isdisjoint(shard.keys), "a key twice")
            keys.update(shard.keys)
            for path in shard.paths:
                _expect_inside(source, path)
            for mask in shard.labels.get("région", ()):
                _expect_inside(source, mask[0])


def _expect_inside(source: Path, path: str) -> None:
    found = (source / path).resolve()
    expect(found.is_relative_to(source.resolve()) and found.is_file(), f"planned: {path!r}")


TABLES = Target("tables", whole, check, damage)
