"""Lists the objects of a bucket."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import obstore

from fitfeed.schemas.storage.address import Bucket
from fitfeed.schemas.storage.again import ATTEMPTS, BrokenOffError, wait
from fitfeed.schemas.storage.clients import Client, client_of
from fitfeed.schemas.storage.errors import explained

if TYPE_CHECKING:
    from obstore import ObjectMeta

LIST_CHUNK = 1000
"""Objects that are listed at once: as many as one request of the stores gives."""


def objects_below(bucket: Bucket, prefix: str, address: str) -> "Iterator[ObjectMeta]":
    """All objects below a prefix, in bounded memory. Goes on after the last one when the store breaks off.

    Args:
        bucket: The bucket.
        prefix: The prefix, without slashes at its ends; empty for all.
        address: What messages call it.

    Raises:
        OSError: If it cannot be listed.
    """
    last, failures = None, 0
    while failures < ATTEMPTS:
        try:
            with explained(bucket, "list", address):
                client = client_of(bucket, address)
                chunks = obstore.list(client, prefix or None, offset=last, chunk_size=LIST_CHUNK)
                metas = (meta for chunk in chunks for meta in chunk)
                for meta in _without_folder_marks(client, prefix, metas):
                    yield meta
                    last, failures = meta["path"], 0
                break
        except BrokenOffError:
            failures += 1
            if failures == ATTEMPTS:
                raise
            wait(failures)


def entries_of(client: Client, prefix: str) -> "tuple[Iterator[ObjectMeta], Sequence[str]]":
    """The objects right below a prefix, which come all at once, and the prefixes there.

    A mark of a folder is among the prefixes. Only where an empty object is called like one, it may be a mark, too.
    """
    result = obstore.list_with_delimiter(client, prefix or None)
    prefixes = set(result["common_prefixes"])
    suspects = (meta for meta in result["objects"] if not meta["size"] and meta["path"] in prefixes)
    marks = {meta["path"] for meta in suspects if not any(_if_there(client, prefix, meta))}
    return (
        meta
        for meta in result["objects"]
        if meta["path"] not in marks and (meta["size"] or meta["path"] != prefix)
    ), result["common_prefixes"]


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
