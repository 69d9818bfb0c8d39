"""Situations in which names of classes, and paths of images, are shown, beside those of `hostile_names`."""

from pathlib import Path

from tests.fitfeed.hostile_names import SITUATIONS as SITUATIONS
from tests.fitfeed.hostile_names import CommandLines, situation, source_of, utf8


@situation
def classes(folder: Path, name: str) -> CommandLines:
    source = source_of(folder, f"{name}/1.png", "b/1.png")
    given = ["convert", source, folder / "dataset"]
    plans: CommandLines = [[*given, "--dry-run"], [*given, "--dry-run", "--json"]]
    return [*plans, given, given, [*given, "--json"]]


@situation
def only_one_class(folder: Path, name: str) -> CommandLines:
    return [["convert", source_of(folder, f"{name}/1.png"), folder / "dataset"]]


@situation
def classes_that_differ_in_case(folder: Path, name: str) -> CommandLines:
    return [["convert", source_of(folder, f"x{name}/1.png", f"X{name}/2.png"), folder / "dataset"]]


@situation
def classes_that_are_given(folder: Path, name: str) -> CommandLines:
    source = source_of(folder, f"{name}/1.png", "a/2.png", "b/3.png")
    given = ["convert", source, folder / "dataset"]
    lists: CommandLines = [["--classes", f"a,{utf8(name)}x"], ["--drop-classes", f"{utf8(name)}y"]]
    (folder / "list.txt").write_text(f"{utf8(name)}.png\n")
    others: CommandLines = [["--rename-class", f"a={utf8(name)}z"], ["--leave-out", folder / "list.txt"]]
    return [[*given, *options, "--dry-run"] for options in (*lists, *others)]


@situation
def more_paths_than_two(folder: Path, name: str) -> CommandLines:
    return [["convert", folder / f"{name}1", folder / f"{name}2", folder / name]]


@situation
def paths_that_look_alike(folder: Path, name: str) -> CommandLines:
    source = source_of(folder, f"{name}\u00e4/1.png", f"{name}a\u0308/1.png", "b/3.png")
    return [["convert", source, folder / "dataset"]]
