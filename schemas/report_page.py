"""The page of a dataset, as what makes it and what returns it know it."""

import html
import os
from typing import NamedTuple

from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.files import atomic_write
from fitfeed.schemas.local_path import local_path

FRAME_HEIGHT = 640
"""In a notebook, in pixels."""


class ReportPage(NamedTuple):
    """The page of a dataset. At the end of a cell of a notebook it shows itself.

    Attributes:
        html: The page, which needs nothing else.
        findings: What is worth a look, as sentences.
    """

    html: str
    findings: list[str]

    def save(self, path: str | os.PathLike[str]) -> int:
        """Writes the page: all of it, or nothing.

        Args:
            path: The file.

        Returns:
            Its bytes.

        Raises:
            UsageError: If it cannot be written.
        """
        content, file = self.html.encode(), local_path(path, "the page")
        try:
            atomic_write(file, content)
        except OSError as error:
            msg = (
                f"{file} cannot be written: {error.strerror or error}. Make room there, or name another file."
            )
            raise UsageError(msg) from error
        return len(content)

    def __repr__(self) -> str:
        """Says how large it is and what stands out, and not the whole page."""
        return f"ReportPage({len(self.html.encode()):,} bytes of HTML, findings={self.findings})"

    def _repr_html_(self) -> str:
        """The page in a frame, so that its style and that of the notebook stay apart. No program runs in it."""
        return (
            f'<iframe sandbox="" title="fitfeed report" style="width: 100%; height: {FRAME_HEIGHT}px; border: 0" '
            f'srcdoc="{html.escape(self.html)}"></iframe>'
        )
