"""What is in one source, before it is joined with others."""

from typing import NamedTuple

from fitfeed.converters.rejects import Reject
from fitfeed.converters.source_file import RawPixels
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.converters.sources.source_folder import SourceFolder
from fitfeed.schemas.manifest_parts import SourceKind
from fitfeed.schemas.storage.place import Place


class LabeledSource(NamedTuple):
    """What is in a source, with paths relative to it, and with its own class names.

    Attributes:
        folder: The folder that its paths are relative to.
        kind: What lists its images.
        links: The folder, with its links that lead out of it.
        example_table: The images that are to become examples.
        rejects: Files and rows that cannot become examples.
        ignored: Files that are not meant to.
        warnings: What a person should know: a line each.
        raw: Of a dataset whose images are plain pixels: how they are stored.
    """

    folder: Place
    kind: SourceKind
    links: SourceFolder
    example_table: ExampleTable
    rejects: list[Reject]
    ignored: list[Reject]
    warnings: list[str]
    raw: RawPixels | None = None
