"""Follows which batches of a pipeline one iterator has taken."""

import weakref

from fitfeed.pipelines.monitor.made_batches import MadeBatch, MadeBatches


class BatchCursor:
    """The place of an iterator in a pipeline: its batches come in the pipeline's order, each once."""

    def __init__(self, made: MadeBatches, *, since: float, later: int = 0) -> None:
        """Finds the iteration that an iterator reads. It must have taken a batch.

        Args:
            made: What the pipeline has made.
            since: When the iterator was asked for its first batch, by `time.monotonic()`. TensorFlow opens an iteration
                then. Iterators of a distributed dataset have opened theirs before.
            later: How many batches must be made besides one, before the iterator gives that one.
        """
        # A cursor outlives its iterator, in a monitor that is kept. It must not keep threads, buffers and worker processes.
        self._made, self._later = weakref.ref(made), later
        openings = made.openings
        after = [opening for opening in openings if opening.opened >= since]
        found = after[:1] or openings[-1:]
        self._place = (found[0].epoch, found[0].first) if found else None

    def take(self, count: int) -> list[MadeBatch]:
        """Returns the next `count` batches, or fewer if no more have been made; none if the pipeline is gone."""
        taken: list[MadeBatch] = []
        made = self._made()
        while made is not None and self._place is not None and len(taken) < count:
            epoch, step = self._place
            batch = made.batch(epoch, step)
            if batch is None:
                break
            following = made.batch(epoch, step + self._later)
            taken.append(
                batch if following is None else batch._replace(ready=max(batch.ready, following.ready))
            )
            # After its last step, a dataset that is repeated goes on with the next epoch.
            self._place = (epoch, step + 1) if step + 1 < made.steps else (epoch + 1, 0)
        return taken
