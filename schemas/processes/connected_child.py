"""A process of ours that is asked and answers: bytes go both ways, message by message."""

import socket
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from types import MappingProxyType
from typing import Any

from fitfeed.schemas.processes.child_process import ChildProcess


def start_connected(
    function: Callable[..., None],
    setup: bytes,
    descriptors: Sequence[int] = (),
    *,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> "tuple[ChildProcess, Connection[Any, Any]]":
    """Starts a process with a socket to it.

    Args:
        function: What the process runs. It is called with `setup`, the descriptor of its end, and the others.
        setup: As for `ChildProcess`, like the other arguments.
        descriptors: Further descriptors.
        environment: Further variables.

    Returns:
        The process, and our end of the socket. It is closed when the process is gone.

    Raises:
        OSError: If no process can be started.
    """
    ours, theirs = socket.socketpair()
    connection: Connection[Any, Any] = Connection(ours.detach())
    with theirs:
        child = ChildProcess(function, setup, (theirs.fileno(), *descriptors), environment=environment)
    return child, connection
