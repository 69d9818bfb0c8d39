"""What a conversion did."""

import dataclasses

from fitfeed.converters.duplicate_pair import DuplicatePair, NearDuplicateReport
from fitfeed.converters.link_report import LinkReport
from fitfeed.converters.source_file import Comparison, SomeFiles
from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.manifest import Manifest


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConversionResult:
    """What a conversion did.

    Attributes:
        published: The manifest of the dataset, which is complete now; None while the job still makes it that `detach`
            has left running.
        up_to_date: Nothing was done: the dataset had all of the source already, with the same options.
        files: Files planned.
        links: Where the links of the source lead.
        warnings: What planning warned of: a line each.
        unnamed: Pictures of the source that no row of the table names.
        ignored_extensions: Number of other files than pictures that were ignored, by extension.
        comparison: How the files that the dataset had already were compared with it; None if there was nothing to
            compare with.
        gone: Examples whose images the source no longer has.
        source_bytes: Their total size.
        seconds: Wall time of this run.
        reused_shards: Shards that an earlier, unfinished run had written.
        duplicates: The first images with the pixels of another image. The manifest counts all of them, and
            `duplicates.arrow` lists them. Empty if `up_to_date`.
        near_duplicates: Images that look like another one, with the first pairs. None if `up_to_date`.
        added: Number of examples that were appended, by split; None if this was not an append.
        new_classes: Classes that the appended examples brought; they have the last labels.
        running: What runs where, if `detach` has left it running; else empty.
    """

    published: Manifest | None
    up_to_date: bool
    files: int
    links: LinkReport
    warnings: list[str]
    unnamed: int
    ignored_extensions: dict[str, int]
    comparison: Comparison | None
    gone: SomeFiles
    source_bytes: int
    seconds: float
    reused_shards: int
    duplicates: list[DuplicatePair]
    near_duplicates: NearDuplicateReport | None
    added: dict[str, int] | None = None
    new_classes: list[str] = dataclasses.field(default_factory=list)
    running: str = ""

    @property
    def manifest(self) -> Manifest:
        """The manifest of the dataset, which is complete now.

        Raises:
            ConversionError: If the job was left running.
        """
        if self.published is None:
            msg = f"the dataset is not complete yet: {self.running}. The same call without detach follows it."
            raise ConversionError(msg)
        return self.published
