"""`docs/api.md` names what is public, no more and no less, and says how it is called."""

import ast
import inspect
import re
from itertools import chain
from pathlib import Path
from typing import Any

import fitfeed
import fitfeed.pipelines
from fitfeed.schemas import errors

PAGE = (Path(__file__).parents[1] / "docs" / "api.md").read_text()

ENTRIES: list[str] = [
    *re.findall(r"^- `(.*?)`", PAGE, re.MULTILINE),
    *re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL),
]
"""Names, most of them with a signature."""


def name_of(entry: str) -> str:
    return entry.partition("(")[0]


def parameters(signature: inspect.Signature) -> list[tuple[str, Any, Any]]:
    """Name, kind and default of each parameter."""
    return [(each.name, each.kind, each.default) for each in signature.parameters.values()]


def documented(entry: str) -> list[tuple[str, Any, Any]]:
    """The same, as the page has them."""
    function = ast.parse(f"def {entry.strip()}: pass").body[0]
    assert isinstance(function, ast.FunctionDef)
    given = function.args
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    defaults: list[Any] = [inspect.Parameter.empty] * (len(given.args) - len(given.defaults))
    defaults += [ast.literal_eval(default) for default in given.defaults]
    found: list[tuple[str, Any, Any]] = [
        (one.arg, kind, default) for one, default in zip(given.args, defaults, strict=True)
    ]
    for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        value = inspect.Parameter.empty if default is None else ast.literal_eval(default)
        found.append((one.arg, inspect.Parameter.KEYWORD_ONLY, value))
    if given.kwarg is not None:
        found.append((given.kwarg.arg, inspect.Parameter.VAR_KEYWORD, inspect.Parameter.empty))
    return found


def test_the_page_names_what_is_public_and_nothing_else() -> None:
    assert sorted(map(name_of, ENTRIES)) == sorted(fitfeed.__all__)


def test_the_reference_has_all_of_them() -> None:
    page = (Path(__file__).parents[1] / "docs" / "reference.md").read_text()
    named = re.findall(r"^\.\. auto(?:class|function):: fitfeed\.(\w+)$", page, re.MULTILINE)
    assert sorted([*named, "errors"]) == sorted(fitfeed.__all__)
    assert ".. automodule:: fitfeed.schemas.errors" in page


def test_each_name_of_pipelines_has_a_module() -> None:
    assert sorted(chain.from_iterable(fitfeed.pipelines._NAMES.values())) == sorted(fitfeed.pipelines.__all__)


def test_what_pipelines_has_is_public() -> None:
    assert set(fitfeed.pipelines.__all__) <= set(fitfeed.__all__)


def test_signatures_are_as_the_page_says() -> None:
    for entry in ENTRIES:
        if "(" in entry:
            assert documented(entry) == parameters(inspect.signature(getattr(fitfeed, name_of(entry)))), entry


def test_what_people_call_has_its_signature_on_the_page() -> None:
    without = {entry for entry in ENTRIES if "(" not in entry}
    returned = {
        "ConversionResult",
        "Dataset",
        "Loader",
        "MovedBoxes",
        "PlannedConversion",
        "Records",
    }  # people get them, and do not make them
    assert without == returned | {"Augmentation", "errors"}


def test_every_error_has_its_exit_status_on_the_page() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", PAGE, re.MULTILINE)
    statuses = {
        name: getattr(kind, "exit_status", None) for name, kind in inspect.getmembers(errors, inspect.isclass)
    }
    assert sorted(rows) == sorted((name, str(status)) for name, status in statuses.items())
