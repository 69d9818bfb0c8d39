"""Addresses of servers: how they are read, and whether one answers."""

import socket
from collections.abc import Iterator

import pytest

from fitfeed.beam_jobs.engines import endpoint
from fitfeed.beam_jobs.engines.endpoint import Endpoint
from fitfeed.schemas.errors import RemoteError, UsageError


@pytest.fixture
def server() -> Iterator[Endpoint]:
    """A port that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield Endpoint("127.0.0.1", listening.getsockname()[1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("localhost:8099", ("localhost", 8099)),
        ("tcp://10.0.0.5:8786", ("10.0.0.5", 8786)),
        ("http://flink.example:8081/", ("flink.example", 8081)),
        ("[::1]:8099", ("::1", 8099)),
    ],
)
def test_an_address_is_read(text: str, expected: tuple[str, int]) -> None:
    assert Endpoint.parse(text, "job_endpoint") == expected


@pytest.mark.parametrize("text", ["localhost", "8099", ":8099", "host:port", "host:99999", "tcp://"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(
        UsageError, match=r"--job_endpoint takes HOST:PORT, such as localhost:8099\. Received: "
    ):
        Endpoint.parse(text, "job_endpoint")


@pytest.mark.parametrize(
    ("host", "here"),
    [("localhost", True), ("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("10.0.0.5", False)],
)
def test_this_machine_is_known(host: str, here: bool) -> None:
    assert Endpoint(host, 1).is_here is here
    assert Endpoint(socket.gethostname().lower(), 1).is_here


def test_a_server_that_answers_is_fine(server: Endpoint) -> None:
    server.require("the job server", "job_endpoint")


def test_a_server_that_is_gone_is_one_line(server: Endpoint) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        gone = Endpoint("127.0.0.1", listening.getsockname()[1])
    with pytest.raises(RemoteError) as caught:
        gone.require("the job server", "job_endpoint")
    assert str(caught.value) == (
        f"the job server cannot be reached at 127.0.0.1:{gone.port}: Connection refused. "
        "Start it, or correct -- --job_endpoint."
    )
    assert caught.value.exit_status == 6


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(address: tuple[str, int], timeout: float) -> None:
        assert timeout == endpoint.CONNECT_S <= 5
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", silent)
    assert Endpoint("10.0.0.5", 8786).failure() == "no answer within 5 s"
