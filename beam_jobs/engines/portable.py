"""Engines that Beam's portable job API reaches: Flink, Spark, Prism, and any other job server.

```
this process -- job_endpoint --> job server --> engine --> workers, where environment_type says
```
"""

from fitfeed.beam_jobs.engines.endpoint import Endpoint
from fitfeed.beam_jobs.engines.engine import Engine, short_name
from fitfeed.beam_jobs.engines.launch import Launch
from fitfeed.beam_jobs.engines.local_folders import warn_of_folders
from fitfeed.schemas.errors import UsageError

MASTERS = ("flink_master", "spark_master_url")
"""Options that name a cluster, for a job server that Beam starts on this machine."""

UNSAID = (None, -1)
"""What Beam takes for `parallelism` that nobody has given."""

CLUSTERS_PAGE = "docs/clusters.md"


def check_job_server(launch: Launch) -> list[str]:
    """Checks that the job server or the cluster answers, and that workers have fitfeed and see all places.

    Args:
        launch: What is about to be launched.

    Returns:
        Warnings.

    Raises:
        UsageError: If workers would not have fitfeed.
        RemoteError: If a server does not answer.
    """
    servers = _servers(launch)
    for option, server in servers.items():
        server.require("the job server" if option == "job_endpoint" else "the cluster", option)
    environment = _environment(launch)
    if environment == "DOCKER" and not _is_configured(launch, "docker_container_image"):
        msg = f"workers would run in Beam's own container, which has no fitfeed. Give -- --environment_type=DOCKER --environment_config=IMAGE, or -- --environment_type=EXTERNAL --environment_config=HOST:PORT for a pool of workers ({CLUSTERS_PAGE})."
        raise UsageError(msg)
    if environment == "EXTERNAL" and not _is_configured(launch, "external_service_address"):
        msg = f"environment_type=EXTERNAL is a pool of workers, and no address of one is given. Start one: python -m apache_beam.runners.worker.worker_pool_main --service_port=50000, and give -- --environment_config=HOST:50000, as the engine sees it ({CLUSTERS_PAGE})."
        raise UsageError(msg)
    if environment == "LOOPBACK":
        return []
    warnings = _warn_of_one_worker(launch)
    if all(server.is_here for server in servers.values()):
        return [*warnings, *(_warn_of_pool(launch) if environment == "EXTERNAL" else [])]
    return [*warnings, *warn_of_folders(launch, f"workers of {_where(servers)} may be on other machines")]


def _servers(launch: Launch) -> dict[str, Endpoint]:
    """Servers that must answer, by the option that names them."""
    given = launch.options.get("job_endpoint")
    if given == "embed":  # in this process
        return {}
    if given:
        return {"job_endpoint": Endpoint.parse(given, "job_endpoint")}
    masters = {name: launch.options.get(name) for name in MASTERS}
    return {
        name: Endpoint.parse(master, name)
        for name, master in masters.items()
        if master and not master.startswith(("[", "local")) and master != "yarn"
    }


def _where(servers: dict[str, Endpoint]) -> str:
    return " and ".join(f"{server.host}:{server.port}" for server in servers.values())


def _environment(launch: Launch) -> str:
    """Where workers are: what was given, or what Beam takes then."""
    given = launch.options.get("environment_type")
    if given:
        return str(given).upper()
    local = {
        "prism": True,
        "flink": launch.options.get("flink_master") in ("[local]", "[auto]"),
        "spark": str(launch.options.get("spark_master_url")).startswith("local"),
    }
    return "LOOPBACK" if local.get(short_name(launch.runner), False) else "DOCKER"


def _is_configured(launch: Launch, option: str) -> bool:
    """Whether the environment has what it needs, as a whole or by one of its options."""
    options = launch.options.get("environment_options") or []
    given = any(each.startswith(f"{option}=") for each in options)
    return given or bool(launch.options.get("environment_config"))


def _warn_of_one_worker(launch: Launch) -> list[str]:
    """A warning where Flink would do one shard at a time, which is what it does if nothing is said."""
    if short_name(launch.runner) != "flink" or launch.options.get("parallelism") not in UNSAID:
        return []
    return [
        "Flink writes one shard at a time, unless its configuration has another default. Give the number of its free slots: -- --parallelism=N"
    ]


def _warn_of_pool(launch: Launch) -> list[str]:
    """A warning if the pool of workers does not answer here. Its address is one that the engine sees, so it may be right."""
    given = launch.options.get("environment_config")
    if not given:
        return []
    pool = Endpoint.parse(given, "environment_config")
    reason = pool.failure() if pool.is_here else None
    if reason is None:
        return []
    return [
        f"no pool of workers answers at {given} ({reason}). If the engine does not see it there either, the job waits for it. Start one: python -m apache_beam.runners.worker.worker_pool_main --service_port={pool.port}"
    ]


def goes_on(launch: Launch) -> bool:
    """Whether a job goes on without this process: its server and its workers are others."""
    server = launch.options.get("job_endpoint")
    return bool(server) and server != "embed" and _environment(launch) != "LOOPBACK"


def _engine(name: str, title: str, runner: str) -> Engine:
    return Engine(
        name=name,
        title=title,
        runner=runner,
        check=check_job_server,
        serves_options=True,
        outlives=goes_on,
    )


FLINK = _engine("flink", "Flink", "FlinkRunner")
SPARK = _engine("spark", "Spark", "SparkRunner")
PRISM = _engine("prism", "Prism", "PrismRunner")
PORTABLE = _engine("portable", "portable", "PortableRunner")
