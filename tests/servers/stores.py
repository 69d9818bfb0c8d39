"""Stores for tests: a server of each kind, a proxy before it, and what a client needs to find it.

| kind | scheme | server |
|---|---|---|
| `gs` | `gs://` | ours, in this process (`cloud_storage`) |
| `s3` | `s3://` | the same |
| `versitygw` | `s3://` | a program in Go, over a folder |
| `azurite` | `az://` | a program for Node.js |
"""

import itertools
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import pytest

from tests.servers import azure_account
from tests.servers.cloud_storage import CloudStorage
from tests.servers.programs import (
    AZURITE,
    BUCKETS,
    VERSITYGW,
    Program,
    require,
    start_azurite,
    start_versitygw,
)
from tests.servers.proxy import Proxy

Kind = Literal["gs", "s3", "versitygw", "azurite"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SCHEMES: dict[Kind, str] = {"gs": "gs", "s3": "s3", "versitygw": "s3", "azurite": "az"}
PROGRAMS: dict[Kind, Path] = {"versitygw": VERSITYGW, "azurite": AZURITE}
# Programs start in seconds.
EVERY_KIND = [pytest.param(kind, marks=pytest.mark.slow if kind in PROGRAMS else ()) for kind in KINDS]

ACCESS, SECRET = "tests", "not-a-secret"


class Store(NamedTuple):
    """An empty bucket.

    Attributes:
        kind: The kind of its server.
        address: `gs://bucket-1`.
        environment: The variables with which a client finds the server, through the proxy.
        proxy: What is between them.
    """

    kind: Kind
    address: str
    environment: dict[str, str]
    proxy: Proxy


class StoreServer:
    """A server, and the proxy before it."""

    def __init__(self, kind: Kind) -> None:
        """Starts it.

        Raises:
            RuntimeError: If it does not start.
        """
        self._kind = kind
        self._numbers = itertools.count(1)
        self._folder = Path(tempfile.mkdtemp(prefix=f"fitfeed-{kind}-"))
        self._program: Program | None = None
        self.memory = CloudStorage() if kind not in PROGRAMS else None
        if kind == "versitygw":
            self._program, self.port = start_versitygw(self._folder, access=ACCESS, secret=SECRET)
        elif kind == "azurite":
            self._program, self.port = start_azurite(self._folder)
        elif self.memory:
            self.port = self.memory.port
        self.proxy = Proxy(self.port)

    def store(self) -> Store:
        """Makes a bucket. Its name is new in this process, so no client of another server is asked for it."""
        bucket = f"bucket-{os.getpid()}-{self.port}-{next(self._numbers)}"
        if self._kind == "azurite":
            azure_account.make_container(self.port, bucket)
        elif self._kind == "versitygw":
            (self._folder / BUCKETS / bucket).mkdir()
        elif self.memory:
            self.memory.bucket(bucket)
        environment = environment_of(self._kind, self.proxy.port)
        return Store(self._kind, f"{SCHEMES[self._kind]}://{bucket}", environment, self.proxy)

    def close(self) -> None:
        self.proxy.close()
        if self.memory:
            self.memory.close()
        if self._program:
            self._program.end()
        shutil.rmtree(self._folder)


class StoreServers:
    """Servers that start when a test first asks for them."""

    def __init__(self) -> None:
        self._started: dict[Kind, StoreServer] = {}

    def store(self, kind: Kind) -> Store:
        """An empty bucket. Without the program of its server, the test is skipped, or fails in `.ci/run`."""
        if kind not in self._started:
            if kind in PROGRAMS:
                require(PROGRAMS[kind], *(["node"] if kind == "azurite" else []))
            self._started[kind] = StoreServer(kind)
        return self._started[kind].store()

    def close(self) -> None:
        for server in self._started.values():
            server.close()


def environment_of(kind: Kind, port: int) -> dict[str, str]:
    """The variables with which a client finds a server on a port of 127.0.0.1."""
    url = f"http://127.0.0.1:{port}"
    if kind == "gs":
        # GOOGLE_SKIP_SIGNATURE is for reading: to write, the client asks for a token all the same.
        key = {"disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
        return {"GOOGLE_BASE_URL": url, "GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(key)}
    if kind == "azurite":
        return {
            "AZURE_STORAGE_ACCOUNT_NAME": azure_account.NAME,
            "AZURE_STORAGE_ACCOUNT_KEY": azure_account.KEY,
            "AZURE_STORAGE_ENDPOINT": f"{url}/{azure_account.NAME}",
        }
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": ACCESS,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
    }
