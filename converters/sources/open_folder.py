"""Opens the folder of a source for listing. Here it is decided, once, how that is done."""

from fitfeed.converters.sources.far_folder import FarFolder
from fitfeed.converters.sources.far_listing import list_place
from fitfeed.converters.sources.links import Links, SourceLinks
from fitfeed.converters.sources.listing import Listing, list_folder
from fitfeed.converters.sources.source_folder import SourceFolder
from fitfeed.converters.user_path import UserPath
from fitfeed.schemas.storage.place import Place


def open_folder(folder: UserPath, links: Links = "follow") -> SourceFolder:
    """Opens the folder of a table, in which files are looked up.

    Args:
        folder: The folder, which exists.
        links: Whether links that lead out of it are followed or refused.

    Raises:
        UsageError: If it may not be a source.
    """
    return FarFolder(folder) if isinstance(folder, Place) else SourceLinks(folder, links)


def list_source(source: UserPath, links: Links = "follow") -> Listing:
    """Lists a folder recursively.

    Args:
        source: The folder.
        links: Whether links that lead out of it are followed or refused.

    Raises:
        NotFoundError: If the source does not exist.
        UsageError: If it is not a folder, has no image in it, or a folder in it may not be listed; or if links that
            lead out of it are refused, and there are some.
        ConversionError: If listing failed for another reason.
    """
    return list_place(source) if isinstance(source, Place) else list_folder(source, links)
