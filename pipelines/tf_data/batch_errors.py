"""Says why a batch could not be made, in the place of what TensorFlow says about it.

An error that leaves a function that TensorFlow calls is logged twice, with TensorFlow's stack, and becomes text in the middle of
a `tf.errors.OpError`, with that stack again: 380 lines for a damaged example. So our functions return their errors, as text,
and the graph raises them. Its message then is one paragraph:

    Graph execution error: where Keras made its step
    Error in user-defined function ...: assertion failed: [DamagedExampleError: shard ..., example ... (fitfeed error 1 of 5f0c...)]
    [[{{node Assert}}]] [[IteratorGetNext]] [Op:__inference_multi_step_on_iterator_4711]

By its number, and the process that gave it, the error is found again, and the message of the `OpError` is exchanged for what fitfeed says. Nothing is exchanged or
left out after `tf.debugging.disable_traceback_filtering()`, TensorFlow's own switch (docs/adr/0058-errors-of-a-pipeline.md).
"""

import itertools
import re
import secrets
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, cast

from fitfeed.pipelines.tf_data.uncaught_errors import change_uncaught
from fitfeed.schemas.errors import FitfeedError
from fitfeed.schemas.processes.error_text import WorkerFailedError

if TYPE_CHECKING:
    import tensorflow as tf

P = ParamSpec("P")

MAX_REMEMBERED = 64
"""Errors that are remembered. All batches that are being made may fail at once, and the first of them is raised."""

MAX_LINES = 1000
"""Lines of an error that an `OpError` has, at most."""

NOT_OF_USERS = frozenset({"fitfeed", "tensorflow", "keras", "threading", "concurrent"})
"""Packages whose frames come before those of a user's function."""

ON_PURPOSE = (FitfeedError, WorkerFailedError)
"""Errors whose message says all: that of another process has its traceback there."""

NO_BATCH = (0,) * 8
"""The shape of what is returned beside an error. No array of a batch has this rank."""

PROCESS = secrets.token_hex(8)
"""Belongs to a number: errors of other processes, such as those of the tf.data service, have numbers of their own."""

NUMBERED = re.compile(rf"\(fitfeed error (\d+) of {PROCESS}\)")


class _Remembered:
    """What was said of the last errors, by number. Texts only: an error would keep its frames, and these keep whole batches."""

    def __init__(self) -> None:
        self._numbers, self._texts = itertools.count(1), dict[int, str]()
        self._lock = threading.Lock()

    def add(self, text: str) -> int:
        with self._lock:
            number = next(self._numbers)
            self._texts[number] = text
            self._texts.pop(number - MAX_REMEMBERED, None)
        return number

    def find(self, message: str) -> str | None:
        """Returns the text of the error whose number is in a message."""
        found = NUMBERED.search(message)
        return None if found is None else self._texts.get(int(found[1]))


_REMEMBERED = _Remembered()


def no_batch(why: Sequence[str], types: "Sequence[tf.DType]") -> "list[tf.Tensor]":
    """Makes what is returned in the place of values: string (lines,) that say why there are none, and empty tensors.

    Args:
        why: The lines.
        types: Types of the values.
    """
    import tensorflow as tf

    with tf.init_scope():  # where a graph is built, too, these are tensors
        # Names of files, and so messages, may have bytes that are not UTF-8.
        lines = [line.encode(errors="backslashreplace") for line in why]
        return [tf.constant(lines, tf.string), *(tf.zeros(NO_BATCH, type_) for type_ in types)]


def errors_returned(
    function: Callable[P, Any], types: "Sequence[tf.DType]"
) -> "Callable[P, list[tf.Tensor]]":
    """Makes a function that returns its error, if it fails, and raises none.

    Args:
        function: Returns values.
        types: Their types.

    Returns:
        A function that returns the lines of its error, of which there are none if all is well, and then the values.
    """
    all_well, *nothing = no_batch([], types)

    def call(*args: P.args, **kwargs: P.kwargs) -> "list[tf.Tensor]":
        try:
            return [all_well, *function(*args, **kwargs)]
        except Exception as error:  # noqa: BLE001  the graph raises it again: `raise_returned`
            text = _text_of(error)
            change_uncaught(say_why)
            lines = [
                *text.split("\n")[1 - MAX_LINES :],
                f"(fitfeed error {_REMEMBERED.add(text)} of {PROCESS})",
            ]
        return [*no_batch(lines, ()), *nothing]

    return call


def raise_returned(results: "Sequence[tf.Tensor]") -> "list[tf.Tensor]":
    """Adds to the graph what raises the error that a function has returned.

    Args:
        results: What a function of `errors_returned` has returned: string (lines,), then the values.

    Returns:
        The values.
    """
    import tensorflow as tf

    lines, *values = results
    check = tf.raw_ops.Assert(condition=tf.equal(tf.size(lines), 0), data=[lines], summarize=MAX_LINES)
    with tf.control_dependencies([check]):
        return [tf.identity(value) for value in values]


def is_filtering() -> bool:
    """Returns whether TensorFlow, and so fitfeed, leaves out what its users need not know."""
    import tensorflow as tf

    return bool(tf.debugging.is_traceback_filtering_enabled())


def say_why(error: BaseException) -> bool:
    """Exchanges the message of an `OpError` for why the batch could not be made, if that is its reason; and of those before it.

    Args:
        error: What the caller of the pipeline got, or raised because of it. It is changed.

    Returns:
        Whether that was the reason.
    """
    import tensorflow as tf

    said = False
    for one in _chain(error) if is_filtering() else ():
        text = _REMEMBERED.find(one.message) if isinstance(one, tf.errors.OpError) else None
        if text is not None:
            cast("Any", one)._message = f"a batch cannot be made.\n{text}"  # noqa: SLF001  as TensorFlow does
            said = True
    return said


def _text_of(error: Exception) -> str:
    """Returns the traceback within a user's functions, if it was raised there; the error, with its notes, comes last."""
    says_all = is_filtering() and isinstance(error, FitfeedError)
    for one in _chain(error) if is_filtering() else ():
        one.__traceback__ = _frames_of_users(one)
    return "".join(traceback.format_exception(error, chain=not says_all)).strip()


def _frames_of_users(error: BaseException) -> TracebackType | None:
    """Leaves out the frames before a function of the user; all of them, if there is none and the message says all."""
    frames = error.__traceback__
    while frames is not None and _package(frames) in NOT_OF_USERS:
        frames = frames.tb_next
    if frames is None and not isinstance(error, ON_PURPOSE):
        return error.__traceback__  # a bug of ours
    return frames


def _package(frames: TracebackType) -> str:
    name: str = frames.tb_frame.f_globals.get("__name__", "")
    return name.partition(".")[0]


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yields an error and those that it was raised from, as Python shows them."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
