"""Keras finds all that it calls."""

import inspect

import keras

from fitfeed.pipelines.callbacks.plain_callback import PlainCallback


def called_by_keras() -> dict[str, inspect.Signature]:
    methods = vars(keras.callbacks.Callback)
    return {name: inspect.signature(method) for name, method in methods.items() if name[:3] in {"on_", "set"}}


def test_it_has_the_methods_of_a_callback_of_keras() -> None:
    expected = called_by_keras()
    assert "on_train_batch_end" in expected
    for name, signature in expected.items():
        ours = inspect.signature(vars(PlainCallback)[name])
        assert list(ours.parameters) == list(signature.parameters), name


def test_keras_need_not_wait_for_it() -> None:
    callbacks = keras.callbacks.CallbackList(
        [PlainCallback()], add_history=True, epochs=1, steps=1, verbose=0
    )
    callbacks.on_train_begin()
    callbacks.on_predict_begin()
    callbacks.on_predict_end()
    callbacks.on_train_end()
    assert PlainCallback.async_safe
