"""A Keras callback that needs no Keras."""

from typing import Any

Logs = dict[str, Any] | None


class PlainCallback:
    """Has all methods that Keras calls on a callback, and does nothing in them.

    Keras does not ask whether a callback is one of its own class. So this can be imported, and used in a loop of one's
    own, where there is no Keras.

    Attributes:
        params: What `fit` says about itself: "epochs", "steps" and "verbose".
        model: The Keras model that is trained.
        async_safe: Says to Keras that methods may be called in another thread. Otherwise Keras would wait for each
            step's results before it begins the next.
    """

    async_safe = True
    params: dict[str, Any]
    model: Any

    def set_params(self, params: dict[str, Any]) -> None:
        """Takes `params`."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Takes `model`."""
        self.model = model

    def on_train_begin(self, logs: Logs = None) -> None:
        """Called before training."""

    def on_train_end(self, logs: Logs = None) -> None:
        """Called after training."""

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Called before an epoch."""

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Called after an epoch and its validation."""

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called by nothing that trains."""

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called by nothing that trains."""

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before an execution of training; `batch`: its first step."""

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called when the results of an execution are there; `batch`: its last step."""

    def on_test_begin(self, logs: Logs = None) -> None:
        """Called before validation."""

    def on_test_end(self, logs: Logs = None) -> None:
        """Called after validation."""

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before an execution of validation."""

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after an execution of validation."""

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Called before prediction."""

    def on_predict_end(self, logs: Logs = None) -> None:
        """Called after prediction."""

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before an execution of prediction."""

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after an execution of prediction."""
