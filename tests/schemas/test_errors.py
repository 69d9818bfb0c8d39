"""The errors that a user can meet: what catches them, and that they pass between processes."""

import inspect
import pickle

import pytest

from fitfeed.schemas import errors
from fitfeed.schemas.errors import FitfeedError

ALL = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, FitfeedError)]


@pytest.mark.parametrize("kind", ALL)
def test_a_worker_process_can_send_it(kind: type[FitfeedError]) -> None:
    sent = pickle.loads(pickle.dumps(kind("what is wrong")))  # noqa: S301 - our own
    assert (type(sent), str(sent), sent.exit_status) == (kind, "what is wrong", kind.exit_status)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (errors.UsageError, ValueError),
        (errors.NotFoundError, FileNotFoundError),
        (errors.DamagedExampleError, errors.DamagedDatasetError),
        (errors.FormatVersionError, errors.UsageError),
    ],
)
def test_they_are_caught_as_what_a_caller_expects(kind: type[Exception], expected: type[Exception]) -> None:
    assert issubclass(kind, expected)


def test_each_exit_status_is_one_that_is_documented() -> None:
    assert {kind.exit_status for kind in ALL} == {1, 2, 3, 4, 5, 7, 130}
