"""The errors that a user can cause or meet, each with its documented exit status.

Messages say what was received, what was expected and how to mend it. The command line prints them without a traceback,
and ends with `exit_status`. Some are also a built-in error, such as `ValueError` or `FileNotFoundError`, so that library
users can catch what they expect.
"""

from typing import TYPE_CHECKING

from typing_extensions import override

from fitfeed.schemas.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class FitfeedError(Exception):
    """Base of every error that fitfeed raises on purpose.

    Attributes:
        args: The lines of the message. Nearly all errors have one.
        details: The same for programs, as JSON; `--json` prints it.
    """

    exit_status = 1

    def __init__(self, *lines: str, details: "Mapping[str, Any] | None" = None) -> None:
        """Takes the lines of the message, each as one argument, and what programs want to know.

        Messages quote names of files and classes that strangers have chosen. Whatever is not printable in a line is
        escaped, its line breaks too, so no name can control a terminal or look like another line of a log.
        """
        super().__init__()  # without them: to an `OSError`, two arguments are number and text
        self.args = tuple(map(printable, lines))
        self.details = dict(details or {})

    @override
    def __str__(self) -> str:
        """Returns the lines of the message."""
        return "\n".join(self.args)


class UsageError(FitfeedError, ValueError):
    """Wrong usage, or a source or dataset that is not what it must be."""

    exit_status = 2


class FormatVersionError(UsageError):
    """The dataset is of a version of the format that this fitfeed does not read."""


class NotFoundError(FitfeedError, FileNotFoundError):
    """The source, dataset or file that the user named does not exist."""

    exit_status = 2


class MissingPackageError(FitfeedError, ImportError):
    """A package that fitfeed does not bring along (TensorFlow, Keras, PyTorch, JAX, Grain) is not installed, or does not load."""

    exit_status = 2


class TooManyRejectsError(FitfeedError):
    """More inputs were rejected than `--max-bad` allows. Nothing was published."""

    exit_status = 3


class SplitLeakError(FitfeedError, ValueError):
    """The same image, or group, is in two splits. Nothing was published."""

    exit_status = 4


class DuplicateImagesError(FitfeedError, ValueError):
    """The same image is twice in a split, and `--duplicates fail` was given. Nothing was published."""

    exit_status = 2


class IncompleteDatasetError(FitfeedError):
    """The folder holds a conversion that has not finished."""

    exit_status = 5


class DamagedDatasetError(FitfeedError, ValueError):
    """A file of the dataset contradicts the manifest, the index or itself."""

    exit_status = 5


class DamagedExampleError(DamagedDatasetError):
    """One example cannot be read or decoded; others may be whole."""


class ConversionError(FitfeedError):
    """The conversion could not go on (a full disk, a failing worker). Running it again continues."""

    exit_status = 1


class RemoteError(ConversionError):
    """A remote place or job failed: the network, a permission, an engine. Running it again continues."""

    exit_status = 6


class OvertakenError(FitfeedError):
    """Another launch has published into the folder since this one planned. This one published nothing."""

    exit_status = 7


class InterruptedConversionError(FitfeedError):
    """The user stopped the conversion. Running the same command again continues."""

    exit_status = 130


class FeedError(FitfeedError):
    """Making batches could not go on (a worker process was killed)."""
