"""Runs a program in a process of its own: for other backends, devices and what is loaded."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def run_program(program: str, *arguments: object, **environment: str) -> str:
    """Runs Python code as a user's script, and returns what it prints.

    Args:
        program: The code.
        arguments: Its `sys.argv[1:]`.
        environment: Variables on top of those of this process.

    Raises:
        AssertionError: If it fails. It has what the program wrote to standard error.
    """
    result = run_any(program, *arguments, **environment)
    assert result.returncode == 0, result.stderr
    return result.stdout


def run_any(program: str, *arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs Python code as `run_program`, whether it fails or not."""
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
