"""The verdict is right: about each limit, by times of a fake clock, and about gains."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.pipelines.stages.changes import StoredImages, possible_changes
from fitfeed.pipelines.stages.feed_rates import Machinery, feed_rate
from fitfeed.pipelines.stages.stage_times import FunctionTime, StageTimes
from fitfeed.pipelines.stages.verdict import Verdict, judge, ways_to
from tests.pipelines.stages.test_feed_rates import machineries, times_of
from tests.pipelines.stages.test_stage_clock import FakeClocks

USUAL = {
    "read": 4e-6,
    "decode": 269e-6,
    "augment": 90e-6,
    "normalize": 30e-6,
    "batch": 8e-6,
    "hand-over": 5e-6,
}
"""docs/performance.md: JPEG of 256 pixels."""

PHOTOS = StoredImages(height=400, width=533, encoding="jpeg", image_size=(224, 224))

OWN_FUNCTIONS = StoredImages(
    height=256, width=256, encoding="jpeg", image_size=(224, 224), operations=2, may_fork=True
)

SMALL = StoredImages(height=256, width=256, encoding="jpeg", image_size=(224, 224))

PROCESSES = Machinery(cpus=8, workers=8, machine_cpus=8)

THREADS = Machinery(cpus=8, workers=8, kind="threads", machine_cpus=8)


def clocked(*, waiting: float = 0.0, lock: float = 60e-6, **slower: float) -> StageTimes:
    """Times as a clock measures them if a stage takes some seconds more."""
    clocks = FakeClocks()
    clock = clocks.clock()
    for _ in range(16):
        for stage, seconds in USUAL.items():
            with clock.time(stage):  # type: ignore[arg-type]
                clocks.work(seconds + slower.get(stage, 0.0))
                clocks.wait(waiting if stage == "read" else 0.0)
    return StageTimes(stages=clock.times(16), lock_s=lock)


def limit(times: StageTimes, machinery: Machinery = PROCESSES, consumer_rate: float | None = None) -> str:
    return judge(times, machinery, consumer_rate=consumer_rate).limit


def test_each_stage_that_is_slow_is_named() -> None:
    assert limit(clocked()) == "decode"
    assert limit(clocked(augment=1e-3)) == "augmentation"
    assert limit(clocked(normalize=1e-3)) == "memory"
    assert limit(clocked(read=1e-3)) == "memory", "raw pixels come from the page cache"
    assert limit(clocked(waiting=5e-3)) == "disk"
    assert limit(clocked(batch=1e-3)) == "interpreter"


def test_machinery_that_is_short_is_named() -> None:
    assert limit(clocked(), Machinery(cpus=1, workers=1)) == "workers"
    assert limit(clocked(), Machinery(cpus=8, workers=2)) == "workers"
    assert limit(clocked(lock=300e-6), THREADS) == "interpreter"
    assert limit(clocked(lock=300e-6), PROCESSES) == "decode"
    assert limit(clocked(), Machinery(cpus=2, workers=2, kind="threads")) == "decode"


def heavy(*, cpu_s: float, lock_s: float) -> StageTimes:
    """Times of a pipeline with two functions of the user, one of them heavy."""
    functions = (
        FunctionTime(name="light", cpu_s=10e-6, lock_s=10e-6),
        FunctionTime(name="heavy", cpu_s=cpu_s, lock_s=lock_s),
    )
    return dataclasses.replace(clocked(augment=cpu_s + 10e-6, lock=70e-6 + lock_s), functions=functions)


def test_a_heavy_function_of_the_user_is_named() -> None:
    opencv = judge(heavy(cpu_s=5e-3, lock_s=0.0), PROCESSES)
    assert (opencv.limit, opencv.function) == ("augmentation", "heavy")
    assert opencv.sentence.endswith(" images/s: your function heavy takes most of it.")
    python = judge(heavy(cpu_s=5e-3, lock_s=5e-3), THREADS)
    assert (python.limit, python.function) == ("interpreter", "heavy")
    assert python.sentence == (
        f"The interpreter lock limits at {python.rate:,.0f} images/s: your function heavy holds it."
    )
    assert judge(heavy(cpu_s=5e-3, lock_s=5e-3), PROCESSES).limit == "augmentation"


def test_a_light_function_of_the_user_is_not_to_blame() -> None:
    assert judge(heavy(cpu_s=10e-6, lock_s=10e-6), PROCESSES).function is None
    assert judge(clocked(augment=1e-3), PROCESSES).function is None
    lock = dataclasses.replace(heavy(cpu_s=300e-6, lock_s=10e-6), lock_s=400e-6)
    assert (judge(lock, THREADS).limit, judge(lock, THREADS).function) == ("interpreter", None)


def test_a_heavy_function_is_to_be_left_out_or_leaves_the_lock_to_others() -> None:
    times = heavy(cpu_s=5e-3, lock_s=5e-3)
    verdict = judge(times, THREADS, changes=possible_changes(times, THREADS, OWN_FUNCTIONS))
    assert [each.change.kind for each in verdict.changes[:2]] == ["operations", "processes"]
    assert verdict.best is not None
    assert verdict.best.change.action == "leave out your function heavy, or make it faster"
    assert verdict.best.rate == pytest.approx(feed_rate(heavy(cpu_s=0.0, lock_s=0.0), THREADS))


def test_a_little_waiting_beside_much_work_is_no_lack_of_workers() -> None:
    assert limit(clocked(waiting=150e-6)) == "decode"
    assert limit(clocked(waiting=150e-6), Machinery(cpus=8, workers=4)) == "workers"


def test_a_busy_machine_is_not_taken_for_threads_that_wait() -> None:
    times = clocked()
    verdict = judge(times, THREADS, changes=possible_changes(times, THREADS, SMALL), measured_rate=100.0)
    assert max(each.gain for each in verdict.changes) <= 1.3 * feed_rate(times, PROCESSES) / feed_rate(
        times, THREADS
    )


def test_a_consumer_that_is_slower_is_the_limit_and_nothing_is_to_be_changed() -> None:
    times = clocked()
    verdict = judge(times, PROCESSES, changes=possible_changes(times, PROCESSES, PHOTOS), consumer_rate=100.0)
    assert (verdict.limit, verdict.changes, verdict.waiting) == ("consumer", (), 0.0)
    assert "The model limits: it takes 100 images/s" in verdict.sentence


def test_a_consumer_on_the_same_cpus_is_helped_by_cheaper_images() -> None:
    """An image takes the time of both: of feeding and of the consumer."""
    times = clocked()
    changes = possible_changes(times, PROCESSES, PHOTOS)
    alone = judge(times, PROCESSES, changes=changes)
    for consumer_rate in (0.9 * alone.rate, 1.1 * alone.rate):
        verdict = judge(times, PROCESSES, changes=changes, consumer_rate=consumer_rate, shares_cpus=True)
        assert verdict.limit == ("consumer" if consumer_rate < alone.rate else "decode")
        assert verdict.shared_rate == pytest.approx(1 / (1 / alone.rate + 1 / consumer_rate))
        assert alone.best is not None
        assert verdict.best is not None
        assert verdict.shared_rate is not None
        assert verdict.best.change == alone.best.change
        assert verdict.best.rate == pytest.approx(1 / (1 / alone.best.rate + 1 / consumer_rate))
        assert verdict.best.gain == pytest.approx(verdict.best.rate / verdict.shared_rate)
        assert "uint8" not in {each.change.kind for each in verdict.changes}, "there is no other device"
    slow = judge(times, PROCESSES, changes=changes, consumer_rate=alone.rate / 100, shares_cpus=True)
    assert (slow.limit, slow.changes) == ("consumer", ())


def test_more_cpus_are_more_for_a_consumer_on_them_too() -> None:
    two = Machinery(cpus=2, workers=2, machine_cpus=8)
    times = clocked()
    verdict = judge(
        times, two, changes=possible_changes(times, two, SMALL), consumer_rate=100.0, shares_cpus=True
    )
    assert [(each.change.kind, round(each.gain, 6)) for each in verdict.changes] == [("cpus", 4.0)]


def test_a_consumer_on_the_same_cpus_computes_while_feeding_waits() -> None:
    """A disk that delivers 500 images/s leaves seven of eight CPUs to a consumer that takes 4,000 alone."""
    on_disk = StageTimes(stages=clocked().stages, max_read_rate=500.0)
    locked = clocked(lock=2e-3)
    for times, machinery in ((on_disk, PROCESSES), (locked, THREADS)):
        alone = feed_rate(times, machinery)
        verdict = judge(times, machinery, consumer_rate=4000.0, shares_cpus=True)
        assert verdict.limit in {"disk", "interpreter"}
        assert verdict.shared_rate == pytest.approx(alone)
        busy = alone * (times.cpu_s / 8 + 1 / 4000)
        assert verdict.waiting == pytest.approx(1 - busy)
    by_cpus = judge(clocked(), PROCESSES, measured_rate=9000.0, consumer_rate=12_000.0, shares_cpus=True)
    assert (by_cpus.limit, by_cpus.waiting) == ("decode", 0.0)


def test_ways_beside_a_consumer_count_the_cpus_of_both() -> None:
    two, times = Machinery(cpus=2, workers=2, machine_cpus=2), clocked()
    changes = possible_changes(times, two, SMALL)
    verdict = judge(times, two, changes=changes, consumer_rate=1000.0, shares_cpus=True)
    assert verdict.makes < 1000 < verdict.rate
    assert ways_to(verdict.makes * 0.9, times, two, verdict) == []
    cpus = next(n for n in range(2, 99) if 1 / (times.cpu_s / n + 2 / (1000 * n)) >= 3000)
    assert ways_to(3000.0, times, two, verdict) == [f"{cpus - 2} more CPUs"]


def test_a_consumer_that_is_faster_waits() -> None:
    verdict = judge(clocked(), PROCESSES, measured_rate=1000.0, consumer_rate=4000.0)
    assert verdict.limit == "decode"
    assert verdict.waiting == pytest.approx(0.75)


def test_bandwidth_of_a_disk_limits_any_number_of_workers() -> None:
    times = StageTimes(stages=clocked(waiting=1e-3).stages, max_read_rate=500.0)
    verdict = judge(times, PROCESSES, changes=possible_changes(times, PROCESSES, PHOTOS))
    assert verdict.limit == "disk"
    assert verdict.rate == 500
    assert verdict.best is not None
    assert verdict.best.change.kind == "size", "fewer bytes help, more workers do not"
    assert "workers" not in {each.change.kind for each in verdict.changes}


@pytest.mark.parametrize(
    ("times", "machinery", "images", "kind"),
    [
        (clocked(), PROCESSES, PHOTOS, "size"),
        (clocked(normalize=1e-3), PROCESSES, SMALL, "uint8"),
        (clocked(lock=400e-6), THREADS, SMALL, "processes"),
        (clocked(), Machinery(cpus=8, workers=2), SMALL, "workers"),
        (clocked(waiting=5e-3), PROCESSES, SMALL, "workers"),
        (clocked(), Machinery(cpus=1, workers=1, machine_cpus=8), SMALL, "cpus"),
        (clocked(), Machinery(cpus=2, workers=2, machine_cpus=8), SMALL, "cpus"),
    ],
)
def test_the_change_that_helps_most_comes_first(
    times: StageTimes, machinery: Machinery, images: StoredImages, kind: str
) -> None:
    verdict = judge(times, machinery, changes=possible_changes(times, machinery, images))
    assert verdict.best is not None
    assert verdict.best.change.kind == kind


def test_gains_are_of_what_was_measured() -> None:
    """The share that the calculation leaves out stays as it is."""
    times = clocked()
    allowed = feed_rate(times, PROCESSES)
    verdict = judge(
        times, PROCESSES, changes=possible_changes(times, PROCESSES, PHOTOS), measured_rate=allowed / 2
    )
    assert verdict.best is not None
    assert verdict.efficiency == pytest.approx(0.5)
    assert verdict.best.rate == pytest.approx(feed_rate(verdict.best.change.times, PROCESSES) / 2)
    assert verdict.best.gain == pytest.approx(verdict.best.rate / (allowed / 2))


def test_threads_that_wait_for_each_other_gain_by_processes() -> None:
    two = Machinery(cpus=2, workers=2, kind="threads", machine_cpus=2)
    times = clocked()
    verdict = judge(
        times, two, changes=possible_changes(times, two, SMALL), measured_rate=0.75 * feed_rate(times, two)
    )
    assert verdict.best is not None
    assert verdict.best.change.kind == "processes"
    assert verdict.best.gain == pytest.approx(0.95 / 0.75)


def test_threads_that_only_copy_wait_for_nobody() -> None:
    raw = StoredImages(height=224, width=224, encoding="raw", normalizes=False, dtype="uint8")
    three = Machinery(cpus=4, workers=3, kind="threads", copies=True, machine_cpus=4)
    times = StageTimes.of(read=30e-6)
    verdict = judge(times, three, changes=possible_changes(times, three, raw), measured_rate=50_000.0)
    assert verdict.best is not None
    assert verdict.best.gain == pytest.approx(4 / 3)


def test_processes_make_no_disk_faster() -> None:
    two = Machinery(cpus=2, workers=2, kind="threads", machine_cpus=2)
    times = StageTimes(stages=clocked(waiting=1e-3).stages, max_read_rate=500.0)
    verdict = judge(times, two, changes=possible_changes(times, two, SMALL), measured_rate=400.0)
    assert verdict.limit == "disk"
    assert "processes" not in {each.change.kind for each in verdict.changes}


@given(times_of, machineries, st.floats(0.3, 1.2), st.one_of(st.none(), st.floats(1, 1e6)))
def test_every_promise_is_a_gain_and_the_best_is_first(
    times: StageTimes, machinery: Machinery, share: float, consumer_rate: float | None
) -> None:
    verdict = judge(
        times,
        machinery,
        changes=possible_changes(times, machinery, PHOTOS),
        measured_rate=share * feed_rate(times, machinery),
        consumer_rate=consumer_rate,
    )
    gains = [each.gain for each in verdict.changes]
    assert gains == sorted(gains, reverse=True)
    assert all(gain >= 1.05 for gain in gains)
    assert 0 <= verdict.waiting < 1
    assert (verdict.limit == "consumer") == (consumer_rate is not None and consumer_rate <= verdict.rate)
    assert verdict.sentence.endswith(".")


@given(times_of, machineries)
def test_what_is_scarce_does_not_depend_on_the_unit_of_time(times: StageTimes, machinery: Machinery) -> None:
    doubled = times
    for stage in times.stages:
        time = times[stage]
        doubled = doubled.with_stage(stage, cpu_s=2 * time.cpu_s, wait_s=2 * time.wait_s)
    doubled = StageTimes(stages=doubled.stages, lock_s=2 * times.lock_s)
    before, after = judge(times, machinery), judge(doubled, machinery)
    assert (before.limit, before.slowest) == (after.limit, after.slowest)
    assert after.rate == pytest.approx(before.rate / 2)


def verdict_of(times: StageTimes, machinery: Machinery, images: StoredImages = PHOTOS) -> Verdict:
    return judge(times, machinery, changes=possible_changes(times, machinery, images))


def test_what_is_fast_enough_needs_nothing() -> None:
    verdict = verdict_of(clocked(), PROCESSES)
    assert ways_to(verdict.rate * 0.9, clocked(), PROCESSES, verdict) == []


def test_ways_to_a_need_are_changes_or_cpus_or_both() -> None:
    two, times = Machinery(cpus=2, workers=2, machine_cpus=2), clocked()
    verdict = verdict_of(times, two)
    a_little = ways_to(verdict.rate * 1.3, times, two, verdict)
    assert a_little == ["convert with `--size 256`", "1 more CPU"]
    assert ways_to(verdict.rate * 8, times, two, verdict) == ["14 more CPUs"]


def test_where_neither_is_enough_both_are_named() -> None:
    """The disk delivers 1,500 images/s; smaller ones would be 3,600, for which there are too few CPUs."""
    two = Machinery(cpus=2, workers=2, machine_cpus=2)
    times = StageTimes(stages=clocked(decode=2e-3).stages, max_read_rate=1500.0)
    verdict = verdict_of(times, two)
    (way,) = ways_to(3000.0, times, two, verdict)
    assert way.startswith("convert with `--size 256`, and ")
    assert way.endswith(" more CPUs")


def test_what_the_whole_was_measured_to_make_is_promised_and_nothing_is_added_to_it() -> None:
    two, times = Machinery(cpus=2, workers=2, machine_cpus=2), clocked(normalize=1e-3)
    changes = possible_changes(times, two, SMALL, rates={"uint8": 3000.0})
    verdict = judge(times, two, changes=changes, measured_rate=1000.0)
    assert verdict.best is not None
    assert (verdict.best.change.kind, verdict.best.rate, verdict.best.gain) == ("uint8", 3000.0, 3.0)
    assert verdict.best.change.is_measured
    assert "and" not in "; ".join(ways_to(9000.0, times, two, verdict)).split()


def test_what_nothing_reaches_has_no_way() -> None:
    times = StageTimes(stages=clocked().stages, max_read_rate=100.0)
    two = Machinery(cpus=2, workers=2)
    assert ways_to(1e6, times, two, verdict_of(times, two, SMALL)) == []
