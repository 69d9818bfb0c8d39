"""What a person sees last when a batch cannot be made, however the batches are taken."""

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, SimpleNamespace
from typing import Any

import pytest
import tensorflow as tf

from fitfeed.pipelines import Dataset, make_pipeline, open_dataset
from fitfeed.pipelines.tf_data import batch_errors
from fitfeed.pipelines.tf_data.batch_errors import MAX_REMEMBERED, errors_returned, say_why
from fitfeed.pipelines.tf_data.uncaught_errors import change_uncaught
from fitfeed.schemas.errors import DamagedExampleError
from fitfeed.schemas.processes.error_text import WorkerFailedError
from tests.pipelines.build_dataset import Format
from tests.programs import run_any

SENTENCE = "shard 3 has an example that is damaged"


NOWHERE = "/no/such/dataset"
missing = functools.partial(open_dataset, NOWHERE)
"""A function of fitfeed that fails."""


def failing(error: Exception) -> tf.errors.OpError:
    """Returns an `OpError` as it comes from a graph, for an error."""

    def fail() -> None:
        raise error

    lines = [line.decode() for line in errors_returned(fail, [])()[0].numpy()]
    return tf.errors.InvalidArgumentError(
        None, None, f"Graph execution error: [{' '.join(lines)}] [[Assert]]"
    )


def test_values_follow_no_line_of_an_error() -> None:
    lines, value = errors_returned(lambda: [7], [tf.int64])()
    assert lines.shape == (0,)
    assert value == 7


def test_an_error_is_a_value_and_no_array_of_a_batch() -> None:
    lines, value, other = errors_returned(missing, [tf.float32, tf.string])()
    sentence, number = (line.decode() for line in lines.numpy())
    assert sentence.startswith("fitfeed.schemas.errors.NotFoundError: ")
    assert NOWHERE in sentence
    assert number.startswith("(fitfeed error ")
    assert (value.dtype, other.dtype) == (tf.float32, tf.string)
    assert value.shape.rank == other.shape.rank == 8


def test_its_sentence_becomes_the_message() -> None:
    error = failing(DamagedExampleError(SENTENCE))
    assert say_why(error)
    assert str(error).startswith("a batch cannot be made.\nTraceback")
    assert str(error).endswith(f"\nfitfeed.schemas.errors.DamagedExampleError: {SENTENCE}")


def test_an_error_that_was_raised_because_of_it_has_the_sentence_too() -> None:
    cause, error = failing(DamagedExampleError(SENTENCE)), RuntimeError("the training ended")
    error.__cause__ = cause
    assert say_why(error)
    assert str(error) == "the training ended"
    assert str(cause).endswith(SENTENCE)


def test_other_errors_stay() -> None:
    other = tf.errors.ResourceExhaustedError(None, None, "out of memory (fitfeed error 999999 of 0)")
    assert not say_why(other)
    assert not say_why(ValueError("(fitfeed error 1)"))
    assert str(other) == "out of memory (fitfeed error 999999 of 0)"


@pytest.mark.parametrize(("kind", "is_shown"), [(RuntimeError, True), (WorkerFailedError, False)])
def test_where_an_error_was_raised_is_shown_unless_its_message_says_it(
    kind: type[Exception], is_shown: bool
) -> None:
    def fail() -> None:
        msg = "a bug"
        raise kind(msg)

    ours = FunctionType(
        fail.__code__, {**fail.__globals__, "__name__": "fitfeed.x"}, "fail", None, fail.__closure__
    )
    text = b"\n".join(errors_returned(ours, [])()[0].numpy())
    assert (b"in fail" in text) == is_shown
    assert b"a bug" in text


def test_an_error_of_another_process_is_not_taken_for_one_of_this() -> None:
    ours = failing(ValueError("ours"))
    theirs = tf.errors.InvalidArgumentError(None, None, ours.message.replace(batch_errors.PROCESS, "0" * 16))
    assert not say_why(theirs)
    assert say_why(ours)


def test_a_message_that_is_not_utf8_is_not_lost() -> None:
    error = failing(ValueError("a file is called \udcff"))
    assert "a file is called \\udcff" in error.message
    assert say_why(error)
    assert str(error).endswith("ValueError: a file is called \udcff")


def test_another_ipython_does_not_hide_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    before = sys.excepthook
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=object))
    change_uncaught.__wrapped__(say_why)
    assert sys.excepthook is before
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace())
    change_uncaught.__wrapped__(say_why)
    assert sys.excepthook is not before


def test_what_is_remembered_is_bounded() -> None:
    first = failing(ValueError("the first"))
    for number in range(MAX_REMEMBERED):
        failing(ValueError(str(number)))
    assert not say_why(first)
    assert len(batch_errors._REMEMBERED._texts) == MAX_REMEMBERED


def test_tensorflows_switch_leaves_all_as_it_is() -> None:
    error = failing(DamagedExampleError(SENTENCE))
    tf.debugging.disable_traceback_filtering()
    try:
        assert not say_why(error)
        lines = errors_returned(missing, [])()[0].numpy()
        assert any(b"batch_errors.py" in line for line in lines)
    finally:
        tf.debugging.enable_traceback_filtering()


