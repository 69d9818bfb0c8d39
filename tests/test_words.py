"""Names follow the rules of CONTRIBUTING.md, as far as a machine can tell."""

import ast
import io
import re
import tokenize
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("schemas", "converters", "beam_jobs", "pipelines", "fitfeed")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

BRITISH = re.compile(
    r"colour|grey|centre|neighbour|behaviour|labelled|catalogue|normalis|initialis|serialis|summaris",
    re.IGNORECASE,
)
"""Spellings that Keras, NumPy and OpenCV do not have in their names."""

SUPERLATIVE = re.compile(r"\b_*(LARGEST|MOST|LEAST|LONGEST)_")
"""Beginnings of constants that are called MAX_ or MIN_ here."""


def identifiers(source: str) -> list[tuple[int, str]]:
    """Line and text of every name in a module, keywords included."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [(token.start[0], token.string) for token in tokens if token.type == tokenize.NAME]


def names_like(pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    """Place and text of every name that has the pattern in it, in every module."""
    texts = {path: path.read_text() for path in MODULES}
    return [
        (place(path, line), name)
        for path, text in texts.items()
        if pattern.search(text)  # anywhere: looking for names takes a thousand times longer
        for line, name in identifiers(text)
        if pattern.search(name)
    ]


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_every_module_is_looked_at() -> None:
    assert len(MODULES) > 150
    assert len(MODULES) == len({path.resolve() for path in MODULES}), "a folder is looked at twice"


def test_no_class_name_stands_for_two_things() -> None:
    places = defaultdict(list)
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(place(path, node.lineno))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_identifiers_have_american_spelling() -> None:
    assert names_like(BRITISH) == []


def test_bounds_are_called_max_and_min() -> None:
    assert names_like(SUPERLATIVE) == []


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("grey_of = 1  # a colour\n", ["grey_of"]),
        ("def f(Colours):\n    'the centre'\n", ["Colours"]),
        ("x = 'normalised'\n", []),
        ("cv2.COLOR_RGB2GRAY\n", []),
    ],
)
def test_only_names_are_judged(source: str, names: list[str]) -> None:
    assert [name for _, name in identifiers(source) if BRITISH.search(name)] == names
