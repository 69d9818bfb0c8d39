"""Sets attributes of a model for a moment of one `fit`, and leaves nothing behind, however that `fit` ends."""

from typing import Any

BORROWERS = "_fitfeed_borrowers"
"""Attribute of a model: those who have borrowed something of it, in order."""


class BorrowedAttributes:
    """Attributes of a model that have other values for a moment.

    A callback is not told that `fit` was interrupted. But every `fit` begins with
    `model.make_train_function()`, before it looks at anything else. So as long as a value is borrowed, that
    method gives all values back first:

        set -> fit reads the value -> give_back       the usual way
        set -> an exception ...... -> the next fit    gives back, then begins

    Several callbacks may borrow from one model. What was borrowed last is then given back first.
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
        borrowers = vars(self._model).setdefault(BORROWERS, [])  # not by name: Keras would track the list
        if self not in borrowers:
            borrowers.append(self)
        self._model.make_train_function = self._make_train_function
        setattr(self._model, name, value)

    def give_back(self) -> None:
        """Ends what `set` has begun."""
        for name, value in self._afterwards.items():
            setattr(self._model, name, value)
        borrowers = vars(self._model).get(BORROWERS, [])
        if self in borrowers:
            borrowers.remove(self)
        if not borrowers:
            vars(self._model).pop("make_train_function", None)  # the method of its class shows again
            vars(self._model).pop(BORROWERS, None)
        self._afterwards = {}

    def _make_train_function(self, force: bool = False) -> Any:
        for borrower in reversed(list(vars(self._model).get(BORROWERS, []))):
            borrower.give_back()
        self.give_back()  # also if an interruption has left it out of the list
        vars(self._model).pop("make_train_function", None)
        return self._model.make_train_function(force)
