"""A proxy before a store: it delays requests, lets faults happen (`network_faults`), and logs what was asked."""

import contextlib
import select
import socket
import time
from collections.abc import Iterator
from typing import NamedTuple

from tests.servers.damage import Reply, damaged, refusal
from tests.servers.network_faults import Asked, Fault, Schedule
from tests.servers.wire import Head, Listener, read_body, read_head, reset

SLOW_S = 1.0
MAX_STALL_S = 600.0  # a client that waits longer has no limit


class Logged(NamedTuple):
    """A request. It is logged before its answer is sent.

    Attributes:
        asked: The request.
        sent: Bytes of its body.
        status: The status of the answer; 0 if there is none.
        received: Bytes of the answer's body that the client gets.
        fault: What goes wrong.
    """

    asked: Asked
    sent: int
    status: int
    received: int
    fault: Fault | None


class Proxy:
    """The proxy. `schedule`, `latency_s`, `slow_s` and `log` may be changed at any time."""

    def __init__(self, port: int) -> None:
        """Begins to listen.

        Args:
            port: Where the store listens, on 127.0.0.1.
        """
        self._store_port = port
        self._listener = Listener(self._serve)
        self.port = self._listener.port
        self.schedule: Schedule = no_fault
        self.latency_s = 0.0
        self.slow_s = SLOW_S
        self.log: list[Logged] = []

    def close(self) -> None:
        self._listener.close()

    @contextlib.contextmanager
    def faults(self, schedule: Schedule) -> Iterator[list[Logged]]:
        """Lets faults happen while the block runs; yields what is logged meanwhile."""
        log: list[Logged] = []
        before = self.schedule, self.log
        self.schedule, self.log = schedule, log
        try:
            yield log
        finally:
            self.schedule, self.log = before

    def _serve(self, client: socket.socket) -> None:
        with client.makefile("rb") as requests, contextlib.closing(_Upstream(self._store_port)) as store:
            while head := read_head(requests):
                body = read_body(requests, head)
                asked = _asked(head)
                fault = self.schedule(asked)
                reply = refusal(fault)
                if reply is None:
                    reply = damaged(*store.ask(head, body), fault=fault)
                time.sleep(self.latency_s + (self.slow_s if fault == "slow" else 0))
                self.log.append(Logged(asked, len(body), reply.status, reply.received, fault))
                client.sendall(reply.content)
                if reply.then != "go on":
                    _end(client, reply)
                    return


class _Upstream:
    """A connection to the store. It is made anew if the store has ended it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connect()

    def _connect(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")
        self._events = select.poll()
        self._events.register(self._socket, select.POLLIN)

    def ask(self, head: Head, body: bytes) -> tuple[Head, bytes | None]:
        """Passes a request on, and returns the answer; its body is None where HTTP knows none."""
        if self._events.poll(0):  # nothing was asked: it can only be the end
            self.close()
            self._connect()
        self._socket.sendall(
            Head(head.first, head.fields | {"content-length": str(len(body))}).encode() + body
        )
        answer = read_head(self._answers)
        if answer is None:
            raise ConnectionError("the store closed the connection")
        for name in ("connection", "keep-alive"):  # they are about this connection
            answer.fields.pop(name, None)
        if head.first.startswith("HEAD ") or answer.status in (204, 304):
            return answer, None
        return answer, read_body(self._answers, answer)

    def close(self) -> None:
        self._answers.close()
        self._socket.close()


def no_fault(_: Asked) -> None:
    """The schedule of a good network."""


def _end(client: socket.socket, reply: Reply) -> None:
    if reply.then == "reset":
        reset(client)
    elif reply.then == "stall":
        client.settimeout(MAX_STALL_S)
        client.recv(1)  # until the client goes away


def _asked(head: Head) -> Asked:
    method, target, _ = head.first.split(" ")
    path, _, query = target.partition("?")
    wanted = head.fields.get("range", head.fields.get("x-ms-range", ""))
    return Asked(method, path, query, wanted.removeprefix("bytes="))
