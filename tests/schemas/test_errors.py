"""The errors that a user can meet: what catches them, and that they pass between processes."""

import inspect
import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.schemas import errors
from fitfeed.schemas.errors import FitfeedError

ALL = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, FitfeedError)]


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("lines", [("what is wrong",), ("what is wrong:", "  a", "Mend it."), ("a", "b")])
def test_a_worker_process_can_send_it(kind: type[FitfeedError], lines: tuple[str, ...]) -> None:
    sent = pickle.loads(pickle.dumps(kind(*lines)))  # noqa: S301 - our own
    assert (type(sent), str(sent), sent.exit_status) == (kind, "\n".join(lines), kind.exit_status)


@given(
    kind=st.sampled_from(ALL),
    lines=st.lists(st.text(st.characters() | st.sampled_from("\n\r\x1b\x9b\u2028\u202e")), min_size=1),
)
def test_no_name_in_a_message_controls_a_terminal_or_begins_a_line(
    kind: type[FitfeedError], lines: list[str]
) -> None:
    for error in (kind(*lines), pickle.loads(pickle.dumps(kind(*lines)))):  # noqa: S301 - our own
        shown = str(error).split("\n")
        assert len(shown) == len(lines)
        assert all(line.isprintable() for line in shown)


def test_a_traceback_of_a_users_script_shows_no_raw_name() -> None:
    error = errors.NotFoundError("SOURCE a\x1b]0;owned\nall is well does not exist")
    assert traceback.format_exception_only(error) == [
        "fitfeed.schemas.errors.NotFoundError: SOURCE a\\x1b]0;owned\\nall is well does not exist\n"
    ]


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


def test_no_error_has_a_message_of_its_own_making() -> None:
    assert [
        kind for kind in ALL if kind is not FitfeedError and vars(kind).keys() & {"__init__", "__str__"}
    ] == []


def test_each_exit_status_is_one_that_is_documented() -> None:
    assert {kind.exit_status for kind in ALL} == {1, 2, 3, 4, 5, 6, 7, 130}
