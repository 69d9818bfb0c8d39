"""Shows what fitfeed says of launches that cannot work: each mistake, its one line, and the seconds until it is said.

Each is a command in a process of its own, timed from its start to its end, by the clock and by CPU time. Most of both is
the import of Beam. Servers are stand-ins on this machine.
"""

import argparse
import contextlib
import os
import re
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.material import link_sample
from benchmarks.measure import ROOT, machine
from tests.servers.engines import RunningEngine
from tests.servers.programs import free_port
from tests.servers.stores import StoreServers

CLOUD_VARIABLES = ("GOOGLE_", "CLOUDSDK_", "GCE_METADATA_", "AWS_", "AZURE_")
"""Beginnings of the names of variables that may hold credentials, or say where some are."""

EXTERNAL = "--environment_type=EXTERNAL"
GOOGLE = (
    "--project=my-project-123",
    "--region=us-central1",
    "--temp_location=gs://my-bucket/tmp",
    "--sdk_container_image=image",
)
DASK_MODULE = "dask"

MAX_S = 300
"""A command that takes longer never ends."""


class Mistake(NamedTuple):
    """A launch that cannot work.

    Attributes:
        name: What is wrong.
        arguments: The runner, and options before and after `--`.
        status: The exit status.
        source: Another SOURCE than photographs in a folder.
        dataset: Another DATASET than a folder.
        environment: Variables that the command has in addition.
    """

    name: str
    arguments: tuple[str, ...]
    status: int = 2
    source: str = "photos"
    dataset: str = "flowers"
    environment: Mapping[str, str] = {}


class Answer(NamedTuple):
    """What a command has answered.

    Attributes:
        status: Its exit status.
        text: All that it printed, and not before.
        seconds: By the clock.
        cpu_s: By the CPU time of its processes.
    """

    status: int
    text: str
    seconds: float
    cpu_s: float


