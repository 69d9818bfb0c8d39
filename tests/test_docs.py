"""Every code block in the documentation runs (see `tests/documented.py` for how)."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.documented import PHOTOS_PER_CLASS, ROOT, PageError, blocks, commands_of, run_page
from tests.warm_commands import WarmCommands

PAGES = sorted([*ROOT.glob("README.md"), *(ROOT / "docs").rglob("*.md")])
LINKED = [*PAGES, *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"))]
FEW = {"train": 8, "validation": 4}
"""Photographs of every class for README.md: enough for two batches of training, and one of validation."""


def cases() -> list[Any]:
    """All pages, by their names."""
    names = {str(page.relative_to(ROOT)): page for page in PAGES}
    return [
        pytest.param(page, id=name, marks=pytest.mark.slow if has_code(page) else ())
        for name, page in names.items()
    ]


def has_code(page: Path) -> bool:
    """Whether a page has blocks that run."""
    return any(block.language in ("python", "bash", "console") for block in blocks(page))


SAMPLE = """\
# A page

```text
not run
```

```console
$ echo one > one.txt
this is output
$ cat \\
    one.txt
one
$ fitfeed --help
$ ls photos/train
```

1. In a list:

   ```python
   from pathlib import Path

   names = [Path("one.txt").read_text()]
   ```

```python
names.append("two")
Path("names.txt").write_text(" ".join(names))
```

<!-- not executed: it would fail -->
```bash
false
```

```bash
grep two names.txt
```
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    empty = tmp_path / "work"
    empty.mkdir()
    monkeypatch.chdir(empty)
    return empty


@pytest.mark.parametrize("page", cases())
def test_every_block_of_the_documentation_runs(page: Path, folder: Path, commands: WarmCommands) -> None:
    """README.md with `fitfeed` as a shell starts it; other pages without its imports."""
    if page == ROOT / "README.md":
        run_page(page, folder, FEW)
    else:
        run_page(page, folder, PHOTOS_PER_CLASS, commands.write_client)


def write(folder: Path, text: str) -> Path:
    page = folder.parent / "page.md"
    page.write_text(text)
    return page


def test_blocks_run_in_order_in_one_folder_with_photos(folder: Path) -> None:
    assert run_page(write(folder, SAMPLE), folder) == 4
    assert (folder / "names.txt").read_text() == "one\n two"
    photos = list((folder / "photos" / "train").rglob("*.jpg"))
    assert len(photos) == 10 * PHOTOS_PER_CLASS["train"]


def test_blocks_know_their_line(folder: Path) -> None:
    assert [(block.language, block.line) for block in blocks(write(folder, SAMPLE))] == [
        ("console", 8),
        ("python", 20),
        ("python", 26),
        ("bash", 36),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```python\nx = 1\n1 / 0\n```\n", r"page.md:2: the python block fails with ZeroDivisionError"),
        ("```python\nassert 1 == 2\n```\n", r"page.md:2: .*AssertionError"),
        ("```bash\nfalse\ntrue\n```\n", r"page.md:2: the bash block ends with exit status 1"),
        ("```bash\nfalse | true\n```\n", r"exit status 1"),
        ("```console\n$ fitfeed no-such-command\n```\n", r"exit status 2"),
        ("```\nx = 1\n```\n", r"page.md:1: tag the block 'text'"),
        ("```py\nx = 1\n```\n", r"page.md:1: tag the block 'python', not 'py'"),
        ("```python\nx = 1\n", r"page.md:1: this fence is never closed"),
        ("<!-- not executed: -->\n```python\n1 / 0\n```\n", r"page.md:1: say why"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, message: str, folder: Path) -> None:
    with pytest.raises(PageError, match=message):
        run_page(write(folder, text), folder)


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_files_of_the_project_are_where_pages_say(page: Path) -> None:
    if "adr" in page.parts:
        return  # a decision names what there was when it was made
    named = re.findall(
        r"\b(?:tests|schemas|converters|beam_jobs|pipelines|benchmarks|examples)/[\w/.-]+\.py\b",
        page.read_text(),
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


def anchors(page: Path) -> set[str]:
    """What links may name in a page: its headings, as GitHub turns them into anchors."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", LINKED, ids=[str(page.relative_to(ROOT)) for page in LINKED])
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for target in re.findall(r"\]\(((?!https?:|mailto:)[^)\s]+)\)", page.read_text()):
        name, _, anchor = target.partition("#")
        file = (page.parent / name) if name else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            lost.append(target)
    assert lost == []


def test_longer_fences_hold_shorter_ones(folder: Path) -> None:
    assert list(blocks(write(folder, "````markdown\n```python\n1 / 0\n```\n````\n"))) == []


def test_output_is_no_command() -> None:
    assert commands_of("$ a \\\n  b\nout\n$ c\n") == "a \\\n  b\nc\n"
