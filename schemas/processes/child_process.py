"""Starts processes of ours: what they may import, and how they end with their parent.

    parent                                   child
    ChildProcess(function, setup, ...) ----> python -P: sys.path of the parent, fitfeed from where the parent has it
                                             function(setup, *descriptors)
    lifeline: a pipe that nobody writes to - closes when the parent is gone, and then the kernel kills the child

`python -c` and `python -m` look for every module in the current folder first. That folder may hold photographs and a
`numpy.py` that a stranger has packed, so no process of ours is started in another way than this one.
"""

import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

PROGRAM = (
    "import importlib, json, sys; place, paths, call = json.loads(sys.argv[1]); "
    "sys.path[:] = [place]; import fitfeed; sys.path[:] = paths; "
    "from fitfeed.schemas.processes.child_process import run_child; run_child(*call)"
)
"""The program of a child. With `-P`, its first line sees neither the current folder nor that of a script."""

HOME = str(Path(__file__).parents[3])
"""The folder that this fitfeed is in: a checkout, or site-packages."""

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Variables of a child. Without them, NumPy's BLAS would start a thread per CPU in each process."""

PARENT_S = 1.0
"""Seconds between two looks at whether the parent is alive, in case that something else holds the lifeline."""

_children: "weakref.WeakSet[ChildProcess]" = weakref.WeakSet()
"""Those of this process."""


class ChildProcess:
    """A process that runs one function of ours. Its methods are thread-safe.

    It ends when this process does, in whatever way. It never sees Ctrl-C, which reaches all processes of a terminal:
    the parent decides.

    Attributes:
        pid: Its process id.
    """

    def __init__(
        self,
        function: Callable[..., None],
        setup: bytes = b"",
        descriptors: Sequence[int] = (),
        *,
        environment: Mapping[str, str] = MappingProxyType({}),
        ends_itself: bool = False,
    ) -> None:
        """Starts the process.

        Args:
            function: A function at the top of a module. It is called with `setup` and the descriptors.
            setup: What it needs to know. It is not seen in lists of processes.
            descriptors: Of open files, which the child inherits under the same numbers.
            environment: Variables that the child has besides those of this process.
            ends_itself: Whether the function looks whether this process is gone. If not, a thread of the child does.

        Raises:
            OSError: If no process can be started.
        """
        lifeline, held = os.pipe()
        self._let_go = weakref.finalize(self, os.close, held)
        with os.fdopen(lifeline, "rb"), file_in_memory(setup) as setup_file:
            call = [
                None if ends_itself else os.getpid(),
                lifeline,
                setup_file,
                function.__module__,
                function.__qualname__,
                *descriptors,
            ]
            with _interrupts_held():
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-c", PROGRAM, json.dumps([HOME, import_paths(), call])],
                    stdin=subprocess.DEVNULL,
                    pass_fds=(lifeline, setup_file, *descriptors),
                    env={**os.environ, **ONE_THREAD, **environment},
                )
        self.pid = self._process.pid
        _children.add(self)

    @property
    def exit_code(self) -> int | None:
        """How it ended: its exit status, or the negative number of a signal; None while it runs."""
        return self._process.poll()

    def kill(self) -> None:
        """Ends it at once; `wait` for it to be gone."""
        self._process.kill()

    def wait(self) -> int:
        """Returns its exit code, after it has ended."""
        code = self._process.wait()
        self.let_go()
        return code

    def let_go(self) -> None:
        """Closes this end of the lifeline: the child ends, unless another process holds it, too."""
        self._let_go()


def run_child(
    parent: int | None, lifeline: int, setup_file: int, module: str, function: str, *descriptors: int
) -> None:
    """What a child does.

    Args:
        parent: Process id of the parent; None if the function looks after it, besides the kernel.
        lifeline: Descriptor of a pipe that closes when the parent is gone.
        setup_file: Descriptor of a file with the setup.
        module: The module of a function.
        function: Its name.
        descriptors: Its further arguments.
    """
    if parent is None:
        _be_killed_with_parent(lifeline)
    else:
        end_with_parent(parent, lifeline)
    setup = read_file_in_memory(setup_file)
    getattr(import_module(module), function)(setup, *descriptors)


def import_paths() -> list[str]:
    """Where this process looks for modules. The current folder is among them only if this process looks there."""
    return [path or os.getcwd() for path in sys.path]  # noqa: PTH109 - as a string


@contextmanager
def safe_environment() -> Iterator[None]:
    """For libraries that start Python themselves: what they start does not import from the current folder either."""
    variables = {
        "PYTHONSAFEPATH": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), HOME])),
    }
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        _restore(before)


def discard_output(*descriptors: int) -> None:
    """Discards what this process writes to some descriptors: 1 is standard output, 2 standard error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def signal_name(number: int) -> str:
    """For example `SIGSEGV`."""
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"


def end_with_parent(parent: int, lifeline: int) -> None:
    """Sees to it that this process ends when the parent is gone, even in the middle of its work.

    Args:
        parent: Process id of the parent.
        lifeline: Descriptor of a pipe that closes when the parent is gone. No other process has the same end of it.
    """
    _be_killed_with_parent(lifeline)
    threading.Thread(target=_end_with_parent, args=(parent, lifeline), daemon=True).start()


@contextmanager
def file_in_memory(content: bytes) -> Iterator[int]:
    """Makes a file in memory, and yields its descriptor."""
    with os.fdopen(os.memfd_create("fitfeed-setup"), "wb") as file:
        file.write(content)
        file.flush()
        yield file.fileno()


def read_file_in_memory(descriptor: int) -> bytes:
    """Reads what `file_in_memory` has made, and closes it."""
    with os.fdopen(descriptor, "rb"):
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def _be_killed_with_parent(lifeline: int) -> None:
    """Asks the kernel for SIGKILL when the pipe closes, which also ends a process that is stuck in C and holds the GIL.

    PR_SET_PDEATHSIG is not meant: it kills when the parent's thread ends that has started the process.
    """
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    if _is_closed(lifeline, 0):  # before the kernel was asked
        os._exit(1)


def _end_with_parent(parent: int, lifeline: int) -> None:
    """Ends this process when the parent is gone, if the kernel has not.

    A process that C code of the parent has forked may keep the pipe open, so the parent's id is looked at.
    """
    while os.getppid() == parent and not _is_closed(lifeline, PARENT_S):
        pass
    os._exit(1)


def _is_closed(lifeline: int, timeout_s: float) -> bool:
    """Whether the pipe closes within some seconds."""
    closed = select.poll()
    closed.register(lifeline)
    return bool(closed.poll(1000 * timeout_s))


def _let_children_go() -> None:
    """In a process that Python code of the parent has forked: its copies of lifelines must not keep children alive."""
    for child in _children:
        child.let_go()


os.register_at_fork(after_in_child=_let_children_go)


def _restore(before: Mapping[str, str | None]) -> None:
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Blocks Ctrl-C for processes that are started meanwhile."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
