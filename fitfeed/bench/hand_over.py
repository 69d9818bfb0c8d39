"""What TensorFlow adds to a batch that is there already, and how many images per second the whole makes."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fitfeed.bench.load_tensorflow import load_tensorflow
from fitfeed.pipelines.stages.stage_times import StageTime

if TYPE_CHECKING:
    import tensorflow as tf

    from fitfeed.bench.plan import BenchPlan
    from fitfeed.pipelines import Dataset
    from fitfeed.pipelines.feed.batch_maker import BatchMaker

BATCHES = 48

ENDLESS = 2**40
"""Batches."""

WARM_UP_S = 0.5
"""After the first batch of the whole, until which workers have started. Until here memory is mapped."""


def hand_over(maker: "BatchMaker") -> StageTime:
    """Measures CPU time of all threads, per image: a batch that was made before is handed over again and again."""
    load_tensorflow()
    from fitfeed.pipelines.tf_data.tensors import call, tensors_of

    arrays = maker.make(0, 0)
    count = len(arrays["image"])

    def finished(step: Any) -> Any:
        return tensors_of(lambda epoch, step: arrays, maker.specs, step, step, finish=lambda *_: None)

    def nothing(step: Any) -> Any:
        return call(lambda step: [step], [step], [step.dtype])

    return StageTime(cpu_s=_cpu_s_of(finished) / count, floor_s=_cpu_s_of(nothing) / count)


def _cpu_s_of(element: Callable[[Any], Any]) -> float:
    """CPU seconds, of all threads, for an element of a pipeline."""
    import tensorflow as tf

    plain = tf.autograph.experimental.do_not_convert
    elements = tf.data.Dataset.range(2 * BATCHES).map(plain(element), num_parallel_calls=2).prefetch(1)
    began = 0.0
    for number, _ in enumerate(elements):
        if number == BATCHES:
            began = time.process_time()
    return (time.process_time() - began) / (BATCHES - 1)


def whole_rate(
    dataset: "Dataset", plan: "BenchPlan", *, seconds: float, progress: Callable[[], None] = lambda: None
) -> float:
    """Images per second of the pipeline as `fit` would have it, when nobody waits for a model.

    Args:
        dataset: The dataset.
        plan: Its pipeline.
        seconds: How long to measure.
        progress: Called after each batch.
    """
    from fitfeed.pipelines import make_pipeline

    batches = make_pipeline(dataset, plan.split, **plan.arguments(dataset)).repeat()
    return _rate(
        batches, lambda element: element[0] if isinstance(element, tuple) else element, seconds, progress
    )


def endless_rate(
    dataset: "Dataset", plan: "BenchPlan", *, seconds: float, progress: Callable[[], None] = lambda: None
) -> float:
    """Images per second of the same pipeline if its epochs had no end.

    No batch of an epoch is made before the one before it has ended, so a CPU waits at its end. That is next to nothing of an
    epoch of a thousand batches, and a fifth of one of three. So this tells from a few images what many would do.

    Args:
        dataset: A dataset of few images.
        plan: Its pipeline.
        seconds: How long to measure.
        progress: Called after each batch.
    """
    load_tensorflow()
    import tensorflow as tf

    from fitfeed.pipelines.feed.batch_maker import BatchMaker
    from fitfeed.pipelines.tf_data.py_function import weakly_bound
    from fitfeed.pipelines.tf_data.tensors import tensors_of

    maker = BatchMaker(dataset, plan.split, plan.options(dataset))
    steps = len(maker.steps)

    def finished(number: Any) -> Any:
        epoch, step = number // steps, number % steps
        # Weakly, so that worker processes end with this function, whatever TensorFlow keeps.
        return tensors_of(weakly_bound(maker.make), maker.specs, epoch, step, finish=lambda *_: None)

    plain = tf.autograph.experimental.do_not_convert
    batches = (
        tf.data.Dataset.range(ENDLESS).map(plain(finished), num_parallel_calls=maker.at_once).prefetch(1)
    )
    options = tf.data.Options()
    options.autotune.enabled = False  # as in `make_pipeline`
    return _rate(batches.with_options(options), lambda element: element["image"], seconds, progress)


def _rate(
    batches: "tf.data.Dataset", images_of: Callable[[Any], Any], seconds: float, progress: Callable[[], None]
) -> float:
    """Images per second, after a while."""
    started = began = 0.0
    count = 0
    for element in batches:
        progress()
        now = time.perf_counter()
        if not started:
            started = now
        if now - started < WARM_UP_S:
            continue
        if not began:
            began = now
            continue
        count += int(images_of(element).shape[0])
        if now - began >= seconds:
            break
    return count / (time.perf_counter() - began)
