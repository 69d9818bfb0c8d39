"""The few calls of Google Cloud Storage's JSON API with which Beam stages the files of a job.

`cloud_storage` answers them beside its XML API, from the same buckets.
"""

import base64
import hashlib
import itertools
import json
import urllib.parse
from collections.abc import Mapping
from typing import NamedTuple

import google_crc32c

from tests.servers.objects import Bucket, StoredObject

JSON_PATHS = ("storage", "upload", "download")
"""The first parts of its paths. No bucket of a test has such a name."""

OWNER = frozenset({"storage.buckets.get", "storage.objects.create", "storage.objects.get"})


class JsonAnswer(NamedTuple):
    """What is answered: a status, a body and headers."""

    status: int
    body: bytes
    fields: dict[str, str]


class JsonApi:
    """The calls, over buckets that others make.

    Attributes:
        permissions: What the caller may do with each bucket, whoever it is.
    """

    def __init__(self, buckets: Mapping[str, Bucket]) -> None:
        self._buckets = buckets
        self._uploads: dict[str, bytearray] = {}
        self._numbers = itertools.count(1)
        self.permissions = OWNER

    def answer(
        self, method: str, path: str, query: Mapping[str, str], fields: Mapping[str, str], body: bytes
    ) -> JsonAnswer:
        """Answers a request for `[upload/]storage/v1/b/BUCKET[/o/OBJECT]`, given without escapes."""
        name, _, rest = path.partition("/b/")[2].partition("/")
        bucket = self._buckets.get(name)
        if bucket is None:
            return _refused(404, f"The specified bucket {name} does not exist.")
        if rest == "iam/testPermissions":
            return _json({"permissions": sorted(self.permissions)})
        if not rest:
            return _json({"kind": "storage#bucket", "id": name, "name": name})
        if method == "POST":
            return self._begin(name, json.loads(body)["name"], fields["host"])
        if method == "PUT":
            return self._continue(name, bucket, query, fields["content-range"], body)
        found = bucket.get(rest.removeprefix("o/"))
        if found is None:
            return _refused(404, f"No such object: {name}/{rest.removeprefix('o/')}")
        if query.get("alt") == "media":
            return JsonAnswer(200, found.content, {"Content-Type": "application/octet-stream"})
        return _json(_resource(name, rest.removeprefix("o/"), found))

    def _begin(self, bucket: str, name: str, host: str) -> JsonAnswer:
        upload = f"upload-{next(self._numbers)}"
        self._uploads[upload] = bytearray()
        address = f"http://{host}/upload/storage/v1/b/{bucket}/o?upload_id={upload}&name={urllib.parse.quote(name, safe='')}"
        return JsonAnswer(200, b"", {"Location": address})

    def _continue(
        self, name: str, bucket: Bucket, query: Mapping[str, str], content_range: str, body: bytes
    ) -> JsonAnswer:
        upload = self._uploads[query["upload_id"]]
        upload += body
        if content_range.endswith("/*"):
            return JsonAnswer(308, b"", {"Range": f"bytes=0-{len(upload) - 1}"})
        written = bucket.put(query["name"], bytes(self._uploads.pop(query["upload_id"])), {})
        if written is None:
            return _refused(412, "A condition does not hold.")
        return _json(_resource(name, query["name"], written))


def _resource(bucket: str, name: str, found: StoredObject) -> dict[str, str]:
    crc = google_crc32c.value(found.content).to_bytes(4, "big")
    return {
        "kind": "storage#object",
        "bucket": bucket,
        "name": name,
        "generation": str(found.generation),
        "size": str(len(found.content)),
        "etag": found.etag,
        "md5Hash": base64.b64encode(hashlib.md5(found.content).digest()).decode(),
        "crc32c": base64.b64encode(crc).decode(),
    }


def _json(content: object, status: int = 200) -> JsonAnswer:
    return JsonAnswer(status, json.dumps(content).encode(), {"Content-Type": "application/json"})


def _refused(status: int, message: str) -> JsonAnswer:
    return _json({"error": {"code": status, "message": message}}, status)
