"""What the benchmark of stores makes of its runs."""

from benchmarks.stores import FLOORS, figures, missed_goals

DISK = {"cpu_ms": 4.0, "images_per_s": 100.0, "mib": 200.0}


def test_each_way_is_compared_with_its_disk_and_missed_goals_are_named() -> None:
    outcomes = {name: [DISK, DISK] for floor, others in FLOORS.items() for name in (floor, *others)}
    outcomes["train, cached"] = [{**DISK, "cpu_ms": 4.4}] * 2
    outcomes["convert to a store"] = [{**DISK, "cpu_ms": 4.4, "images_per_s": 79.0}] * 2
    results = figures("20 ms", outcomes)
    assert len(results) == 3 * len(outcomes)
    assert sum(result.ratio is None for result in results) == 3 * len(FLOORS)
    assert missed_goals(results) == [
        "missed: 20 ms, train, cached, ms/image: 1.10, the goal is at most 1.05",
        "missed: 20 ms, convert to a store, images/s: 0.79, the goal is at least 0.8",
    ]
