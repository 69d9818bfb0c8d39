"""Clients and claims that give up soon, so that a test takes seconds, and an empty bucket for each case."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from fitfeed.schemas.storage import claim, clients, store
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.storage.place import Place
from tests.servers.network_faults import Fault
from tests.servers.proxy import Proxy
from tests.servers.stores import Kind, StoreServers

if TYPE_CHECKING:
    from obstore.store import RetryConfig

# Times of a test: a user waits for minutes until a store is given up.
SILENCE_S = 1
REQUEST_BYTES = 32 << 10
CLAIM_S = {"REFRESH_S": 1.0, "LIFETIME_S": 6.0, "MARGIN_S": 2.0, "POLL_S": 0.5}  # stores tell whole seconds
RETRIES: "RetryConfig" = {
    "max_retries": 3,
    "retry_timeout": timedelta(seconds=20),
    "backoff": {
        "init_backoff": timedelta(milliseconds=5),
        "max_backoff": timedelta(milliseconds=20),
        "base": 2,
    },
}


@contextlib.contextmanager
def hurried() -> Iterator[pytest.MonkeyPatch]:
    """Clients that are made in this block give up soon, and read little at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clients, "RETRIES", RETRIES)
        patch.setattr(store, "MAX_REQUEST_BYTES", REQUEST_BYTES)
        for name, seconds in CLAIM_S.items():
            patch.setattr(claim, name, seconds)
        yield patch


@contextlib.contextmanager
def short_silence(fault: Fault) -> Iterator[None]:
    """Where answers stall, clients do not wait long for the next byte. Elsewhere only a slow machine would notice."""
    if fault != "stalled":
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        clients._clients.clear()
        patch.setattr(clients, "MAX_SILENCE_S", SILENCE_S)
        yield
        clients._clients.clear()


def empty_bucket(servers: StoreServers, patch: pytest.MonkeyPatch, kind: Kind) -> tuple[Place, Proxy]:
    """A place in a new bucket, which this process and its children find, and the proxy before it."""
    clients._clients.clear()  # and so the connections of earlier cases
    found = servers.store(kind)
    for name, value in found.environment.items():
        patch.setenv(name, value)
    return open_place(f"{found.address}/flowers", "DATASET"), found.proxy
