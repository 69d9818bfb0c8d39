"""A stand-in for the service of Dataflow, and for the server that gives its clients tokens.

It answers the calls with which Beam creates a job, looks at it, reads its messages and cancels it. What becomes of a job
a script says: a list of states, one for each look at it, of which the last stays.
"""

import itertools
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.servers.wire import Head, Listener, read_body, read_head

JOBS = re.compile(r"/v1b3/projects/(?P<project>[^/]+)/locations/(?P<region>[^/]+)/jobs(/(?P<job>[^/?]+))?")
CANCELLED = 5
"""The number of the state that a client asks for when it cancels."""


class DataflowService:
    """The service.

    Attributes:
        port: Where it listens.
        states: The states of the next job.
        errors: What its messages will say.
        counted: What workers have counted so far, by name.
        created: The jobs as they were asked for.
        requests: Methods and paths of all requests, in order.
        refuses_tokens: Whether the credentials of clients have expired.
        refusal: The status and the message of the answer to whoever creates a job; None to create it.
        run: What is called, in a thread, with a job that was created; the job's state follows from what it raises.
    """

    def __init__(self) -> None:
        self.states: list[str] = ["RUNNING", "DONE"]
        self.errors: list[str] = []
        self.counted: dict[str, int] = {}
        self.created: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.refuses_tokens = False
        self.refusal: tuple[int, str] | None = None
        self.run: Callable[[dict[str, Any]], None] | None = None
        self._numbers = itertools.count(1)
        self._jobs: dict[str, Iterator[str]] = {}
        self._last: dict[str, str] = {}
        self._listener = Listener(self._serve)
        self.port = self._listener.port

    @property
    def endpoint(self) -> str:
        """The value of `--dataflow_endpoint`. Beam takes `localhost` for a server without encryption."""
        return f"http://localhost:{self.port}"

    def close(self) -> None:
        self._listener.close()

    def _serve(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as file:
            while head := read_head(file):
                method, target, _ = head.first.split(" ")
                self.requests.append(f"{method} {target.partition('?')[0]}")
                body = read_body(file, head)
                status, answer = self._answer(method, target.partition("?")[0], body)
                content = json.dumps(answer).encode()
                fields = {"Content-Type": "application/json", "Content-Length": str(len(content))}
                connection.sendall(Head(f"HTTP/1.1 {status} As asked", fields).encode() + content)

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if path == "/token" and self.refuses_tokens:
            return 400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
        if path == "/token":
            return 200, {"access_token": "a-token", "expires_in": 3600, "token_type": "Bearer"}
        match = JOBS.match(path)
        if match is None:
            return 404, {"error": {"code": 404, "message": f"no such path: {path}"}}
        if method == "POST" and self.refusal is not None:
            status, message = self.refusal
            return status, {"error": {"code": status, "message": message}}
        if method == "POST":
            return 200, self._create(json.loads(body), match["project"], match["region"])
        job = match["job"]
        if path.endswith("/messages"):
            return 200, {"jobMessages": [_message(number, text) for number, text in enumerate(self.errors)]}
        if path.endswith("/metrics"):
            return 200, {"metrics": [each for item in self.counted.items() for each in _metrics(*item)]}
        if method == "PUT":
            if json.loads(body)["requestedState"] == CANCELLED:
                self._jobs[job] = iter(["CANCELLING", "CANCELLED"])
            return 200, {"id": job}
        self._last[job] = next(self._jobs[job], self._last[job])
        return 200, {"id": job, "currentState": f"JOB_STATE_{self._last[job]}"}

    def _create(self, asked: dict[str, Any], project: str, region: str) -> dict[str, Any]:
        job = f"job-{next(self._numbers)}"
        self.created.append(asked)
        self._jobs[job], self._last[job] = iter(self.states), "PENDING"
        if self.run is not None:
            self._jobs[job] = iter(())
            self._last[job] = "RUNNING"
            threading.Thread(target=self._run, args=(job, asked, self.run), daemon=True).start()
        return {
            "id": job,
            "projectId": project,
            "location": region,
            "name": asked["name"],
            "clientRequestId": asked["clientRequestId"],
            "currentState": "JOB_STATE_PENDING",
        }

    def _run(self, job: str, asked: dict[str, Any], run: Callable[[dict[str, Any]], None]) -> None:
        try:
            run(asked)
        except Exception as error:  # noqa: BLE001 - the client reads it
            self.errors.append(str(error))
            self._last[job] = "FAILED"
        else:
            self._last[job] = "DONE"


def _message(number: int, text: str) -> dict[str, str]:
    return {
        "id": str(number),
        "time": f"2026-11-27T10:00:{number:02}Z",
        "messageText": text,
        "messageImportance": "JOB_MESSAGE_ERROR",
    }


def _metrics(name: str, value: int) -> Iterator[dict[str, Any]]:
    """A counter of fitfeed twice: as it is, and with what bundles add that are not finished."""
    for more in ({}, {"tentative": "true"}):
        context = {"namespace": "fitfeed", **more}
        yield {"name": {"origin": "user", "name": name, "context": context}, "scalar": value}


def make_private_key() -> str:
    """A key for `write_service_account`. It takes a moment."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return text.decode()


def write_service_account(file: Path, *, private_key: str, port: int) -> None:
    """Writes the file of a service account whose tokens come from a port of 127.0.0.1."""
    content = {
        "type": "service_account",
        "project_id": "test-project",
        "private_key_id": "a-key",
        "private_key": private_key,
        "client_email": "tests@test-project.iam.gserviceaccount.com",
        "token_uri": f"http://127.0.0.1:{port}/token",
    }
    file.write_text(json.dumps(content))
