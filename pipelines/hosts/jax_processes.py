"""Which worker this is by JAX, after `jax.distributed.initialize`."""

import sys

from fitfeed.pipelines.hosts.worker_statement import WorkerStatement


def jax_statement() -> WorkerStatement | None:
    """Returns what JAX says. None: it is not imported, or knows of no other processes."""
    jax = sys.modules.get("jax")
    if jax is None:
        return None
    # TensorFlow imports whatever JAX is installed, so this may be an old one, which lacks the function.
    is_initialized = getattr(jax.distributed, "is_initialized", None)
    if is_initialized is None or not is_initialized():
        return None
    # These are `jax.process_index()` and `jax.process_count()`, which would also start JAX's devices, and for
    # that wait until all processes do so. A pipeline may be made before that, and by one process alone.
    state = jax._src.distributed.global_state  # noqa: SLF001
    worker = (state.process_id, state.num_processes)
    return WorkerStatement(source="jax.distributed", worker=worker, shard=worker)