def main() -> int:
    """Prints a row for each mistake; the exit status says whether each is one line with its status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="PART", help="only mistakes whose names have this part")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write the page of all of them")
    arguments = parser.parse_args()
    rows, wrong = [], []
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder, mistakes(Path(folder)) as found:
        link_sample(Path(folder, "photos"), 12)
        for mistake in found:
            if arguments.names and not any(part in mistake.name for part in arguments.names):
                continue
            answer = answer_to(mistake, Path(folder))
            if not is_right(mistake, answer):
                wrong.append(mistake.name)
            rows.append(row(mistake, answer, folder))
            print(rows[-1], flush=True)
    if arguments.table:
        arguments.table.write_text(page(rows))
    if wrong:
        print("not one line with its exit status:", "; ".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


@contextlib.contextmanager
def mistakes(folder: Path) -> Iterator[list[Mistake]]:
    """All mistakes, while the servers run that they need.

    Args:
        folder: Where the commands run.
    """
    (folder / "without").mkdir()
    (folder / "without" / "sitecustomize.py").write_text(f"import sys\nsys.modules[{DASK_MODULE!r}] = None\n")
    older = folder / "older" / "apache_beam-2.60.0.dist-info"
    older.mkdir(parents=True)
    (older / "METADATA").write_text("Metadata-Version: 2.1\nName: apache-beam\nVersion: 2.60.0\n")
    closed = f"127.0.0.1:{free_port()}"
    with contextlib.ExitStack() as held:
        listening = held.enter_context(socket.create_server(("127.0.0.1", 0)))
        server = f"127.0.0.1:{listening.getsockname()[1]}"
        silent = held.enter_context(silent_server())
        servers = held.enter_context(contextlib.closing(StoreServers()))
        variables = servers.store("s3").environment
        dask = held.enter_context(
            contextlib.closing(
                RunningEngine("dask", {"PYTHONPATH": f"{folder / 'older'}:{ROOT}"}, dask_workers=1)
            )
        )
        job_server = ("--runner", "PortableRunner", "--")
        yield [
            Mistake(
                "the extra is not installed",
                ("--runner", "dask"),
                environment={"PYTHONPATH": f"{folder / 'without'}:{ROOT}"},
            ),
            Mistake("a runner that is none", ("--runner", "dusk")),
            Mistake("Beam's DirectRunner", ("--runner", "DirectRunner")),
            Mistake("Prism without its program", ("--runner", "prism")),
            Mistake(
                "a misspelled option", ("--runner", "dask", "--", f"--dask_client_adress=tcp://{closed}")
            ),
            Mistake(
                "an option that is no number", (*job_server, f"--job_endpoint={server}", "--parallelism=two")
            ),
            Mistake("an address without a port", (*job_server, "--job_endpoint=localhost", EXTERNAL)),
            Mistake(
                "no scheduler of Dask there",
                ("--runner", "dask", "--", f"--dask_client_address=tcp://{closed}"),
                status=6,
            ),
            Mistake(
                "no file of a scheduler there", ("--runner", "dask", "--", "--dask_scheduler_file=s.json")
            ),
            Mistake("a worker of Dask has another Beam", tuple(dask.arguments)),
            Mistake("no job server there", (*job_server, f"--job_endpoint={closed}", EXTERNAL), status=6),
            Mistake(
                "a job server that does not answer",
                (*job_server, f"--job_endpoint={silent}", EXTERNAL),
                status=6,
            ),
            Mistake("workers without fitfeed", (*job_server, f"--job_endpoint={server}")),
            Mistake(
                "no pool of workers there, as a warning",
                (
                    "--dry-run",
                    *job_server,
                    f"--job_endpoint={server}",
                    EXTERNAL,
                    f"--environment_config={closed}",
                ),
                status=0,
            ),
            Mistake(
                "DATASET in a bucket that is not there",
                (*job_server, f"--job_endpoint={server}", EXTERNAL, f"--environment_config={server}"),
                dataset="s3://no-such-bucket/flowers",
                environment=variables,
            ),
            Mistake("--detach where the job ends with the command", ("--detach", "--runner", "dask")),
            Mistake(
                "Dataflow, and DATASET is a folder",
                ("--runner", "dataflow", "--", *GOOGLE),
                source="gs://my-bucket/photos",
            ),
            Mistake(
                "Dataflow without credentials",
                ("--runner", "dataflow", "--", *GOOGLE),
                source="gs://my-bucket/photos",
                dataset="gs://my-bucket/flowers",
            ),
        ]


@contextlib.contextmanager
def silent_server() -> Iterator[str]:
    """An address at which nothing answers, as behind a firewall: the queue of its server is full."""
    with contextlib.ExitStack() as held:
        server = held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        host, port = server.getsockname()
        for _ in range(4):
            client = held.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex((host, port))
        yield f"{host}:{port}"


def answer_to(mistake: Mistake, folder: Path) -> Answer:
    """Makes a mistake.

    Args:
        mistake: The mistake.
        folder: Where the command runs; also the home of its user, who is logged in nowhere.
    """
    environment = without_clouds(os.environ) | {"HOME": str(folder), "PYTHONPATH": str(ROOT)}
    environment |= mistake.environment
    command = [sys.executable, "-m", "fitfeed", "convert", mistake.source, mistake.dataset]
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [*command, *mistake.arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=MAX_S,
    )
    seconds, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Answer(done.returncode, done.stderr or done.stdout, seconds, cpu_s)


def without_clouds(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables with which a command has no credentials, on a machine of Google Cloud or AWS either."""
    kept = {name: value for name, value in environment.items() if not name.startswith(CLOUD_VARIABLES)}
    closed = f"127.0.0.1:{free_port()}"
    servers = dict.fromkeys(("GCE_METADATA_HOST", "GCE_METADATA_IP"), closed)
    return kept | servers | {"NO_GCE_CHECK": "true", "AWS_EC2_METADATA_DISABLED": "true"}


def is_right(mistake: Mistake, answer: Answer) -> bool:
    """Whether a command ended with its status, and said why in one line."""
    return answer.status == mistake.status and (answer.status == 0 or answer.text.count("\n") == 1)


def row(mistake: Mistake, answer: Answer, folder: str) -> str:
    """A mistake as a row of the table."""
    lines = answer.text.replace(folder, "/home/me").splitlines()
    line = next((line for line in lines if "warning" in line), "") if answer.status == 0 else " ".join(lines)
    shown = re.sub(r"127\.0\.0\.1:\d+", "host:8099", line).replace("|", "\\|")
    shown = re.sub(r"(service_port=)\d+", r"\g<1>8099", shown)
    return f"| {mistake.name} | {answer.status} | {answer.seconds:.1f} ({answer.cpu_s:.1f}) | `{shown}` |"


def page(rows: list[str]) -> str:
    """The page of all mistakes."""
    made = machine()
    return "\n".join(
        [
            "# Checks before launch",
            "",
            f"`benchmarks/mistakes.py` of {time.strftime('%Y-%m-%d')}, commit {made['commit']}, {made['cpus']} CPUs, load average {made['load_average'][0]}.",
            "Each row is a command in a process of its own, until it ended: seconds by the clock, and CPU seconds, most of which are the import",
            "of Beam. Nothing was planned before, and no job was started.",
            "",
            "| what is wrong | exit status | s (CPU s) | what fitfeed says |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
