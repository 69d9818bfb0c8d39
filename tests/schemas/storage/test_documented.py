"""docs/object-stores.md names what can be set, and what is needed."""

import re
from pathlib import Path

from fitfeed.schemas.storage.errors import PERMISSIONS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "object-stores.md").read_text()
VARIABLE = re.compile(r"\b(?:AWS|AZURE|GOOGLE)_[A-Z0-9_]+\b")
OTHER_NAMES = {"AZURE_STORAGE_ACCOUNT", "AZURE_ENDPOINT", "AWS_DEFAULT_REGION"}
"""Older names of variables that are on the page."""


def test_every_variable_is_documented() -> None:
    read = {
        name
        for path in (ROOT / "schemas" / "storage").glob("*.py")
        for name in VARIABLE.findall(path.read_text())
    }
    assert len(read) > 15
    assert read - set(VARIABLE.findall(PAGE)) == OTHER_NAMES


def test_every_permission_is_documented() -> None:
    needed = {
        name
        for texts in PERMISSIONS.values()
        for text in texts.values()
        for name in re.findall(r"s3:\w+|storage\.\w+\.\w+|Storage Blob Data \w+", text)
    }
    assert len(needed) > 8
    assert [name for name in sorted(needed) if name not in PAGE] == []
