"""Engines that run the graph: what `--runner` may name, what is checked before launch, and the job that runs.

In: the name of a runner, options for it, a pipeline. Out: warnings or one line of refusal; then a `RemoteJob`.

| module | what it knows |
|---|---|
| `known_engines` | all of them by name, and which one Beam's options choose |
| `check_engine` | what is checked before launch, whatever the engine |
| `dask_cluster`, `dataflow`, `portable` | what one engine, or one kind of them, needs, and where its workers are |
| `dataflow_packages`, `google_access` | how Dataflow's workers get fitfeed; credentials and buckets of Google Cloud |
| `launch`, `engine` | what is about to be launched; what an engine is |
| `endpoint`, `local_folders` | whether a server answers; whether workers may see a folder of this machine |
| `open_pipeline` | an empty pipeline for a runner |
| `temporary_folders` | what Beam makes for a pipeline, and leaves behind |
| `executables` | runners for which Beam would download a program |
| `remote_job`, `job_counters`, `job_failure` | a job that runs, what it counts, and the last cause of one that failed |
| `quiet_beam` | keeps the log of Beam and its threads off the terminal |
| `kept_processes` | on an engine's worker: the processes that write shards |
"""