def test_a_loop_gets_the_sentence_even_if_it_catches_the_error(own_copy: Callable[[Format], Path]) -> None:
    path = own_copy("tfrecord")
    batches = damaged_pipeline(path)
    with pytest.raises(tf.errors.OpError) as caught:
        list(batches)
    message = str(caught.value)
    assert message.startswith("a batch cannot be made.\nfitfeed.schemas.errors.DamagedExampleError: ")
    assert "(row 6 of 'train'" in message
    assert f"{path}/train-00000-of-" in message
    assert "\n" not in message.partition("\n")[2]
    with pytest.raises(tf.errors.OpError, match=r"^a batch cannot be made"):
        iter(damaged_pipeline(path)).get_next()


def test_a_graph_raises_it_too(own_copy: Callable[[Format], Path]) -> None:
    @tf.function
    def total(batches: tf.data.Dataset) -> tf.Tensor:
        return batches.reduce(tf.constant(0.0), lambda before, batch: before + tf.reduce_sum(batch[0]))

    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"DamagedExampleError: .*row 6 of .*fitfeed error"
    ):
        total(damaged_pipeline(own_copy("tfrecord")))


def test_a_function_that_fails_is_shown_and_what_called_it_is_not(flowers: Dataset) -> None:
    def fussy(_image: Any) -> Any:
        msg = "no such colour"
        raise LookupError(msg)

    with pytest.raises(tf.errors.OpError) as caught:
        list(make_pipeline(flowers, "train", batch_size=4, image_size=(8, 8), augment=[fussy]))
    lines = str(caught.value).splitlines()
    assert [line for line in lines if line.startswith("  File ")] == [lines[2]]
    assert "in fussy" in lines[2]
    assert lines[-2] == "LookupError: no such colour"
    assert lines[-1].startswith("It was raised for example 'class")


def test_a_function_may_raise_what_ends_an_iteration(flowers: Dataset) -> None:
    def ended(_image: Any) -> Any:
        raise StopIteration

    with pytest.raises(tf.errors.OpError, match="StopIteration"):
        list(make_pipeline(flowers, "train", batch_size=4, image_size=(8, 8), augment=[ended]))


def damaged_pipeline(path: Path) -> tf.data.Dataset:
    """A pipeline whose first batch has a damaged example."""
    dataset = open_dataset(path)
    with (path / dataset.splits["train"].shards[0].file).open("r+b") as file:
        file.seek(int(dataset.records("train").index.offset[6]) + 2)
        file.write(bytes(100))
    return make_pipeline(dataset, "train", batch_size=8, image_size=(8, 8), shuffle=False)


USES = {
    "for": "for batch in train: pass",
    "derived": "for batch in train.repeat(): pass",
    "fit": "model.fit(train, epochs=2, verbose=0, shuffle=False)",
    "weights": "model.fit(train, epochs=2, verbose=0, shuffle=False, class_weight={0: 1.0, 1: 2.0, 2: 1.0})",
}

SCRIPT = """
import sys
import keras
from tests.pipelines.tf_data.test_batch_errors import damaged_pipeline
from pathlib import Path
train = damaged_pipeline(Path(sys.argv[1]))
model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])
model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
"""


@pytest.mark.slow
@pytest.mark.parametrize("use", USES)
def test_the_last_line_of_a_script_is_the_sentence(own_copy: Callable[[Format], Path], use: str) -> None:
    result = run_any(SCRIPT + USES[use], own_copy("tfrecord"), TF_CPP_MIN_LOG_LEVEL="0")
    lines = result.stderr.rstrip().splitlines()
    assert result.returncode == 1
    assert lines[-1].startswith("fitfeed.schemas.errors.DamagedExampleError: ")
    assert "(row 6 of 'train'" in lines[-1]
    shown = lines[lines.index("Traceback (most recent call last):") :]
    assert shown[-2].endswith(": a batch cannot be made.")
    assert len(shown) < 20


@pytest.mark.slow
def test_who_catches_all_that_is_uncaught_still_does(own_copy: Callable[[Format], Path]) -> None:
    ours = "sys.excepthook = lambda kind, error, frames: print('caught', str(error).splitlines()[-1])\n"
    result = run_any(SCRIPT + ours + USES["fit"], own_copy("tfrecord"))
    assert result.stdout.startswith("caught fitfeed.schemas.errors.DamagedExampleError: ")


@pytest.mark.slow
def test_keras_on_jax_gets_the_sentence(own_copy: Callable[[Format], Path]) -> None:
    catch = f"try:\n    {USES['fit']}\nexcept Exception as error:\n    print(str(error).splitlines()[-1])"
    result = run_any(SCRIPT + catch, own_copy("tfrecord"), KERAS_BACKEND="jax")
    assert result.stdout.startswith("fitfeed.schemas.errors.DamagedExampleError: "), result.stderr
