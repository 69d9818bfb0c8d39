"""Errors that travel between processes as text."""

import json

from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.processes.error_text import ErrorText, WorkerFailedError


def restored(error: Exception) -> Exception:
    return ErrorText(*json.loads(json.dumps(ErrorText.of(error)))).to_error()


def test_an_error_of_ours_keeps_its_class_and_text() -> None:
    error = restored(DamagedDatasetError("x is cut off"))
    assert type(error) is DamagedDatasetError
    assert str(error) == "x is cut off"


def test_a_bug_has_its_traceback() -> None:
    try:
        json.loads("{")
    except ValueError as bug:
        error = restored(bug)
    assert type(error) is WorkerFailedError
    assert "test_a_bug_has_its_traceback" in str(error)
    assert "JSONDecodeError" in str(error)


def test_a_name_that_is_no_error_of_ours() -> None:
    assert type(ErrorText("Path", "x").to_error()) is WorkerFailedError
    assert type(ErrorText("SystemExit", "x").to_error()) is WorkerFailedError
