"""What faults make of answers: bytes to send, and what then becomes of the connection."""

import http.client
from typing import Literal, NamedTuple

from tests.servers.network_faults import Fault
from tests.servers.wire import Head

GARBAGE = b"garbage"
REFUSAL = b"<Error><Code>Fault</Code><Message>a fault of the tests</Message></Error>"


class Reply(NamedTuple):
    """What a client gets.

    Attributes:
        content: Head and body, or what is left of them.
        then: What becomes of the connection.
        status: The status in the head; 0 if there is no whole head.
        received: Bytes of the body.
    """

    content: bytes
    then: Literal["go on", "end", "reset", "stall"]
    status: int
    received: int


def refusal(fault: Fault | None) -> Reply | None:
    """The reply to a request that is not passed on; None if it is to be passed on."""
    match fault:
        case "reset":
            return Reply(b"", "reset", 0, 0)
        case "closed":
            return Reply(b"", "end", 0, 0)
        case "403" | "429" | "500" | "503":
            status = int(fault)
            fields = {"content-type": "application/xml", "content-length": str(len(REFUSAL))}
            head = Head(f"HTTP/1.1 {status} {http.client.responses[status]}", fields)
            return Reply(head.encode() + REFUSAL, "go on", status, len(REFUSAL))
    return None


def damaged(head: Head, body: bytes | None, *, fault: Fault | None) -> Reply:
    """What a fault makes of a store's answer; `body` is None if such an answer never has one."""
    if fault == "lost":
        return Reply(b"", "reset", 0, 0)
    content = body or b""
    if fault == "shortened":
        content = content[: len(content) // 2]
    elif fault == "lengthened" and body is not None:
        content += GARBAGE
    fields = {name: value for name, value in head.fields.items() if name != "transfer-encoding"}
    if body is not None:
        fields["content-length"] = str(len(content))
    message = Head(head.first, fields).encode()
    if fault not in ("truncated", "stalled"):
        return Reply(message + content, "go on", head.status, len(content))
    then: Literal["end", "stall"] = "end" if fault == "truncated" else "stall"
    if not content:  # the head is all there is to cut
        return Reply(message[: len(message) // 2], then, 0, 0)
    half = content[: len(content) // 2]
    return Reply(message + half, then, head.status, len(half))
