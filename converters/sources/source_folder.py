"""What is asked of the folder of a source while it is listed, wherever it is."""

import abc
from collections.abc import Iterable

from fitfeed.converters.link_report import LinkReport
from fitfeed.converters.source_file import SourceFile


class SourceFolder(abc.ABC):
    """The folder that the images of a source are in.

    Attributes:
        roots: What the whole path, or address, of a file in it may begin with.
        name: Its own name; empty if it has none.
    """

    roots: tuple[str, ...]
    name: str

    @abc.abstractmethod
    def file(self, path: str) -> SourceFile:
        """Finds a file by its path in the folder.

        Raises:
            IsADirectoryError: If something else is there.
            OSError, ValueError: If it is not there.
        """

    @abc.abstractmethod
    def require_none(self) -> None:
        """Refuses the folder if links that lead out of it are refused, and there are some.

        Raises:
            UsageError: If so.
        """

    @abc.abstractmethod
    def report(self, paths: Iterable[str]) -> LinkReport:
        """Says where the links of the folder lead.

        Args:
            paths: Paths of all images and masks.
        """
