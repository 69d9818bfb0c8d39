"""The iterator of a pipeline, whose errors say why a batch could not be made."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from fitfeed.pipelines.tf_data.batch_errors import say_why


def with_own_iterator(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Lets the iterators of a dataset raise errors that end with what fitfeed says. All else is TensorFlow's.

    That is for code in Python: a `for` loop, `next`, and Keras on other backends. Keras on TensorFlow takes batches within a
    graph, and datasets that are derived from this one have iterators of TensorFlow: see `uncaught_errors`.

    Args:
        batches: The dataset. It is changed.
    """
    kind: Any = type(batches)
    batches.__class__ = _own_dataset(kind)
    return batches


@functools.cache
def _own_dataset(kind: Any) -> type[Any]:
    def __iter__(self: Any) -> Iterator[Any]:  # noqa: N807
        iterator: Any = kind.__iter__(self)
        if tf.executing_eagerly():  # within a function there is nothing yet that could fail
            of: Any = type(iterator)
            iterator.__class__ = _own_iterator(of)
        return iterator  # type: ignore[no-any-return]

    return type(kind.__name__, (kind,), {"__iter__": __iter__, "__module__": kind.__module__})


@functools.cache
def _own_iterator(kind: Any) -> type[Any]:
    """Makes a class of iterators: still TensorFlow's, as `tf.function` and Keras expect, which takes them to their graphs."""
    methods = {name: _saying_why(getattr(kind, name)) for name in ("__next__", "get_next")}
    return type(kind.__name__, (kind,), {**methods, "__module__": kind.__module__})


def _saying_why(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: Any) -> Any:
        try:
            return method(self)
        except tf.errors.OpError as error:
            if say_why(error):
                raise error.with_traceback(None) from None  # without the calls within TensorFlow
            raise

    return call
