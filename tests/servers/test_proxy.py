"""The proxy does what a fault says, and logs it."""

import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.servers.cloud_storage import CloudStorage
from tests.servers.network_faults import FAULTS, Fault, Rule, Rules
from tests.servers.proxy import Proxy

CONTENT = bytes(range(200))


@pytest.fixture
def storage() -> Iterator[CloudStorage]:
    with closing(CloudStorage()) as storage:
        storage.bucket("photos").put("one", CONTENT, {})
        yield storage


@pytest.fixture
def proxy(storage: CloudStorage) -> Iterator[Proxy]:
    with closing(Proxy(storage.port)) as proxy:
        yield proxy


def ask(
    proxy: Proxy,
    method: str = "GET",
    path: str = "/photos/one",
    body: bytes | None = None,
    timeout: float | None = None,
) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=timeout)) as connection:
        connection.request(method, path, body, {"Range": "bytes=0-99"} if method == "GET" else {})
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_a_request_passes_and_is_logged(proxy: Proxy, storage: CloudStorage) -> None:
    assert ask(proxy) == (206, CONTENT[:100])
    assert ask(proxy, "PUT", "/photos/new?a=b", b"new") == (200, b"")
    found = storage.bucket("photos").get("new")
    assert found is not None
    assert found.content == b"new"
    got, put = proxy.log
    assert (got.asked, got.status, got.received) == (("GET", "/photos/one", "", "0-99"), 206, 100)
    assert (put.asked, put.sent, put.status) == (("PUT", "/photos/new", "a=b", ""), 3, 200)


@pytest.mark.parametrize("fault", ["403", "429", "500", "503"])
def test_a_status_is_answered_and_nothing_is_done(proxy: Proxy, storage: CloudStorage, fault: Fault) -> None:
    with proxy.faults(Rules(Rule(fault=fault))) as log:
        assert ask(proxy, "DELETE")[0] == int(fault)
        assert storage.bucket("photos").get("one") is not None
        assert ask(proxy, "DELETE")[0] == 204
    assert storage.bucket("photos").get("one") is None
    assert [(entry.status, entry.fault) for entry in log] == [(int(fault), fault), (204, None)]


@pytest.mark.parametrize(
    ("fault", "error", "done"),
    [
        ("reset", ConnectionResetError, False),
        ("closed", http.client.RemoteDisconnected, False),
        ("lost", ConnectionResetError, True),
    ],
)
def test_a_connection_ends_before_or_after_the_request_is_done(
    proxy: Proxy, storage: CloudStorage, fault: Fault, error: type[Exception], done: bool
) -> None:
    with proxy.faults(Rules(Rule(fault=fault))), pytest.raises(error):
        ask(proxy, "DELETE")
    assert (storage.bucket("photos").get("one") is None) == done


def test_a_body_is_cut_with_and_without_an_error_of_http(proxy: Proxy) -> None:
    with proxy.faults(Rules(Rule(fault="truncated"))), pytest.raises(http.client.IncompleteRead) as caught:
        ask(proxy)
    assert caught.value.partial == CONTENT[:50]
    with proxy.faults(Rules(Rule(fault="shortened"), Rule(fault="lengthened"))):
        assert ask(proxy) == (206, CONTENT[:50])
        assert ask(proxy) == (206, CONTENT[:100] + b"garbage")


def test_a_head_is_cut_where_there_is_no_body(proxy: Proxy) -> None:
    schedule = Rules(Rule(fault="truncated"))
    with proxy.faults(schedule) as log, socket.create_connection(("127.0.0.1", proxy.port)) as connection:
        connection.sendall(b"HEAD /photos/one HTTP/1.1\r\n\r\n")
        head = connection.makefile("rb").read()
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in head
    assert (log[0].status, log[0].received) == (0, 0)


def test_an_answer_stalls_until_the_client_goes_away(proxy: Proxy) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port)
    with proxy.faults(Rules(Rule(fault="stalled"))), closing(connection):
        connection.request("GET", "/photos/one", headers={"Range": "bytes=0-99"})
        answer = connection.getresponse()
        assert answer.read(50) == CONTENT[:50]
        connection.sock.settimeout(0.05)
        with pytest.raises(TimeoutError):
            answer.read()


def test_answers_are_late(proxy: Proxy) -> None:
    proxy.latency_s, proxy.slow_s = 0.01, 0.03
    begin = time.monotonic()
    assert ask(proxy)[1] == CONTENT[:100]
    middle = time.monotonic()
    with proxy.faults(Rules(Rule(fault="slow"))):
        assert ask(proxy)[1] == CONTENT[:100]
    assert middle - begin >= 0.01
    assert time.monotonic() - middle >= 0.04


@pytest.mark.parametrize("fault", FAULTS)
def test_after_a_fault_all_is_well(proxy: Proxy, fault: Fault) -> None:
    proxy.slow_s = 0.0
    with proxy.faults(Rules(Rule(fault=fault))) as log:
        try:
            ask(proxy, timeout=0.05 if fault == "stalled" else None)
        except (OSError, http.client.HTTPException):
            assert fault in ("reset", "closed", "lost", "stalled", "truncated")
        assert ask(proxy) == (206, CONTENT[:100])
    assert [entry.fault for entry in log] == [fault, None]
