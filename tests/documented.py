"""Runs the code blocks of a Markdown page, as a reader would who follows it from top to bottom.

All blocks of a page run in order, in one temporary folder with a folder `photos/` of photographs
(`photos/<train|validation>/<class>/*.jpg`):

- `python` blocks share their variables, as in one session.
- `bash` blocks are scripts; the first failing command fails the page.
- In `console` blocks the lines that begin with `$ ` are commands, continued after a backslash; the
  rest is their output, which is not compared.
- Every other block needs another tag, such as `text` or `json`; a block without one is an error.

A block that cannot run has `<!-- not executed: the reason -->` on the line above it.
"""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CLOTHING = ROOT / "examples" / "clothing"
PHOTOS_PER_CLASS = {"train": 20, "validation": 5}
EXECUTED = {"python", "bash", "console"}
MISTAKES = {"": "text", "py": "python", "python3": "python", "sh": "bash", "shell": "bash", "zsh": "bash"}
TIMEOUT_SECONDS = 300
PROGRAMS = ".programs"

FENCE = re.compile(r"^\s*(?P<ticks>`{3,})(?P<language>[^\s`]*)")
EXCUSE = re.compile(r"^\s*<!-- not executed: *(?P<reason>.*?) *-->\s*$")


class PageError(Exception):
    """A page that is written wrongly, or whose code fails."""


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text and the page's line on which its text begins."""

    language: str
    text: str
    line: int


def blocks(page: Path, *, excuse: str | None = None) -> Iterator[Block]:
    """Yields the blocks of a page that are to be executed, in order.

    Args:
        page: The Markdown file.
        excuse: Instead, those that are not to be, for this reason.

    Raises:
        PageError: If a fence is not closed, a language is missing or misspelled, or an excuse has no
            reason.
    """
    lines = page.read_text().splitlines()
    number = 0
    while number < len(lines):
        fence = FENCE.match(lines[number])
        number += 1
        if fence is None:
            continue
        start, language = number, fence["language"]
        while number < len(lines) and lines[number].strip() != fence["ticks"]:
            number += 1
        if number == len(lines):
            msg = f"{page}:{start}: this fence is never closed"
            raise PageError(msg)
        text = lines[start:number]
        number += 1
        if language in MISTAKES:
            msg = f"{page}:{start}: tag the block {MISTAKES[language]!r}, not {language!r}, so that it is clear whether it runs"
            raise PageError(msg)
        if language in EXECUTED and _excuse(page, lines, start - 1) == excuse:
            yield Block(language, _dedented(text), start + 1)


def _excuse(page: Path, lines: list[str], fence: int) -> str | None:
    """Why a block is not executed; None if it is."""
    excuse = EXCUSE.match(lines[fence - 1]) if fence else None
    if excuse is not None and not excuse["reason"]:
        msg = f"{page}:{fence}: say why the block is not executed"
        raise PageError(msg)
    return None if excuse is None else excuse["reason"]


def _dedented(lines: list[str]) -> str:
    """Without the indentation of a block inside a list."""
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[indent:] for line in lines) + "\n"


def write_command(program: Path) -> None:
    """Makes `fitfeed`, as an installation does."""
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m fitfeed "$@"\n')
    program.chmod(0o755)


def run_page(
    page: Path,
    folder: Path,
    photos: dict[str, int] = PHOTOS_PER_CLASS,
    write_command: Callable[[Path], None] = write_command,
    *,
    excuse: str | None = None,
) -> int:
    """Runs all blocks of a page.

    Args:
        page: The Markdown file.
        folder: An empty folder, which must be the current one.
        photos: Photographs of every class, by split.
        write_command: Makes the program `fitfeed`.
        excuse: Run the blocks that have this excuse instead.

    Returns:
        How many blocks ran.

    Raises:
        PageError: At the first block that fails, naming its line.
    """
    to_run = list(blocks(page, excuse=excuse))
    if to_run:
        copy_photos(folder / "photos", photos)
        (folder / PROGRAMS).mkdir()
        write_command(folder / PROGRAMS / "fitfeed")
    names: dict[str, Any] = {"__name__": "__documented__"}
    for block in to_run:
        if block.language == "python":
            _run_python(page, block, names)
        else:
            _run_shell(page, block, folder)
    return len(to_run)


def copy_photos(folder: Path, photos: dict[str, int]) -> None:
    """Copies the first photographs of every class."""
    for split, count in photos.items():
        for source in sorted((CLOTHING / split).iterdir()):
            target = folder / split / source.name
            target.mkdir(parents=True)
            for photo in sorted(source.iterdir())[:count]:
                shutil.copyfile(photo, target / photo.name)


def _run_python(page: Path, block: Block, names: dict[str, Any]) -> None:
    # The blank lines in front make tracebacks name the line of the page.
    source = "\n" * (block.line - 1) + block.text
    try:
        exec(compile(source, str(page), "exec"), names)
    except Exception as error:
        msg = f"{page}:{block.line}: the python block fails with {type(error).__name__}: {error}"
        raise PageError(msg) from error


def _run_shell(page: Path, block: Block, folder: Path) -> None:
    script = commands_of(block.text) if block.language == "console" else block.text
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=shell_environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )
    if result.returncode:
        msg = f"{page}:{block.line}: the {block.language} block ends with exit status {result.returncode}:\n{result.stdout}{result.stderr}"
        raise PageError(msg)


def commands_of(session: str) -> str:
    """The commands of a console session, without prompts and output."""
    script, continued = [], False
    for line in session.splitlines():
        if continued or line.startswith("$ "):
            script.append(line if continued else line[2:])
            continued = line.endswith("\\")
    return "\n".join(script) + "\n"


def shell_environment(folder: Path) -> dict[str, str]:
    """This interpreter's programs first, and `fitfeed` from this working tree."""
    path = os.pathsep.join([str(folder / PROGRAMS), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
