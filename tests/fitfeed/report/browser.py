"""A headless Chromium that shows pages, and is driven through a pipe: no port, no network."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)

AS_DESCRIPTORS = "import os, sys; r, w = map(int, sys.argv[1:3]); os.dup2(r, 3); os.dup2(w, 4); os.execv(sys.argv[3], sys.argv[3:])"
"""Chromium reads commands from descriptor 3, and answers on 4. They are 10 and higher before, so none is overwritten."""

MIN_DESCRIPTOR = 10

MAX_ANSWER_S = 120.0
"""A browser that takes longer never answers."""

Scheme = Literal["light", "dark"]


class Browser:
    """A page in a browser. Commands are those of the Chrome DevTools Protocol.

    Attributes:
        events: What the page did: name and parameters.
    """

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._number, self._rest = 0, b""
        self.events: list[tuple[str, dict[str, Any]]] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    _session: str | None = None

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Sends a command, and waits for its answer."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            command["sessionId"] = self._session
        data = json.dumps(command).encode() + b"\0"
        deadline = time.monotonic() + MAX_ANSWER_S
        while data:
            assert select.select([], [self._commands], [], MAX_ANSWER_S)[1], "the browser takes no commands"
            data = data[os.write(self._commands, data[: select.PIPE_BUF]) :]  # so much never waits
        while time.monotonic() < deadline:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append((answer["method"], answer["params"]))
        msg = f"the browser does not answer {method} within {MAX_ANSWER_S} s"
        raise TimeoutError(msg)

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + MAX_ANSWER_S
        while b"\0" not in self._rest:
            left = max(deadline - time.monotonic(), 0)
            assert select.select([self._answers], [], [], left)[0], "the browser says nothing any more"
            more = os.read(self._answers, 1 << 20)
            assert more, "the browser has ended"
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer

    def show(self, page: Path, *, width: int, scheme: Scheme, height: int = 900) -> None:
        """Opens a page in a window of this size, for a reader who wants it light or dark."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.events.clear()
        self.send("Page.navigate", url=page.absolute().as_uri())
        deadline = time.monotonic() + MAX_ANSWER_S
        while not any(name == "Page.loadEventFired" for name, _ in self.events):
            assert time.monotonic() < deadline, "the page does not load"
            answer = self._next()
            self.events.append((answer["method"], answer["params"]))

    def value(self, expression: str) -> Any:
        """The value of an expression of JavaScript. It is no part of the page, so the page's policy does not stop it."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self, *, whole: bool = False) -> bytes:
        """The window, or the whole page, as a PNG file."""
        answer = self.send("Page.captureScreenshot", captureBeyondViewport=whole)
        return base64.b64decode(answer["data"])

    def key(self, key: str, code: int) -> None:
        """Presses a key."""
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Starts a browser, which ends with this.

    Args:
        folder: What it may write into.
    """
    assert CHROMIUM is not None
    to_read, commands = map(_high, os.pipe())
    answers, to_write = map(_high, os.pipe())
    command = [CHROMIUM, *ARGUMENTS, f"--user-data-dir={folder / 'profile'}"]
    process = subprocess.Popen(
        [sys.executable, "-c", AS_DESCRIPTORS, str(to_read), str(to_write), *command],
        pass_fds=(to_read, to_write),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder)},
    )
    os.close(to_read)
    os.close(to_write)
    try:
        yield Browser(commands, answers)
    finally:
        os.close(answers)
        os.close(commands)  # Chromium ends when nobody can send commands any more
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _high(descriptor: int) -> int:
    """The same file as a descriptor that is not 3 or 4."""
    import fcntl

    high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, MIN_DESCRIPTOR)
    os.close(descriptor)
    return high
