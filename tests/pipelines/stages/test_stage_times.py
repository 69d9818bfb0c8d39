"""What the times of stages say together."""

import dataclasses

import pytest

from fitfeed.pipelines.stages.stage_times import STAGES, WORDS, FunctionTime, StageTime, StageTimes


def test_sums_tell_workers_from_the_main_process() -> None:
    times = StageTimes.of(read=1, decode=2, augment=3, normalize=4, batch=5, hand_over=6)
    assert (times.cpu_s, times.worker_s, times.main_cpu_s) == (21, 10, 11)


def test_waiting_occupies_a_worker_and_no_cpu() -> None:
    times = StageTimes.of(read=1, decode=2).with_stage("read", wait_s=10)
    assert (times.cpu_s, times.worker_s) == (3, 13)
    assert (times.slowest, times.most_cpu) == ("read", "decode")


def test_shares_of_the_floor() -> None:
    assert StageTime(cpu_s=4, floor_s=3).of_floor == 0.75
    assert StageTime(cpu_s=4).of_floor is None
    assert StageTime(cpu_s=0, floor_s=3).of_floor is None
    times = StageTimes(
        stages={"read": StageTime(cpu_s=2, floor_s=1), "decode": StageTime(cpu_s=2, floor_s=2)}
    )
    assert times.floor_s == 3
    assert StageTimes.of(read=1).floor_s is None


def test_without_a_function_its_time_and_its_lock_are_gone() -> None:
    functions = (
        FunctionTime(name="a", cpu_s=2.0, lock_s=1.5),
        FunctionTime(name="b", cpu_s=1.0, lock_s=0.25),
    )
    times = dataclasses.replace(StageTimes.of(augment=4.0, lock_s=2.0), functions=functions)
    without = times.without_function("a")
    assert (without["augment"].cpu_s, without.lock_s, without.functions) == (2.0, 0.5, functions[1:])
    assert times.without_function("c") == times


def test_a_stage_that_does_not_exist_is_refused() -> None:
    with pytest.raises(TypeError, match="there are no such stages: decoding"):
        StageTimes.of(decoding=1)


def test_each_stage_has_a_word() -> None:
    assert set(WORDS) == set(STAGES)
