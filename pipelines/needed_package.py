"""Says in one line that a framework is missing, and how to get it."""

import importlib
from importlib.util import find_spec

from fitfeed.schemas.errors import MissingPackageError

_PACKAGES = {
    "datasets": ("the library datasets", "Run: pip install 'fitfeed[huggingface]'."),
    "grain": ("Grain", "Run: pip install grain."),
    "jax": ("JAX", "Run: pip install jax."),
    "keras": ("Keras", "Run: pip install keras. Without TensorFlow, also set KERAS_BACKEND to jax or torch."),
    "tensorflow": ("TensorFlow", "Run: pip install 'fitfeed[tensorflow]'."),
    "torch": ("PyTorch", "Run: pip install torch."),
}
"""Import name to the name that people know, and what to do."""


def load_package(package: str, *, by: str, instead: str = "") -> None:
    """Imports a framework, so that an `import` after this succeeds.

    Args:
        package: Its import name.
        by: What needs it, as users call it.
        instead: What they may use without it, as a sentence.

    Raises:
        MissingPackageError: If it is not installed, or does not load.
    """
    try:
        importlib.import_module(package)
    except ImportError as error:
        # Keras may be there, for example, but not the backend that it was told to use.
        is_missing = isinstance(error, ModuleNotFoundError) and error.name == package
        raise _missing(package, by, instead, "" if is_missing else f"does not load ({error})") from error


def check_installed(package: str, *, by: str, instead: str = "") -> None:
    """Checks that a framework is there, without loading it.

    Args:
        package: As for `load_package`.
        by: As for `load_package`.
        instead: As for `load_package`.

    Raises:
        MissingPackageError: If it is not installed.
    """
    if not is_installed(package):
        raise _missing(package, by, instead)


def is_installed(package: str) -> bool:
    """Returns whether a framework is there, without loading it. `package`: its import name."""
    try:
        return find_spec(package) is not None
    except ImportError:
        return False


def _missing(package: str, by: str, instead: str, what: str = "") -> MissingPackageError:
    name, mend = _PACKAGES[package]
    hint = f" {instead}" if instead else ""
    return MissingPackageError(f"{by} needs {name}, which {what or 'is not installed'}. {mend}{hint}")
