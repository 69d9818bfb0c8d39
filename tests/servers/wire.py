"""HTTP/1.1 as the servers of the tests speak it: heads, bodies, connections, each in a thread."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from typing import BinaryIO, NamedTuple


class Head(NamedTuple):
    """What comes before a body.

    Attributes:
        first: The request line or the status line.
        fields: Headers, by their names in lower case.
    """

    first: str
    fields: dict[str, str]

    @property
    def status(self) -> int:
        """The status, if this is the head of an answer."""
        return int(self.first.split(" ")[1])

    def encode(self) -> bytes:
        lines = [self.first, *(f"{name}: {value}" for name, value in self.fields.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def read_head(file: BinaryIO) -> Head | None:
    """Reads a head; None if the connection ended before its first byte."""
    first = file.readline()
    if not first:
        return None
    fields = {}
    while line := file.readline().rstrip(b"\r\n"):
        name, _, value = line.decode("latin-1").partition(":")
        fields[name.lower()] = value.strip()
    return Head(first.decode("latin-1").rstrip("\r\n"), fields)


def read_body(file: BinaryIO, head: Head) -> bytes:
    """Reads the body of a message that says how long it is; without a word there is none.

    Raises:
        ConnectionError: If it ends early.
    """
    if head.fields.get("transfer-encoding") == "chunked":
        return b"".join(iter(lambda: _read_chunk(file), b""))
    return read_exactly(file, int(head.fields.get("content-length", 0)))


def _read_chunk(file: BinaryIO) -> bytes:
    length = int(file.readline().split(b";")[0], 16)
    chunk = read_exactly(file, length)
    file.readline()
    return chunk


def read_exactly(file: BinaryIO, length: int) -> bytes:
    """Reads so many bytes.

    Raises:
        ConnectionError: If there are fewer.
    """
    content = file.read(length)
    if len(content) < length:
        msg = f"{len(content)} of {length} bytes came"
        raise ConnectionError(msg)
    return content


def reset(connection: socket.socket) -> None:
    """Lets a connection end by RST, not by FIN, when it is closed."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Listener:
    """A free port of 127.0.0.1. `serve` gets each connection in a thread of its own, and returns when it ends."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._serve = serve
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends listening, and all connections."""
        self._socket.shutdown(socket.SHUT_RDWR)  # close alone does not wake accept
        self._socket.close()
        self._thread.join()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):  # the client was faster
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return  # closed
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open.add(connection)
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection: socket.socket) -> None:
        try:
            self._serve(connection)
        except OSError:
            pass  # a client that goes away is no event
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()
