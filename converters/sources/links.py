"""The links of a source that lead out of it: counted, or refused.

```text
photos/cats/1.jpg                      in SOURCE
photos/cats/2.jpg -> ../dogs/1.jpg     in SOURCE, too
photos/cats/more  -> /home/me/cats     out of it, and so is photos/cats/more/3.jpg
```
"""

import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args

from typing_extensions import override

from fitfeed.converters.link_report import LinkReport
from fitfeed.converters.link_report import Links as Links
from fitfeed.converters.open_source import KERNEL_FOLDERS, Located, find_out, is_of_kernel, is_within
from fitfeed.converters.rejects import text_path
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.source_folder import SourceFolder
from fitfeed.schemas.errors import UsageError

SHOWN_LINKS = 3


class SourceLinks(SourceFolder):
    """Finds files of a source, and remembers the links that lead out of it.

    Attributes:
        root: Where the source really is.
        roots: The same, as it was written and without links: what an absolute path in a table may begin with.
        name: Its name, as it was written; empty if it has none.
        refuse: Whether such links are refused, and thus need not be followed.
        not_followed: How many links to folders were not followed, because the folder is listed often enough.
    """

    def __init__(self, source: Path, links: Links = "follow") -> None:
        """Finds the folder of the source, which exists.

        Raises:
            UsageError: If it belongs to the kernel, or `links` is not what it must be.
        """
        if links not in get_args(Links):
            msg = f"links must be one of {', '.join(get_args(Links))}. Received: links={links!r}"
            raise UsageError(msg)
        self.root = find_out(str(source)).path
        written = os.path.abspath(source)  # noqa: PTH100 - without following links
        self.roots = tuple(dict.fromkeys(root.rstrip("/") for root in (written, self.root)))
        self.name = os.path.basename(written)  # noqa: PTH119
        self.refuse = links == "refuse"
        self.not_followed = 0
        self._source = source
        self._outside: dict[str, str] = {}
        if is_of_kernel(self.root):
            msg = f"SOURCE {source} is in one of {' '.join(KERNEL_FOLDERS)}, where no file is ever read. Expected a folder of images."
            raise UsageError(msg)

    def find(self, path: str) -> Located:
        """Finds a file by its path in the source.

        Raises:
            OSError: If it is not there.
        """
        located = find_out(f"{self.root}/{path}")
        if self.is_outside(located.path):
            self._remember_way(path)
        return located

    @override
    def file(self, path: str) -> SourceFile:
        status = self.find(path).status
        if not stat.S_ISREG(status.st_mode):
            raise IsADirectoryError(path)
        return SourceFile.of_status(path, status)

    def is_outside(self, place: str) -> bool:
        """Whether a path without links is outside the source."""
        return not is_within(place, self.root)

    def remember(self, link: str, place: str) -> None:
        """Takes a link that leads out of the source, by its path in the source, and where it leads."""
        self._outside[link] = place

    @override
    def require_none(self) -> None:
        if self.refuse and self._outside:
            msg = f"SOURCE {self._source} has links that lead out of it ({len(self._outside)}), and --links refuse allows none: {_shown(self._first(self._outside))}. Remove them, or give --links follow if you trust them."
            raise UsageError(msg)

    @override
    def report(self, paths: Iterable[str]) -> LinkReport:
        used = Counter(link for path in set(paths) if (link := self._link_on(path))) if self._outside else {}
        return LinkReport(
            outside_files=sum(used.values()),
            outside_links=len(used),
            first=self._first(used),
            not_followed=self.not_followed,
        )

    def _remember_way(self, path: str) -> None:
        """Finds out which link on a path is the one that leads out."""
        if self._link_on(path) is None:
            for part in _prefixes(path):
                place = find_out(f"{self.root}/{part}").path
                if self.is_outside(place):
                    self.remember(part, place)
                    return

    def _link_on(self, path: str) -> str | None:
        """The known link that leads a path out of the source; None if there is none."""
        return next((part for part in _prefixes(path) if part in self._outside), None)

    def _first(self, links: Iterable[str]) -> dict[str, str]:
        return {text_path(link): text_path(self._outside[link]) for link in sorted(links)[:SHOWN_LINKS]}


def _prefixes(path: str) -> Iterator[str]:
    """The folders on a path, the first one first, and then the path."""
    end = path.find("/")
    while end >= 0:
        yield path[:end]
        end = path.find("/", end + 1)
    yield path


def _shown(links: dict[str, str]) -> str:
    return ", ".join(f"{link} -> {place}" for link, place in links.items())
