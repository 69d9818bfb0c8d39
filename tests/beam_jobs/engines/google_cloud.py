"""What a launch on Dataflow finds in tests: a store, the service, a token server and credentials, all on this machine."""

import importlib.metadata
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

from tests.servers.cloud_storage import CloudStorage
from tests.servers.dataflow_service import DataflowService
from tests.servers.objects import Bucket
from tests.servers.stores import Store

EMBEDDED = "beam:env:embedded_python:v1"


class GoogleCloud(NamedTuple):
    """A project of Google Cloud.

    Attributes:
        store: An empty bucket.
        memory: The server of the bucket.
        service: The service of Dataflow.
        arguments: What a launch passes to Beam.
    """

    store: Store
    memory: CloudStorage
    service: DataflowService
    arguments: list[str]

    @property
    def bucket(self) -> Bucket:
        """The objects of the bucket."""
        return self.memory.bucket(self.store.address.removeprefix("gs://"))

    def read(self, address: str) -> bytes:
        """The object at an address."""
        found = self.bucket.get(address.removeprefix(f"{self.store.address}/"))
        if found is None:
            raise FileNotFoundError(address)
        return found.content

    def names(self, prefix: str) -> list[str]:
        """The objects whose names begin so."""
        return [name for name, _ in self.bucket.list(prefix, "", "", 1 << 20).objects]

    def run(self, asked: dict[str, Any]) -> None:
        """Runs a job that was created, as the service would: the graph that was staged, on this machine."""
        options = asked["environment"]["sdkPipelineOptions"]["options"]
        run_staged(self.read(options["pipelineUrl"]))


def run_staged(content: bytes) -> None:
    """Runs the graph of a staged `pipeline.pb` by a local engine, with this process as its worker."""
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.portability.api import beam_runner_api_pb2
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner

    graph = beam_runner_api_pb2.Pipeline.FromString(content)
    for environment in graph.components.environments.values():
        environment.urn, environment.payload = EMBEDDED, b""
        del environment.dependencies[:]
    FnApiRunner().run_via_runner_api(graph, PipelineOptions([]))


def write_wheel(folder: Path) -> Path:
    """A package of fitfeed with nothing in it: what is staged is not opened here."""
    wheel = folder / f"fitfeed-{importlib.metadata.version('fitfeed')}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("fitfeed/__init__.py", "")
    return wheel
