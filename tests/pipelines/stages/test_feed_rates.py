"""Rates follow from times and machinery, and CPUs from rates."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.pipelines.stages.feed_rates import Machinery, cpus_for, feed_rate, resource_rates
from fitfeed.pipelines.stages.stage_times import StageTimes

seconds = st.floats(1e-6, 1e-1)

times_of = st.builds(
    lambda read, decode, augment, normalize, batch, wait, lock: StageTimes.of(
        read=read, decode=decode, augment=augment, normalize=normalize, batch=batch, lock_s=lock * decode
    ).with_stage("read", wait_s=wait),
    *[seconds] * 6,
    st.floats(0, 1),
)

machineries = st.builds(
    lambda cpus, workers, kind: Machinery(cpus=cpus, workers=workers, kind=kind),
    st.integers(1, 128),
    st.integers(1, 256),
    st.sampled_from(["threads", "processes"]),
)


def test_two_cpus_make_twice_as_many() -> None:
    times = StageTimes.of(decode=200e-6, augment=50e-6)
    assert feed_rate(times, Machinery(cpus=1, workers=1)) == pytest.approx(4000)
    assert feed_rate(times, Machinery(cpus=2, workers=2)) == pytest.approx(8000)


def test_threads_share_the_lock_and_processes_do_not() -> None:
    times = StageTimes.of(decode=200e-6, augment=100e-6, lock_s=100e-6)
    assert feed_rate(times, Machinery(cpus=16, workers=16, kind="threads")) == pytest.approx(10_000)
    assert feed_rate(times, Machinery(cpus=16, workers=16)) == pytest.approx(16 / 300e-6)


def test_memory_limits_what_only_copies() -> None:
    machinery = Machinery(cpus=64, workers=64, memory_bytes_per_s=1e9)
    times = StageTimes(stages=StageTimes.of(read=1e-5).stages, copied_bytes=1e6)
    assert resource_rates(times, machinery)["memory"] == pytest.approx(1000)


def test_nothing_takes_no_time() -> None:
    assert feed_rate(StageTimes.of(), Machinery(cpus=2, workers=2)) == math.inf


@given(times_of, machineries)
def test_no_resource_allows_less_when_there_is_more_of_it(times: StageTimes, machinery: Machinery) -> None:
    assert feed_rate(times, machinery.with_cpus(machinery.cpus + 1)) >= feed_rate(times, machinery) * (
        1 - 1e-9
    )


@given(times_of, machineries, st.sampled_from(["read", "decode", "augment", "normalize", "batch"]))
def test_a_slower_stage_never_makes_a_faster_pipeline(
    times: StageTimes, machinery: Machinery, stage: str
) -> None:
    slower = times.with_stage(stage, cpu_s=2 * times[stage].cpu_s)  # type: ignore[index, arg-type]
    assert feed_rate(slower, machinery) <= feed_rate(times, machinery) * (1 + 1e-9)


@given(times_of, machineries, st.floats(1, 1e4))
def test_as_many_cpus_as_are_asked_for_make_it_and_one_less_does_not(
    times: StageTimes, machinery: Machinery, need: float
) -> None:
    cpus = cpus_for(need, times, machinery)
    if cpus is None:
        assert feed_rate(times, machinery.with_cpus(1_000_000_000)) < need
        return
    assert feed_rate(times, machinery.with_cpus(cpus)) >= need * (1 - 1e-6)
    if cpus > machinery.cpus:
        assert feed_rate(times, machinery.with_cpus(cpus - 1)) < need * (1 + 1e-6)
