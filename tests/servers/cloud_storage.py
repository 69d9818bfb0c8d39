"""A store in memory that speaks the XML API of Google Cloud Storage and, which is the same but for names, of S3.

The emulators that exist speak GCS's JSON API; obstore speaks the XML API. Signatures are not checked. What Beam's own
client asks for, which speaks the JSON API, is answered by `cloud_storage_json`.
"""

import itertools
import socket
import threading
import time
import urllib.parse
import xml.etree.ElementTree as ET
from email.utils import formatdate
from typing import NamedTuple
from xml.sax.saxutils import escape

from tests.servers.cloud_storage_json import JSON_PATHS, JsonApi
from tests.servers.objects import Bucket, StoredObject, holds
from tests.servers.wire import Head, Listener, read_body, read_head

REASONS = {200: "OK", 204: "No Content", 206: "Partial Content", 304: "Not Modified", 404: "Not Found"}
REASONS |= {
    308: "Resume Incomplete",
    412: "Precondition Failed",
    416: "Range Not Satisfiable",
    501: "Not Implemented",
}

S3, GCS = "x-amz-", "x-goog-"


class Request(NamedTuple):
    """What a client asks for.

    Attributes:
        method: `GET`, `PUT`, …
        bucket: Name of the bucket.
        key: Name of the object; empty for the bucket.
        query: Parameters by name.
        fields: Headers by name, in lower case; those of S3 have the names that GCS gives them.
        body: The content.
        is_s3: Whether the client speaks S3.
    """

    method: str
    bucket: str
    key: str
    query: dict[str, str]
    fields: dict[str, str]
    body: bytes
    is_s3: bool


class Answer(NamedTuple):
    """What a server answers."""

    status: int
    body: bytes = b""
    fields: dict[str, str] = {}  # noqa: RUF012 - never changed


