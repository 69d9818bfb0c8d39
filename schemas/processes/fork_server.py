"""The program of a fork server: a process that has imported what others need, and forks them.

    process that asks (forked_processes.py)      fork server                          forked processes

    request and descriptors ---- channel ------> import, prepare, fork ------------->  function(setup, *descriptors)
    started <------------- socket of a group --- process ids
    ended <------------------------------------- process id, exit code <-------------  end
    closes its side ---------------------------> SIGKILL --------------------------->
                                                 lifelines: pipes of the server - - ->  close with the server

It has one thread and runs nothing but imports and functions of ours, so its memory is whole when it forks, and its children
share it: pages are copied when they are written to. What the user has written runs in its children only.
"""

import gc
import json
import os
import select
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from operator import attrgetter
from typing import Any, NoReturn

from fitfeed.schemas.processes.child_process import PARENT_S, end_with_parent, read_file_in_memory

MAX_REQUEST_BYTES = 64 << 10

MAX_DESCRIPTORS = 16
"""Of a request: the socket of the group, the setup, and what the function is called with."""


class Group:
    """Processes that run the same function.

    Attributes:
        socket: To the process that has asked for them. It is told what happens to them; its end there is the order to kill.
        alive: Process ids of those that have not ended, and the server's end of the lifeline of each.
    """

    def __init__(self, connection: socket.socket) -> None:
        """Starts with no process."""
        self.socket, self.alive = connection, dict[int, int]()

    def tell(self, **message: Any) -> None:
        """Tells the process that has asked, if it is there."""
        with suppress(ConnectionError):
            self.socket.send(json.dumps(message).encode())

    def kill(self) -> None:
        """Kills all of them."""
        for pid in self.alive:
            os.kill(pid, signal.SIGKILL)


class ForkServer:
    """Forks processes, tells how they end, and kills them on demand."""

    def __init__(self, parent: int, channel: socket.socket) -> None:
        """Listens to what the kernel says about children.

        Args:
            parent: Process id of the process that asks.
            channel: Requests arrive here.
        """
        self._parent, self._channel = parent, channel
        self._groups: dict[int, Group] = {}  # by the descriptor of the socket
        self._woken, self._waker = os.pipe()
        for descriptor in (self._woken, self._waker):
            os.set_blocking(descriptor, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        self._poll = select.poll()
        for descriptor in (channel.fileno(), self._woken):
            self._poll.register(descriptor, select.POLLIN)

    def run(self) -> Callable[[], None]:
        """Serves until the process that asks is gone. It returns in each child, with what the child does."""
        while True:
            if os.getppid() != self._parent:  # children that it has forked itself may keep the channel open
                self._end()
            for descriptor, _ in self._poll.poll(1000 * PARENT_S):
                if descriptor == self._channel.fileno():
                    task = self._answer()
                    if task is not None:
                        return task
                elif descriptor == self._woken:
                    os.read(self._woken, 1 << 10)
                    self._reap()
                elif descriptor in self._groups:
                    self._poll.unregister(descriptor)
                    self._groups[descriptor].kill()

    def _answer(self) -> Callable[[], None] | None:
        """Forks what the next request asks for; returns what to do in the children, and None here."""
        message, descriptors, _, _ = socket.recv_fds(
            self._channel, MAX_REQUEST_BYTES, MAX_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
        )
        if not message:
            self._end()
        count, *names = json.loads(message)
        group = Group(socket.socket(fileno=descriptors[0]))
        function = _load(*names)
        task = partial(function, read_file_in_memory(descriptors[1]), *descriptors[2:])
        # Collecting garbage writes to all objects that it looks at. In the children it leaves out those that are here now.
        gc.freeze()
        server = os.getpid()
        try:
            for _ in range(count):
                lifeline, held = os.pipe()  # one for each, as the kernel kills one process by a pipe
                pid = os.fork()
                if not pid:
                    os.close(held)
                    self._leave(group)
                    end_with_parent(server, lifeline)
                    return task
                os.close(lifeline)
                group.alive[pid] = held
        except OSError as error:  # the system has no process left
            group.tell(failed=[error.errno, error.strerror])
            group.kill()
        group.tell(started=sorted(group.alive))
        for descriptor in descriptors[2:]:
            os.close(descriptor)
        if group.alive:
            self._groups[group.socket.fileno()] = group
            self._poll.register(group.socket, select.POLLIN)
        else:
            group.socket.close()
        return None

    def _reap(self) -> None:
        """Waits for the children that have ended, and tells how."""
        with suppress(ChildProcessError):  # there is none
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                self._record(ended[0], os.waitstatus_to_exitcode(ended[1]))

    def _record(self, pid: int, code: int) -> None:
        descriptor, group = next(item for item in self._groups.items() if pid in item[1].alive)
        os.close(group.alive.pop(pid))
        group.tell(ended=[pid, code])
        if not group.alive:
            del self._groups[descriptor]
            with suppress(KeyError):  # they were killed
                self._poll.unregister(descriptor)
            group.socket.close()

    def _leave(self, group: Group) -> None:
        """Makes a child of what has just been forked: it lets go of all that is the server's."""
        gc.enable()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._channel.close()
        groups = [group, *self._groups.values()]
        for other in groups:
            other.socket.close()
        for descriptor in (
            self._woken,
            self._waker,
            *(held for other in groups for held in other.alive.values()),
        ):
            os.close(descriptor)

    def _end(self) -> NoReturn:
        """Ends this process, and its children with it: their lifelines close."""
        os._exit(0)


def serve_forks(setup: bytes, channel: int) -> None:
    """What a fork server does, and then each of its children.

    Args:
        setup: Process id of the process that asks.
        channel: Descriptor of a socket: requests arrive.
    """
    gc.disable()  # there is hardly any in what is imported, and looking for it takes a tenth of the time
    task = ForkServer(int(setup), socket.socket(fileno=channel)).run()
    task()


def _load(function: tuple[str, str], prepare: list[tuple[str, str]]) -> Callable[..., None]:
    """Imports a function by its module and name, and calls others that load what it needs."""
    loaded = _find(*function)
    for each in prepare:
        _find(*each)()
    return loaded


def _find(module: str, name: str) -> Callable[..., None]:
    """Imports a function of a module, or a class method; its name has a dot then."""
    found: Callable[..., None] = attrgetter(name)(import_module(module))
    return found
