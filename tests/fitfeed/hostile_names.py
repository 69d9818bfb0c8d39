"""Situations in which commands print a name that a stranger has chosen, each as command lines to run.

A situation is a function of a new folder and the name. It prepares files in the folder, and returns command lines.
"""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from PIL import Image

from fitfeed.cli import main
from fitfeed.schemas.manifest import read_manifest
from fitfeed.schemas.tfrecord import encode_example, frame
from tests.converters.damage import edit_manifest, reseal

CommandLines = list[list[object]]
Situation = Callable[[Path, str], CommandLines]

SITUATIONS: dict[str, Situation] = {}


def situation(prepare: Situation) -> Situation:
    """Adds a situation."""
    SITUATIONS[prepare.__name__] = prepare
    return prepare


def picture(path: Path, number: int) -> Path:
    """A picture that differs from those with other numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number // 2).integers(0, 250, (12, 12, 3), np.uint8)
    pixels[0, 0] += number % 2  # so 2 n + 1 looks like 2 n
    Image.fromarray(pixels).save(path, "PNG")
    return path


def source_of(folder: Path, *paths: str) -> Path:
    """A source of pictures that are all different."""
    for number, path in enumerate(paths):
        picture(folder / "source" / path, 2 * number)
    return folder / "source"


def convert(*arguments: object) -> None:
    """A conversion whose output is not what a situation is about."""
    assert main(["convert", *map(str, arguments), "--quiet"]) == 0


def dataset_of(folder: Path, name: str) -> Path:
    """A dataset with a class of this name."""
    convert(source_of(folder, f"{name}/{name}.png", "b/1.png", "b/2.png"), folder / "dataset")
    return folder / "dataset"


def table(folder: Path, *rows: dict[str, Any]) -> Path:
    """A source of four pictures 0.png to 3.png, with a table of them."""
    source_of(folder, *(f"{number}.png" for number in range(4)))
    path = folder / "table.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def utf8(name: str) -> str:
    """The name as a UTF-8 file can hold it."""
    return name.encode("utf-8", "replace").decode()


@situation
def folders_read_in_two_ways(folder: Path, name: str) -> CommandLines:
    mixed = source_of(folder / "1", "train/a/1.png", f"{name}/a/2.png")
    below = source_of(folder / "2", f"{name}/train/1.png", "b/test/2.png")
    same = source_of(folder / "3", f"{name}/a/1.png", f"{name}/b/2.png", "c/a/3.png", "c/b/4.png")
    wrapped = source_of(folder / "4", f"{name}/a/1.png", f"{name}/b/2.png")
    way = source_of(folder / "5", f"{name}/train/a/1.png", f"{name}/test/a/2.png")
    return [
        ["convert", source, folder / "dataset", "--dry-run"] for source in (mixed, below, same, wrapped, way)
    ]


@situation
def files_that_are_chosen(folder: Path, name: str) -> CommandLines:
    source = source_of(folder, f"a/{name}.png", f"a/{name}_mask.png", "b/1.png", "b/1_mask.png")
    (source / f"e{name}").mkdir()
    (source / "a" / f"{name}.xml").write_text("")
    (folder / "list.txt").write_text(f"b/1\n{utf8(name)}x\n")
    given = ["convert", source, folder / "dataset", "--dry-run"]
    options: CommandLines = [
        ["--split-list", f"test={folder / 'list.txt'}"],
        ["--exclude", f"*{utf8(name)}z"],
        ["--mask-from", "{dir}/{stem}_mask*.png"],
        ["--mask-from", f"{utf8(name)}/{{stem}}.png"],
        ["--group-from", "b"],
        ["--split-folders", f"{utf8(name)}=train"],
    ]
    return [given, *([*given, *each] for each in options)]


@situation
def source_and_dataset(folder: Path, name: str) -> CommandLines:
    source, dataset = source_of(folder / name, "a/1.png", "b/1.png"), folder / f"d{name}"
    given = ["convert", source, dataset]
    return [[*given, "--dry-run"], given, [*given, "--quality", 50], [*given, "--json"], ["verify", dataset]]


@situation
def nothing_there(folder: Path, name: str) -> CommandLines:
    path = folder / name
    commands: CommandLines = [
        ["convert", path, folder / "dataset"],
        ["preview", path, "-o", folder / "s.png"],
    ]
    return [*commands, ["inspect", path], ["verify", path], ["convert", path, path, "--labels", path]]


@situation
def rejects(folder: Path, name: str) -> CommandLines:
    source = source_of(folder, "a/1.png", "b/1.png")
    (source / "a" / f"{name}.jpg").touch()
    given = ["convert", source, folder / "dataset"]
    return [given, [*given, "--json"], [*given, "--max-bad", 1], ["inspect", folder / "dataset"]]


@situation
def nothing_but_rejects(folder: Path, name: str) -> CommandLines:
    (folder / "source" / "a").mkdir(parents=True)
    (folder / "source" / "a" / f"{name}.jpg").touch()
    return [["convert", folder / "source", folder / "dataset", "--max-bad", 1]]


@situation
def no_class_folders(folder: Path, name: str) -> CommandLines:
    source = source_of(folder, f"{name}.png", "b/1.png")
    return [["convert", source, folder / "dataset"], ["convert", source, source / name]]


@situation
def leaks(folder: Path, name: str) -> CommandLines:
    for path in (f"train/a/{name}.png", f"test/a/{name}.png"):
        picture(folder / "source" / path, 0)
    given = ["convert", folder / "source", folder / "dataset"]
    return [given, [*given, "--allow-leaks"]]


@situation
def copies(folder: Path, name: str) -> CommandLines:
    for path in ("a/1.png", f"a/{name}.png", f"{name}/1.png"):
        picture(folder / "source" / path, 0)
    given = ["convert", folder / "source", folder / "dataset"]
    return [[*given, "--duplicates", "fail"], given, [*given, "--overwrite", "--duplicates", "drop"]]


@situation
def near_duplicates(folder: Path, name: str) -> CommandLines:
    for number in range(4):
        picture(folder / "source" / f"{name}/{name}{number}.png", number)
    return [
        ["convert", folder / "source", folder / "dataset", option] for option in ("--overwrite", "--json")
    ]


@situation
def new_classes(folder: Path, name: str) -> CommandLines:
    dataset = dataset_of(folder, "a")
    picture(folder / "more" / name / "3.png", 8)
    given = ["convert", folder / "more", dataset, "--append"]
    return [[*given, "--dry-run"], given, [*given, "--json"]]


@situation
def changed_files(folder: Path, name: str) -> CommandLines:
    dataset = dataset_of(folder, name)
    picture(folder / "source" / name / f"{name}.png", 8)
    given = ["convert", folder / "source", dataset]
    return [given, [*given, "--append"]]


@situation
def labels_of_a_table(folder: Path, name: str) -> CommandLines:
    rows = [{"path": f"{number}.png", "label": utf8(name) if number else "b"} for number in range(3)]
    given = ["convert", folder / "source", folder / "dataset", "--labels", table(folder, *rows)]
    return [
        given,
        [*given, "--json"],
        ["inspect", folder / "dataset"],
        ["inspect", folder / "dataset", "--json"],
    ]


@situation
def wrong_values_of_a_table(folder: Path, name: str) -> CommandLines:
    number = {"path": "0.png", "label": utf8(name), "mask": utf8(name)}
    path = table(
        folder, number, {"path": utf8(name), "label": 1, "mask": "1.png"}, {"path": "../" + utf8(name)}
    )
    given = ["convert", folder / "source", folder / "dataset", "--labels", path]
    kinds = ["float", "int", "mask", "multiclass"]
    return [[*given, "--label-column", f"{'mask' if kind == 'mask' else 'label'}:{kind}"] for kind in kinds]


@situation
def columns_of_a_table(folder: Path, name: str) -> CommandLines:
    rows = [{"path": f"{number}.png", utf8(name): "b", "path ": 1} for number in range(3)]
    given = ["convert", folder / "source", folder / "dataset", "--labels", table(folder, *rows)]
    asked = [*given, "--path-column", "path", "--label-column"]
    return [given, [*asked, "nothing"], [*asked, f"{utf8(name)}:class"], [*asked, f"{utf8(name)}:mask"]]


@situation
def groups_and_splits_of_a_table(folder: Path, name: str) -> CommandLines:
    rows = [
        {
            "path": f"{number}.png",
            "label": "b",
            "group": utf8(name),
            "split": split,
            "wrong": f"-{utf8(name)}",
        }
        for number, split in enumerate(("train", "test"))
    ]
    given = ["convert", folder / "source", folder / "dataset", "--labels", table(folder, *rows)]
    asked = [*given, "--label-column", "label"]
    return [
        [*asked, "--split-column", "split", "--group", "group"],
        [*asked, "--split-column", "wrong"],
        [*asked, "--group", name],
    ]


@situation
def a_table_of_this_name(folder: Path, name: str) -> CommandLines:
    path = table(folder, {"path": "9.png", "label": "b"}, {"path": "1.png", "label": "b"}).rename(
        folder / f"{name}.jsonl"
    )
    (folder / f"{name}.csv").write_text('path,label\n"')
    (folder / f"{name}.txt").touch()
    given = ["convert", folder / "source", folder / "dataset", "--labels"]
    return [[*given, path], [*given, folder / f"{name}.csv"], [*given, folder / f"{name}.txt"]]


@situation
def arguments(folder: Path, name: str) -> CommandLines:
    given = ["convert", folder, folder / "dataset"]
    options = (
        "--format",
        "--size",
        "--split",
        "--runner",
        "--max-bad",
        "--seed",
        "--background",
        "--shard-bytes",
    )
    wrong: CommandLines = [[*given, f"{option}={name}"] for option in options]
    others: CommandLines = [
        [*given, "--", name],
        ["inspect", folder, "--", name],
        ["inspect", folder, f"{name}*"],
    ]
    return [*wrong, *others, [name]]


@situation
def options_of_a_manifest(folder: Path, name: str) -> CommandLines:
    dataset = dataset_of(folder, "a")
    reseal(dataset, lambda content: content["options"].update({"fit": utf8(name), f"o{utf8(name)}": 1}))
    given = ["convert", folder / "source", dataset]
    shown: CommandLines = [["inspect", dataset], ["inspect", dataset, "--json"], ["verify", dataset]]
    return [*shown, given, [*given, "--append"], [*given, "--dry-run"]]


@situation
def facts_of_a_manifest(folder: Path, name: str) -> CommandLines:
    dataset = dataset_of(folder, "a")

    def change(content: dict[str, Any]) -> None:
        content["sources"][0]["name"] = utf8(name)
        content["profiles"] = {utf8(name): 3}

    reseal(dataset, change)
    given: CommandLines = [["inspect", dataset], ["inspect", dataset, "--json"], ["verify", dataset]]
    return [*given, ["verify", dataset, "--json"]]


@situation
def wrong_manifests(folder: Path, name: str) -> CommandLines:
    base, name_in_json = dataset_of(folder, "a"), utf8(name)
    changes: list[Callable[[dict[str, Any]], object]] = [
        lambda content: content.update({name_in_json: 1}),
        lambda content: content.update(format=name_in_json),
        lambda content: content.update(format_version=name_in_json),
        lambda content: content["rejects"].update({name_in_json: 1}),
        lambda content: content["splits"].update({name_in_json: content["splits"]["train"]}),
        lambda content: content["features"].update({name_in_json: {"kind": "text"}}),
        lambda content: content["splits"]["train"]["index"].update(file=name_in_json),
    ]
    commands: CommandLines = []
    for number, change in enumerate(changes):
        dataset = Path(shutil.copytree(base, folder / str(number)))
        edit_manifest(dataset, change)
        commands += [["inspect", dataset], ["verify", dataset], ["convert", folder / "source", dataset]]
    (folder / "twice").mkdir()
    (folder / "twice" / "manifest.json").write_text(f"{{{json.dumps(name)}: 1, {json.dumps(name)}: 2}}")
    return [*commands, ["inspect", folder / "twice"], ["verify", folder / "twice", "--json"]]


@situation
def damage(folder: Path, name: str) -> CommandLines:
    dataset = dataset_of(folder, name)
    shard = dataset / read_manifest(dataset).splits["train"].shards[0].file
    shard.write_bytes(bytes(shard.stat().st_size))
    (dataset / f"train-{name}-of-1.tfrecord").touch()
    reject = {"path": name, "reason": name, "detail": name, "handling": "rejected"}
    (dataset / "rejects.jsonl").write_text(json.dumps(reject) + "\n")
    commands: CommandLines = [["verify", dataset], ["verify", dataset, "--json"]]
    return [*commands, ["preview", dataset, "-o", folder / "s.png"]]


@situation
def wrong_rejects(folder: Path, name: str) -> CommandLines:
    dataset = dataset_of(folder, name)
    reject = {"path": name, "reason": name, "detail": name, "handling": "rejected"}
    (dataset / "rejects.jsonl").write_text(json.dumps(reject) + "\n")
    reseal(dataset)
    again = ["convert", folder / "source", dataset, "--append"]
    return [["verify", dataset], ["verify", dataset, "--json"], again]


@situation
def previews(folder: Path, name: str) -> CommandLines:
    dataset = dataset_of(folder / name, name)
    given = ["preview", dataset, "-o", folder / "s.png"]
    named = folder / f"{name}.png"
    return [
        [*given, "--json"],
        ["preview", dataset, "-o", named],
        ["preview", dataset, "-o", named, "--json"],
        ["preview", dataset, "-o", folder / name / name / name],
        ["preview", dataset, "-o", folder / "nothing" / f"{name}.png"],
        *(
            [*given, f"{option}={name}"]
            for option in ("--split", "--augment", "--image-size", "--count", "--font")
        ),
        [*given, f"--augment=RandomFlip({name!r})"],
    ]


@situation
def hdf5(folder: Path, name: str) -> CommandLines:
    path, text = folder / f"{name}.h5", utf8(name)
    with h5py.File(path, "w") as file:
        file[text] = np.arange(3)
        file[f"group/{text}"] = [b"value"]
        file["link"] = h5py.SoftLink(text)
        file["compound"] = np.zeros(2, [(text, np.float32)])
        file["compound"].attrs[text] = text
        file.attrs[text] = [text, "b"]
    with h5py.File(folder / "bytes.h5", "w") as file:
        file[b"\xff" + os.fsencode(name)] = np.arange(3)
    one: CommandLines = [["inspect", path], ["inspect", path, "--json"], ["inspect", folder / "bytes.h5"]]
    return [*one, ["inspect", path, folder / "bytes.h5"], ["inspect", path, folder / "bytes.h5", "--json"]]


@situation
def tfrecord(folder: Path, name: str) -> CommandLines:
    path = folder / f"{name}.tfrecord"
    values: list[bytes | int] = [b"value", 1]
    records = [
        b"".join([header, data, footer])
        for data in (
            encode_example(b"", {utf8(name): b"value", f"mixed{utf8(name)}": value})[0] for value in values
        )
        for header, footer in [frame(data)]
    ]
    path.write_bytes(b"".join(records))
    (folder / f"cut{name}.tfrecord").write_bytes(records[0][:-1])
    (folder / f"{name}.txt").write_text("no records")
    commands: CommandLines = [["inspect", path], ["inspect", path, "--json"]]
    return [*commands, ["inspect", folder / f"cut{name}.tfrecord"], ["inspect", folder / f"{name}.txt"]]
