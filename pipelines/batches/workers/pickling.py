"""What can be sent to a worker process: a user's functions go by the names they are imported by."""

import io
import pickle
from collections.abc import Sequence
from typing import Any

from typing_extensions import override

from fitfeed.schemas.errors import UsageError

MAIN = "__main__"


def check_importable(augment: Sequence[object]) -> None:
    """Refuses what a worker process could not import, before there is one.

    Raises:
        UsageError: Naming the function.
    """
    for place, op in enumerate(augment):
        try:
            _Pickler(io.BytesIO()).dump(op)
        except Exception as error:  # of many types, and a user's object may raise its own
            msg = (
                f"worker processes import the functions in augment by name, which is not possible for "
                f"augment[{place}]={op!r} ({error}). Define it at the top of a module that your script imports, or "
                f"pass processes=0."
            )
            raise UsageError(msg) from error


class _Pickler(pickle.Pickler):
    """Refuses what lives in the script itself: that is `__main__` here, and something else in a worker."""

    @override
    def reducer_override(self, obj: Any) -> Any:
        """Looks at functions and classes; everything else is pickled as usual."""
        if getattr(obj, "__module__", None) == MAIN and hasattr(obj, "__qualname__"):
            msg = f"{obj.__qualname__} is defined in the script itself"
            raise pickle.PicklingError(msg)
        return NotImplemented
