"""Reads what was exported as `mlcroissant` does."""

from pathlib import Path
from typing import Any

import mlcroissant as mlc


def opened(path: Path) -> mlc.Dataset:
    """Reads it, and fails at whatever it warns of but what only its author can say."""
    dataset = mlc.Dataset(jsonld=path)
    issues = dataset.metadata.ctx.issues
    assert not issues.errors
    left = [
        text
        for text in issues.warnings
        if not any(name in text for name in ("datePublished", "creator", "citeAs", "schema.org/license"))
    ]
    assert left == []
    return dataset


def records_of(path: Path, name: str = "examples") -> list[dict[str, Any]]:
    """The records by the names of their columns; texts as texts."""
    return [
        {
            key.partition("/")[2]: value.decode() if isinstance(value, bytes) else value
            for key, value in row.items()
        }
        for row in opened(path).records(name)
    ]
