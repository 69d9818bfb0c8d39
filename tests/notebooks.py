"""Runs notebooks in a real kernel."""

import os
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

MAX_S = 600
"""Seconds for a cell: so many that only what never ends takes longer."""


def read_notebook(path: Path) -> Any:
    """Reads a notebook of a file."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def run_notebook(notebook: Any, folder: Path, *, allow_errors: bool = False) -> Any:
    """Executes all cells.

    Args:
        notebook: What `read_notebook` returns. It gets the outputs.
        folder: Where the kernel runs.
        allow_errors: Whether cells may end with an error.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        patch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
        client = NotebookClient(
            notebook,
            timeout=MAX_S,
            kernel_name="python3",
            allow_errors=allow_errors,
            resources={"metadata": {"path": str(folder)}},
        )
        client.execute()
    return notebook


def run_cells(folder: Path, *cells: str, allow_errors: bool = False) -> list[list[Any]]:
    """Executes code in a new kernel; returns the outputs of each cell."""
    make: Any = nbformat.v4
    made = make.new_notebook(cells=[make.new_code_cell(cell) for cell in cells])
    return [cell.outputs for cell in run_notebook(made, folder, allow_errors=allow_errors).cells]


def printed(outputs: list[Any]) -> str:
    """What a cell printed to standard output."""
    return "".join(output.text for output in outputs if output.get("name") == "stdout")
