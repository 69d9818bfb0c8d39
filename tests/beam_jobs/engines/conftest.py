"""Servers that answer, and servers that are gone."""

import socket
from collections.abc import Iterator

import pytest


@pytest.fixture
def server() -> Iterator[str]:
    """Something on this machine that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def closed() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"127.0.0.1:{listening.getsockname()[1]}"
