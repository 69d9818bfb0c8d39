"""An error of another process, as text: nothing that another process sends is unpickled."""

import traceback
from typing import NamedTuple

from fitfeed.schemas import errors
from fitfeed.schemas.errors import FitfeedError


class WorkerFailedError(RuntimeError):
    """Something that is not an error of fitfeed has failed in another process. Its message has the traceback there."""


class ErrorText(NamedTuple):
    """Class name and text of an error. As JSON it is a list of both."""

    name: str
    text: str

    @classmethod
    def of(cls, error: Exception) -> "ErrorText":
        """Describes an error. One that is not of fitfeed is a bug: its text is its traceback."""
        is_ours = isinstance(error, FitfeedError)
        text = str(error) if is_ours else "".join(traceback.format_exception(error))
        return cls(type(error).__name__, text)

    def to_error(self) -> Exception:
        """The error to raise, of its own class if that is one of fitfeed's."""
        kind = getattr(errors, self.name, None)
        if isinstance(kind, type) and issubclass(kind, FitfeedError):
            return kind(*self.text.split("\n"))
        return WorkerFailedError(f"a worker process failed:\n{self.text}")
