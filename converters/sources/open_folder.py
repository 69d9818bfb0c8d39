"""Opens the folder of a source for listing: of this machine, or in a store."""

from fitfeed.converters.sources.far_folder import FarFolder
from fitfeed.converters.sources.far_listing import list_place
from fitfeed.converters.sources.links import Links, SourceLinks
from fitfeed.converters.sources.listed import Listed, ignore_files
from fitfeed.converters.sources.listing import Listing, list_folder
from fitfeed.converters.sources.source_folder import SourceFolder
from fitfeed.schemas.storage.open_place import GivenPath, open_place


def open_folder(folder: GivenPath, links: Links = "follow") -> SourceFolder:
    """Opens the folder of a table, in which files are looked up.

    Args:
        folder: The folder, which exists.
        links: Whether links that lead out of it are followed or refused.

    Raises:
        UsageError: If it may not be a source.
    """
    return open_place(folder, "SOURCE").choose(local=lambda path: SourceLinks(path, links), far=FarFolder)


def list_source(source: GivenPath, links: Links = "follow", *, listed: Listed = ignore_files) -> Listing:
    """Lists a folder recursively.

    Args:
        source: The folder.
        links: Whether links that lead out of it are followed or refused.
        listed: Is told of files as they are found.

    Raises:
        NotFoundError: If the source does not exist.
        UsageError: If it is not a folder, has no image in it, or a folder in it may not be listed; or if links that
            lead out of it are refused, and there are some.
        ConversionError: If listing failed for another reason.
    """
    return open_place(source, "SOURCE").choose(
        local=lambda path: list_folder(path, links, listed=listed),
        far=lambda place: list_place(place, listed=listed),
    )
