"""What shows a dataset to people. It is above the packages that read datasets, so they find it here, by name.

`fitfeed/__init__` enters what there is. Nothing is imported before it is used; and this module imports nothing, because
`fitfeed/__init__` imports it, which must load nothing.
"""

TYPE_CHECKING = False
"""As in `typing`, which is not imported: `python -m fitfeed` would look for it in the current folder."""

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

VIEWS: dict[str, str] = {}
"""Name of a view to the function that makes it, as `module:function`."""


def load_view(name: str) -> "Callable[..., Any]":
    """Imports the function that makes a view.

    Args:
        name: Of the view.
    """
    import importlib

    module, _, function = VIEWS[name].partition(":")
    loaded: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return loaded
