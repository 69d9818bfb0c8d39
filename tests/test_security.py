"""Every place where bytes from outside enter, or where something is started or removed, is named in docs/security.md."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("schemas", "converters", "beam_jobs", "pipelines", "fitfeed")

MODULES = {
    "processes": {"multiprocessing", "pty", "subprocess"},
    "network": {"ftplib", "http", "obstore", "requests", "socket", "socketserver", "ssl", "urllib", "xmlrpc"},
    "code": {
        "cloudpickle",
        "code",
        "dill",
        "imp",
        "importlib",
        "joblib",
        "marshal",
        "pickle",
        "runpy",
        "shelve",
        "yaml",
    },
    "archives": {"bz2", "gzip", "lzma", "shelve", "tarfile", "zipfile", "zlib"},
    "formats": {"csv", "h5py", "xml"},
}
"""Modules whose import opens a door, by the kind of door."""

CALLS = {
    "processes": r"os\.(exec|fork|popen|posix_spawn|spawn|startfile|system)\w*|pty\.\w+",
    "code": r"eval|exec|compile|__import__|(ast\.)?literal_eval|\w+\.load_(model|weights)|np\.load",
    "decoders": r"(\w+\.)?(imdecode|imread)\w*|(PIL\.)?Image\.open|simplejpeg\.(decode|is)\w*|ImageCms\.ImageCmsProfile|pi_heif\.\w+|tf\.(io|image)\.decode\w*",
    "formats": r"json\.loads?|(pa|pyarrow)\.(ipc\.)?(memory_map|open_file|open_stream|BufferReader)|\w+\.model_validate_json",
    "removal": r"shutil\.(rmtree|move)|os\.(remove|unlink|rmdir|removedirs)|(?!np\.).+\.(unlink|delete|delete_all)",
}
"""Calls that open a door, as they are written."""


def doors() -> Iterator[tuple[str, str]]:
    """Kind of door and the module that has it, for every one in the source."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            if package == "fitfeed" and name.split("/")[1] in PACKAGES:
                continue  # links to the other packages
            for node in ast.walk(ast.parse(path.read_text())):
                for kind in kinds(node):
                    yield kind, name


def kinds(node: ast.AST) -> Iterator[str]:
    """The doors that one statement or expression opens."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        roots = {name.partition(".")[0] for name in names if name != "importlib.metadata"}
        yield from (kind for kind, modules in MODULES.items() if roots & modules)
    elif isinstance(node, ast.Call):
        written = ast.unparse(node.func)
        yield from (kind for kind, pattern in CALLS.items() if re.fullmatch(pattern, written))


def documented() -> dict[str, set[str]]:
    """Kind of door to modules, as the table in docs/security.md has them."""
    text = (ROOT / "docs" / "security.md").read_text()
    table = text[text.index("## Doors") :]
    rows = re.findall(r"^\| (\w+) \| (.*?) \|", table, re.MULTILINE)
    return {kind: set(re.findall(r"`([\w/]+\.py)`", cell)) for kind, cell in rows if "`" in cell}


def test_every_door_is_documented() -> None:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for kind, module in doors():
        found[kind].add(module)
    assert documented() == found


def test_doors_are_recognized() -> None:
    source = "import subprocess\nfrom pickle import loads\nos.execv(a)\neval(x)\ncv2.imdecode(b, 0)\nshutil.rmtree(p)\njson.loads(t)\nimport gzip"
    found = {kind for node in ast.walk(ast.parse(source)) for kind in kinds(node)}
    assert found == {"processes", "code", "decoders", "removal", "formats", "archives"}
    assert not any(
        True for node in ast.walk(ast.parse("import os\nprint(1)\nnp.zeros(3)")) for _ in kinds(node)
    )


def test_every_test_that_the_page_names_is_there() -> None:
    text = (ROOT / "docs" / "security.md").read_text()
    named = set(re.findall(r"`(tests/[\w/]+(?:\.py)?)`", text))
    assert len(named) > 20
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
