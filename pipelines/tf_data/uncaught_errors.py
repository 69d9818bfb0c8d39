"""Changes the message of an uncaught error before it is shown, in scripts and in notebooks.

Where Keras asks for batches, within its own graph, no code of ours runs between TensorFlow's error and the caller of `fit`. What
shows the error is the first that can be changed.
"""

import functools
import sys
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

Change = Callable[[BaseException], object]


@functools.cache  # once in a process
def change_uncaught(change: Change) -> None:
    """Changes each uncaught error from now on, by whatever it is shown.

    This is called when an error is on its way, so nothing is changed in a process without one, and nothing is raised. What was there before shows
    the error, as ever: `sys.excepthook` in a script, and IPython's own way in a notebook, unless somebody has set another.

    Args:
        change: Changes an error, or leaves it as it is.
    """
    with suppress(Exception):  # of another IPython than ours; the error that is on its way says more
        shell = _ipython()
        if shell is None:
            _chain_hook(change)
        elif not shell.custom_exceptions:
            _set_in_notebook(shell, change)


def _chain_hook(change: Change) -> None:
    show = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, frames: TracebackType | None) -> None:
        change(error)
        show(kind, error, frames)

    sys.excepthook = hook


def _set_in_notebook(shell: Any, change: Change) -> None:
    import tensorflow as tf

    def show(
        shell: Any, kind: type[BaseException], error: BaseException, frames: Any, tb_offset: int | None = None
    ) -> None:
        change(error)
        shell.showtraceback((kind, error, frames), tb_offset=tb_offset)

    shell.set_custom_exc((tf.errors.OpError,), show)


def _ipython() -> Any:
    """Returns the shell of IPython that this process runs in; None if it is a script."""
    module = sys.modules.get("IPython")
    return getattr(module, "get_ipython", lambda: None)()
