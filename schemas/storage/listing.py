"""Lists the objects of a bucket."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import obstore

from fitfeed.schemas.storage.clients import Client

if TYPE_CHECKING:
    from obstore import ObjectMeta

LIST_CHUNK = 1000
"""Objects that are listed at once: as many as one request of the stores gives."""


def objects_below(client: Client, prefix: str) -> "Iterator[ObjectMeta]":
    """All objects below a prefix, in bounded memory."""
    metas = (meta for chunk in obstore.list(client, prefix or None, chunk_size=LIST_CHUNK) for meta in chunk)
    return _without_folder_marks(client, prefix, metas)


def objects_here(client: Client, prefix: str) -> "Iterator[ObjectMeta]":
    """The objects right below a prefix; they come all at once."""
    metas = obstore.list_with_delimiter(client, prefix or None)["objects"]
    return _without_folder_marks(client, prefix, iter(metas))


def _without_folder_marks(
    client: Client, prefix: str, metas: "Iterator[ObjectMeta]"
) -> "Iterator[ObjectMeta]":
    """Leaves out empty objects called `flowers/`, which consoles make for folders and the client calls `flowers`.

    They come right before what is in the folder. One of an empty folder is known by that no object has its name.
    """
    held: ObjectMeta | None = None
    for meta in metas:
        if held is not None and not meta["path"].startswith(f"{held['path']}/"):
            yield from _if_there(client, prefix, held)
        held = None if meta["size"] else meta
        if held is None:
            yield meta
    if held is not None:
        yield from _if_there(client, prefix, held)


def _if_there(client: Client, prefix: str, meta: "ObjectMeta") -> "Iterator[ObjectMeta]":
    if meta["path"] == prefix:
        return
    try:
        obstore.head(client, meta["path"])
    except FileNotFoundError:
        return
    yield meta
