"""What is asked of the folder of a source once it is listed: its files, if they still are the ones that were listed."""

import abc
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import TypeAlias

from fitfeed.converters.source_file import SourceFile

ReadFile: TypeAlias = Callable[[SourceFile], bytes]


class SourceReader(abc.ABC):
    """Reads files of one folder, by their paths in it. Its methods are thread-safe."""

    @property
    @abc.abstractmethod
    def address(self) -> str:
        """Where the folder is: an absolute path without links, or an address in a store."""

    @property
    @abc.abstractmethod
    def threads(self) -> int:
        """How many threads may read at once, and gain by it."""

    @property
    @abc.abstractmethod
    def memory_bytes(self) -> int:
        """What `reading` takes at most, besides the file that was asked for."""

    @abc.abstractmethod
    def folder_digest(self) -> str:
        """Tells folders apart, without naming them: a dataset may go to people who must not know where it was made."""

    @abc.abstractmethod
    def uri_digest(self) -> str | None:
        """What the manifest says of a place in a store; None for a folder of this machine.

        The same images in another folder of a machine give the same dataset, whatever the folders are called.
        """

    @abc.abstractmethod
    def reading(self, files: Iterable[SourceFile], *, most: int) -> AbstractContextManager[ReadFile]:
        """Reads files, each if it still is the one that was listed.

        A shard is a function of its plan, so a file with other content must not get into it: the shard would differ
        from one that was written a moment earlier, and a later run could not notice.

        Args:
            files: All that may be read, in this order. Any may be left out.
            most: Bytes that a file may have.

        Returns:
            A function that reads one. It raises `ImageError` if this file is gone, changed, unreadable or too large,
            and `ConversionError` if reading fails for a reason that may pass.
        """

    @abc.abstractmethod
    def digest(self, file: SourceFile) -> bytes | None:
        """xxh3-128 of a file; None if it is not there, or cannot be read.

        Raises:
            ConversionError: If the store does not answer.
        """
