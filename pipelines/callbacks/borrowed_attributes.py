"""Sets attributes of a model for a moment of one `fit`, and leaves nothing behind, however that `fit` ends."""

from typing import Any


class BorrowedAttributes:
    """Attributes of a model that have other values for a moment.

    A callback is not told that `fit` was interrupted. But every `fit` begins with
    `model.make_train_function()`, before it looks at anything else. So as long as a value is borrowed, that
    method gives all values back first:

        set -> fit reads the value -> give_back       the usual way
        set -> an exception ...... -> the next fit    gives back, then begins
    """

    def __init__(self, model: Any) -> None:
        """Borrows nothing yet; `model`: a Keras model."""
        self._model = model
        self._afterwards: dict[str, Any] = {}

    def set(self, name: str, value: Any, *, afterwards: Any) -> None:
        """Sets an attribute.

        Args:
            name: Name of the attribute.
            value: Its value until `give_back`.
            afterwards: Its value from then on.
        """
        # In this order, Ctrl-C between two lines leaves nothing that the next `fit` would not give back.
        self._afterwards[name] = afterwards
        self._model.make_train_function = self._make_train_function
        setattr(self._model, name, value)

    def give_back(self) -> None:
        """Ends what `set` has begun."""
        for name, value in self._afterwards.items():
            setattr(self._model, name, value)
        vars(self._model).pop("make_train_function", None)  # the method of its class shows again
        self._afterwards = {}

    def _make_train_function(self, force: bool = False) -> Any:
        self.give_back()
        return self._model.make_train_function(force)
