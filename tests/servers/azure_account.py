"""The account that azurite has from the start, and how a container is made in it: obstore makes none."""

import base64
import hashlib
import hmac
import http.client
from email.utils import formatdate

# Both are in azurite's manual.
NAME = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
VERSION = "2021-12-02"


def make_container(port: int, name: str) -> None:
    """Makes a container.

    Raises:
        RuntimeError: If the server answers otherwise than it should.
    """
    fields = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": VERSION}
    # The signed text has the method, eleven headers that are empty here, those of Azure, and the resource.
    headers = "".join(f"{field}:{value}\n" for field, value in sorted(fields.items()))
    text = "PUT" + "\n" * 12 + f"{headers}/{NAME}/{NAME}/{name}\nrestype:container"
    signature = base64.b64encode(hmac.digest(base64.b64decode(KEY), text.encode(), hashlib.sha256)).decode()
    connection = http.client.HTTPConnection("127.0.0.1", port)
    headers_sent = fields | {"Authorization": f"SharedKey {NAME}:{signature}", "Content-Length": "0"}
    connection.request("PUT", f"/{NAME}/{name}?restype=container", headers=headers_sent)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 201:
        msg = f"azurite made no container {name}: {answer.status} {body!r}"
        raise RuntimeError(msg)