class CloudStorage:
    """The store. Its buckets are those that `bucket` made.

    Attributes:
        port: Where it listens.
        json: Its JSON API.
    """

    def __init__(self, *, page: int = 1000) -> None:
        """Begins to listen.

        Args:
            page: Names in a page of a listing, at most.
        """
        self._page = page
        self._buckets: dict[str, Bucket] = {}
        self.json = JsonApi(self._buckets)
        self._uploads: dict[str, dict[int, bytes]] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._listener = Listener(self._serve)
        self.port = self._listener.port

    def bucket(self, name: str) -> Bucket:
        """A bucket, to look into; it is made if it is not there."""
        with self._lock:
            return self._buckets.setdefault(name, Bucket())

    def close(self) -> None:
        self._listener.close()

    def _serve(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as file:
            while head := read_head(file):
                request = _parse(head, read_body(file, head))
                connection.sendall(_encode(self._answer(request), request))

    def _answer(self, request: Request) -> Answer:
        if request.bucket in JSON_PATHS:
            return Answer(
                *self.json.answer(request.method, request.key, request.query, request.fields, request.body)
            )
        bucket = self._buckets.get(request.bucket)
        if bucket is None:
            return _error(404, "NoSuchBucket")
        match request.method:
            case "GET" if not request.key:
                return self._list(bucket, request.query)
            case "GET" | "HEAD":
                return _read(bucket, request)
            case "PUT" if "uploadId" in request.query:
                return self._put_part(request)
            case "PUT":
                return self._put(bucket, request)
            case "POST":
                return self._post(bucket, request)
            case "DELETE" if "uploadId" in request.query:
                self._uploads.pop(request.query["uploadId"], None)
                return Answer(204)
            case "DELETE":
                return Answer(204) if bucket.delete(request.key) else _error(404, "NoSuchKey")
        return _error(501, "NotImplemented")

    def _list(self, bucket: Bucket, query: dict[str, str]) -> Answer:
        after = query.get("continuation-token", query.get("start-after", ""))
        at_most = min(int(query.get("max-keys", self._page)), self._page)
        page = bucket.list(query.get("prefix", ""), query.get("delimiter", ""), after, at_most)
        name_of = urllib.parse.quote if query.get("encoding-type") == "url" else escape
        parts = [f"<IsTruncated>{'true' if page.next else 'false'}</IsTruncated>"]
        parts += [f"<KeyCount>{len(page.objects) + len(page.prefixes)}</KeyCount>"]
        if page.next is not None:
            parts.append(f"<NextContinuationToken>{escape(page.next)}</NextContinuationToken>")
        for name, found in page.objects:
            parts.append(
                f"<Contents><Key>{name_of(name)}</Key><Size>{len(found.content)}</Size>"
                f"<ETag>{escape(found.etag)}</ETag><Generation>{found.generation}</Generation>"
                f"<LastModified>{_iso(found.modified)}</LastModified></Contents>"
            )
        parts += [
            f"<CommonPrefixes><Prefix>{name_of(name)}</Prefix></CommonPrefixes>" for name in page.prefixes
        ]
        return _xml("ListBucketResult", "".join(parts))

    def _put(self, bucket: Bucket, request: Request) -> Answer:
        content, fields = request.body, request.fields
        source = request.fields.get("x-goog-copy-source")
        if source is not None:
            name, _, key = urllib.parse.unquote(source).lstrip("/").partition("/")
            copied = self._buckets[name].get(key) if name in self._buckets else None
            if copied is None:
                return _error(404, "NoSuchKey")
            content, fields = copied.content, fields | copied.metadata
        written = bucket.put(request.key, content, fields)
        if written is None:
            return _error(412, "PreconditionFailed")
        if source is None:
            return Answer(200, b"", _fields(written))
        return _xml("CopyObjectResult", f"<ETag>{escape(written.etag)}</ETag>", _fields(written))

    def _post(self, bucket: Bucket, request: Request) -> Answer:
        if "delete" in request.query:
            keys = [element.text or "" for element in _elements(request.body, "Key")]
            for key in keys:
                bucket.delete(key)
            return _xml(
                "DeleteResult", "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
            )
        if "uploads" in request.query:
            upload = f"upload-{next(self._numbers)}"
            self._uploads[upload] = {}
            return _xml("InitiateMultipartUploadResult", f"<UploadId>{upload}</UploadId>")
        return self._complete(bucket, request)

    def _put_part(self, request: Request) -> Answer:
        parts = self._uploads.get(request.query["uploadId"])
        if parts is None:
            return _error(404, "NoSuchUpload")
        parts[int(request.query["partNumber"])] = request.body
        return Answer(200, b"", {"ETag": f'"{request.query["partNumber"]}"'})

    def _complete(self, bucket: Bucket, request: Request) -> Answer:
        parts = self._uploads.get(request.query["uploadId"])
        if parts is None:
            return _error(404, "NoSuchUpload")
        numbers = [int(element.text or "") for element in _elements(request.body, "PartNumber")]
        written = bucket.put(request.key, b"".join(parts[number] for number in numbers), request.fields)
        if written is None:
            return _error(412, "PreconditionFailed")
        del self._uploads[request.query["uploadId"]]
        return _xml("CompleteMultipartUploadResult", f"<ETag>{escape(written.etag)}</ETag>", _fields(written))


def _read(bucket: Bucket, request: Request) -> Answer:
    found = bucket.get(request.key)
    if found is None:
        return _error(404, "NoSuchKey")
    if not holds(found, request.fields):
        return Answer(304) if "if-none-match" in request.fields else _error(412, "PreconditionFailed")
    fields = _fields(found) | {"Last-Modified": formatdate(found.modified, usegmt=True)}
    if "range" not in request.fields:
        return Answer(200, found.content, fields)
    size = len(found.content)
    first, _, last = request.fields["range"].removeprefix("bytes=").partition("-")
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last) + 1, size) if first and last else size
    if start >= end:
        return _error(416, "InvalidRange")
    return Answer(
        206, found.content[start:end], fields | {"Content-Range": f"bytes {start}-{end - 1}/{size}"}
    )


def _parse(head: Head, body: bytes) -> Request:
    method, target, _ = head.first.split(" ")
    path, _, query = target.partition("?")
    bucket, _, key = urllib.parse.unquote(path).lstrip("/").partition("/")
    fields = {name.replace(S3, GCS): value for name, value in head.fields.items()}
    parameters = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
    return Request(method, bucket, key, parameters, fields, body, is_s3="x-amz-date" in head.fields)


def _encode(answer: Answer, request: Request) -> bytes:
    fields = {"Content-Length": str(len(answer.body))} | answer.fields
    if request.is_s3:
        fields = {name.replace(GCS, S3): value for name, value in fields.items()}
    head = Head(f"HTTP/1.1 {answer.status} {REASONS[answer.status]}", fields)
    return head.encode() + (b"" if request.method == "HEAD" else answer.body)


def _fields(found: StoredObject) -> dict[str, str]:
    return {"ETag": found.etag, "x-goog-generation": str(found.generation)} | found.metadata


def _xml(name: str, inner: str, fields: dict[str, str] | None = None) -> Answer:
    return Answer(
        200, f"<{name}>{inner}</{name}>".encode(), {"Content-Type": "application/xml"} | (fields or {})
    )


def _error(status: int, code: str) -> Answer:
    return Answer(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())


def _elements(body: bytes, name: str) -> list[ET.Element]:
    return [element for element in ET.fromstring(body).iter() if element.tag.rpartition("}")[2] == name]


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))
