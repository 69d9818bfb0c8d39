"""Helpers of the tests of appending."""

import json
import shutil
from pathlib import Path
from typing import Any

SMALL: dict[str, Any] = {"encoding": "png", "size": (24, 24)}
"""Options that convert fast."""


def come_in(later: Path, photos: Path) -> None:
    shutil.copytree(later, photos, dirs_exist_ok=True)


def rejects(dataset: Path) -> dict[str, str]:
    lines = map(json.loads, (dataset / "rejects.jsonl").read_text().splitlines())
    return {line["path"]: line["reason"] for line in lines}
