"""Checks what can be sent to a worker process, which imports the functions of the user by name."""

import io
import pickle
from collections.abc import Sequence
from typing import Any

from typing_extensions import override

from fitfeed.schemas.errors import UsageError

MAIN = "__main__"


def check_importable(augment: Sequence[object]) -> None:
    """Refuses functions that a worker process cannot import, before one is started.

    Raises:
        UsageError: If an item cannot be pickled by name. It names the function.
    """
    for place, op in enumerate(augment):
        try:
            _Pickler(io.BytesIO()).dump(op)
        except Exception as error:  # there are many types, and an object of the user may raise its own
            msg = (
                f"worker processes import the functions in augment by name, which is not possible for "
                f"augment[{place}]={op!r} ({error}). Define it at the top of a module that your script imports, or "
                f"pass processes=0."
            )
            raise UsageError(msg) from error


class _Pickler(pickle.Pickler):
    """Refuses what the script itself defines: the script is `__main__` here, but not in a worker."""

    @override
    def reducer_override(self, obj: Any) -> Any:
        """Checks functions and classes; everything else is pickled as usual."""
        if getattr(obj, "__module__", None) == MAIN and hasattr(obj, "__qualname__"):
            msg = f"{obj.__qualname__} is defined in the script itself"
            raise pickle.PicklingError(msg)
        return NotImplemented
