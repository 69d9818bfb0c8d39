"""Tries whether a store holds the condition of a put."""

import obstore

from fitfeed.schemas.storage.address import Bucket
from fitfeed.schemas.storage.again import again
from fitfeed.schemas.storage.clients import client_of
from fitfeed.schemas.storage.errors import explained


def keeps_object(bucket: Bucket, key: str, content: bytes) -> bool:
    """Whether a store keeps an object that is there, when it is told to put another one only where there is none.

    Args:
        bucket: Where it is.
        key: Of the object.
        content: Of the other one.

    Raises:
        OSError: If the store does not say.
    """
    address = f"{bucket.scheme}://{bucket.name}/{key}"

    def put() -> bool:
        try:
            with explained(bucket, "write", address):
                obstore.put(client_of(bucket, address), key, content, mode="create")
        except FileExistsError:
            return True
        return False

    return again(put)
